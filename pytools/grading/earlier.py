"""What earlier runs have done: a submission that has not changed since is not graded again.

A result carries a digest of all that it depends on. It counts as done where the digest would be
the same today, and the gradebook still has its marks.
"""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import timedelta
from pathlib import Path

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import select

from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.options import NONE, Options
from pytools.grading.plan import Plan
from pytools.grading.preflight import MAX_BYTES
from pytools.grading.results import Result, read_result
from pytools.grading.save import explained
from pytools.grading.version import version


class Earlier:
    """Results of earlier runs, as far as they still hold."""

    def __init__(self, course: Course, plan: Plan, options: Options, gradebook: Gradebook) -> None:
        self._course, self._plan, self._again = course, plan, options.again
        sandboxed = options.sandbox != NONE
        depends = (version(), plan, course.config, sandboxed, options.seconds)
        self._common = repr(depends).encode()
        with explained(course):
            self._due = gradebook.find_assignment(plan.name).duedate
            self._read_gradebook(gradebook)

    def _read_gradebook(self, gradebook: Gradebook) -> None:
        """Everybody's marks and extensions."""
        self._marks: dict[str, dict[str, float | None]] = {}
        self._extensions: dict[str, timedelta | None] = {}
        query = (
            select(
                SubmittedAssignment.student_id,
                SubmittedAssignment.extension,
                BaseCell.name,
                Grade.auto_score,
            )
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .where(Assignment.name == self._plan.name)
        )
        for student, extension, cell, points in gradebook.db.execute(query):
            self._marks.setdefault(student, {})[cell] = points
            self._extensions[student] = extension
        gradebook.db.rollback()  # ends the transaction that reading has begun

    def digest(self, student: str) -> str:
        """Of all that the student's result depends on; '' where that cannot be read."""
        folder = self._course.submission(self._plan.name, student)
        due = repr((self._due, self._extensions.get(student)))
        try:
            return hashlib.sha256(self._common + due.encode() + _content(folder)).hexdigest()
        except OSError:
            return ""

    def result(self, student: str) -> Result | None:
        """What still holds; None where the submission has to be graded."""
        if self._again or student not in self._marks:
            return None
        name = self._plan.name
        try:
            result = read_result(self._course.result(name, student))
        except CourseError:
            return None
        marks = self._marks[student]
        holds = (
            result.digest != ""
            and result.digest == self.digest(student)
            and all(marks.get(mark.grade_id) == mark.points for mark in result.marks)
            and (self._course.autograded(name, student) / f"{name}.ipynb").is_file()
        )
        return result if holds else None


def _content(folder: Path) -> bytes:
    """A digest of what preflight may look at."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.ipynb"), *folder.glob("timestamp.txt")]):
        status = path.lstat()
        digest.update(os.fsencode(path.name) + f"\0{status.st_mode} {status.st_size}\0".encode())
        if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES:
            digest.update(path.read_bytes())
    return digest.digest()
