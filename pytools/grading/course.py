"""A course folder as nbgrader's configuration describes it: where everything lies."""

from __future__ import annotations

import difflib
import glob
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from nbgrader.apps import NbGrader, NbGraderAPI
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from traitlets.config import Config

from pytools.errors import CourseError

CONFIG = "nbgrader_config.py"


class Course:
    """The course in the current folder. Directories and database are nbgrader's own settings."""

    def __init__(self) -> None:
        """CourseError where the current folder is no course."""
        if not Path(CONFIG).is_file():
            raise CourseError(
                f"{Path.cwd()} is not a course folder: it has no {CONFIG}. Go to the folder that "
                "holds course/, solutions/ and submitted/, and try again."
            )
        self.config = _load_config()
        self.api = NbGraderAPI(config=self.config)
        self.directory = self.api.coursedir
        _require_address(self.db_url)

    @property
    def root(self) -> Path:
        return Path(self.directory.root)

    @property
    def db_url(self) -> str:
        return self.directory.db_url

    def assignments(self) -> list[str]:
        """The names for which solutions/NAME/NAME.ipynb exists."""
        names = self.api.get_source_assignments()
        return sorted(name for name in names if self.solution(name).is_file())

    def require(self, name: str) -> None:
        """CourseError, with the nearest name, where there is no such assignment."""
        known = self.assignments()
        if name not in known:
            folder = self.directory.source_directory
            raise CourseError(
                f"There is no assignment {name!r} in {folder}/. {nearest(name, known)}"
            )

    def solution(self, name: str) -> Path:
        return self._folder(self.directory.source_directory, ".", name) / f"{name}.ipynb"

    def release(self, name: str) -> Path:
        return self._folder(self.directory.release_directory, ".", name) / f"{name}.ipynb"

    def submission(self, name: str, student: str) -> Path:
        """The folder that a student handed in."""
        return self._folder(self.directory.submitted_directory, student, name)

    def autograded(self, name: str, student: str) -> Path:
        return self._folder(self.directory.autograded_directory, student, name)

    def reports(self, name: str) -> Path:
        return self.root / "reports" / name

    @property
    def lock(self) -> Path:
        """The file that the one run holds which is writing to the gradebook."""
        return self.root / "gradebook.db.lock"

    def result(self, name: str, student: str) -> Path:
        return self.reports(name) / "results" / f"{student}.json"

    def students(self, name: str, wanted: Sequence[str] = ()) -> list[str]:
        """Who handed in (only those wanted, if any are named), in order; CourseError if nobody."""
        found = self._handed_in(name)
        if not found:
            expected = self.submission(name, "STUDENT") / f"{name}.ipynb"
            raise CourseError(
                f"{self.directory.submitted_directory}/ holds no submission of {name}. "
                f"Expected: {self.shown(expected)}"
            )
        for student in wanted:
            if student not in found:
                raise CourseError(
                    f"{student!r} has not handed in {name}. {nearest(student, found)}"
                )
        return [student for student in found if not wanted or student in wanted]

    def _handed_in(self, name: str) -> list[str]:
        """Who has anything where a submission would be. nbgrader's own list has folders only."""
        folder = self.directory.submitted_directory
        pattern = self.directory.format_path(folder, "(?P<student>.*)", name, escape=True)
        paths = glob.glob(self.directory.format_path(folder, "*", name))
        found = [re.fullmatch(pattern, path, re.DOTALL) for path in paths]
        return sorted(match["student"] for match in found if match)

    def shown(self, path: Path) -> str:
        """The path as a person in the course folder would write it."""
        return os.path.relpath(path, self.root)

    def _folder(self, step: str, student: str, name: str) -> Path:
        return Path(os.path.normpath(self.directory.format_path(step, student, name)))


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for a name that does not exist."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There are: {', '.join(known[:20])}." if known else "There are none."


def require_writable(folder: Path) -> None:
    """Make the folder; CourseError, naming it, where nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise CourseError(
            f"No permission to write in {folder}. Make it a folder that you may write to, "
            "and try again."
        )


def _require_address(db_url: str) -> None:
    """CourseError where this is no database's URL. It is not shown: it may hold a password."""
    try:
        make_url(db_url)
    except (ArgumentError, ValueError):
        raise CourseError(
            f"c.CourseDirectory.db_url in {CONFIG} is not the address of a database. Write it as "
            "sqlite:///gradebook.db or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        ) from None


def _load_config() -> Config:
    """What `nbgrader` itself would read here: its own files, then the course's."""
    app = NbGrader(log_level=logging.ERROR, raise_config_file_errors=True)
    try:
        app.load_config_file()
    except Exception as error:
        raise CourseError(f"{CONFIG} cannot be read: {type(error).__name__}: {error}") from None
    return app.config
