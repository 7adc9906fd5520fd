import shutil
import sys
from pathlib import Path

import pytest

from pytools.grading.course import Course
from pytools.grading.save import register

sys.path.insert(0, str(Path(__file__).parent))  # where the tests' own helper `classroom` lies

from classroom import mini_notebook, write_course


@pytest.fixture(scope="session")
def mini_template(tmp_path_factory):
    """The small course, known to its gradebook; nobody has handed in anything."""
    root = tmp_path_factory.mktemp("mini")
    write_course(root, mini_notebook())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        register(Course(), "mini")
    return root


@pytest.fixture
def mini(mini_template, tmp_path, monkeypatch):
    """A small course of two exercises in a folder of its own, which is the current one."""
    root = tmp_path / "course"
    shutil.copytree(mini_template, root)
    monkeypatch.chdir(root)
    return root
