"""No test writes into the home folder: the check log and the data root are temporary.

Property tests draw the same examples each time, so that a commit which passes goes on passing;
`pytest --hypothesis-profile=explore` draws new ones.
"""

import pytest
from hypothesis import settings

settings.register_profile("explore", print_blob=True)
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _own_course_home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "course-home"))
