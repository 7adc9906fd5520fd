"""No test writes into the home folder: the check log and the data root are temporary."""

import pytest


@pytest.fixture(autouse=True)
def _own_course_home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "course-home"))
