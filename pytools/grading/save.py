"""Phase 4: into nbgrader's gradebook and folders, through nbgrader's own code.

Formgrader, feedback and export then work as after nbgrader's own autograder, on the same marks.
"""

from __future__ import annotations

import html
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    NbGraderPreprocessor,
    SaveAutoGrades,
    SaveCells,
)
from sqlalchemy import make_url
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.results import FAILED, Mark, Result, write_result, write_whole

# What nbgrader's generate_assignment does up to the point where the gradebook learns of the cells.
REGISTER = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells)


def register(course: Course, name: str) -> None:
    """Tell the gradebook of the assignment and its cells.

    CourseError where the gradebook cannot be written, or has marks for other cells.
    """
    notebook = nbformat.read(course.solution(name), as_version=4)
    with _explained(course), _own_programs_first():
        with Gradebook(course.db_url, course.directory.course_id) as gradebook:
            gradebook.update_or_create_assignment(name)
        try:
            _apply(REGISTER, notebook, course, name)
        except RuntimeError as error:
            raise CourseError(
                f"The gradebook cannot take {name}: {error}. Undo the change of its cells, or "
                "start a new gradebook."
            ) from None


@contextmanager
def _own_programs_first() -> Iterator[None]:
    """For a new database nbgrader runs the program `alembic`, which lies beside this Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def save(
    course: Course, result: Result, notebook: NotebookNode, timestamp: datetime | None
) -> None:
    """Write one graded submission: notebook, marks and comments, result. The result comes last."""
    name, student = result.assignment, result.student
    folder = course.autograded(name, student)
    try:
        text = nbformat.writes(notebook) + "\n"
        write_whole(folder / f"{name}.ipynb", text.encode("utf-8", "replace"))
        if timestamp:
            write_whole(folder / "timestamp.txt", f"{timestamp} UTC\n".encode())
        with _explained(course):
            _save_marks(course, result, notebook, timestamp)
        write_result(course.result(name, student), result)
    except OSError as error:
        raise CourseError(
            f"{error.filename or folder} cannot be written: {error.strerror}."
        ) from None


def _save_marks(
    course: Course, result: Result, notebook: NotebookNode, timestamp: datetime | None
) -> None:
    name, student = result.assignment, result.student
    with Gradebook(course.db_url, course.directory.course_id) as gradebook:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(name, student, timestamp=timestamp)
    if result.status != FAILED:
        _apply([SaveAutoGrades], notebook, course, name, student)
    with Gradebook(course.db_url, course.directory.course_id) as gradebook:
        for mark in result.marks:
            grade = gradebook.find_grade(mark.grade_id, name, name, student)
            grade.auto_score = mark.points
            grade.needs_manual_grade |= bool(mark.review)
        for solution_id, comment in _comments(result.marks).items():
            gradebook.find_comment(solution_id, name, name, student).auto_comment = comment
        gradebook.db.commit()
    _apply([AssignLatePenalties], notebook, course, name, student)
    with Gradebook(course.db_url, course.directory.course_id) as gradebook:
        saved = gradebook.find_submission_notebook(name, name, student)
        result.penalty = saved.late_submission_penalty or 0.0


def _comments(marks: list[Mark]) -> dict[str, str | None]:
    """What the student reads beside each solution cell; the gradebook shows it as Markdown."""
    lines: dict[str, list[str]] = {mark.solution_id: [] for mark in marks}
    for mark in marks:
        hint = mark.hint and f"Hint: {mark.hint}"
        waits = "Not marked yet" if mark.points is None else "A person will look at this"
        review = mark.review and f"{waits}: {mark.review}"
        lines[mark.solution_id] += [part for part in (mark.text, hint, review) if part]
    return {name: html.escape("\n\n".join(parts)) or None for name, parts in lines.items()}


def _apply(
    preprocessors: Sequence[type[NbGraderPreprocessor]],
    notebook: NotebookNode,
    course: Course,
    name: str,
    student: str = "",
) -> None:
    """Run nbgrader's preprocessors as its converters do, but without a converter."""
    about = {"student": student, "assignment": name, "notebook": name, "db_url": course.db_url}
    resources = {"nbgrader": about}
    for preprocessor in preprocessors:
        notebook, resources = preprocessor(config=course.config).preprocess(notebook, resources)


@contextmanager
def _explained(course: Course) -> Iterator[None]:
    """One line where the gradebook cannot be used; nbgrader would log a traceback."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's, with SQLAlchemy 2.1
            yield
    except (SQLAlchemyError, InvalidEntry) as error:
        raise CourseError(_explanation(course.db_url, str(error))) from None
    finally:
        logging.disable(before)


def _explanation(db_url: str, error: str) -> str:
    where = make_url(db_url).render_as_string(hide_password=True)
    if "locked" in error:
        return (
            f"The gradebook {where} is locked by another program. End that (formgrader, or a "
            "second grading run) and grade again; what is saved stays."
        )
    if "readonly" in error or "unable to open" in error:
        return f"The gradebook {where} cannot be written. Get write permission and grade again."
    first = error.strip().splitlines()[0]
    return (
        f"The gradebook {where} cannot be used: {first}. After an update of nbgrader, save a copy "
        "of it and run: nbgrader db upgrade"
    )
