"""Phase 4: into nbgrader's folders and gradebook, by nbgrader's own tables and rules.

Formgrader, feedback and export then work as after nbgrader's own autograder, on the same marks.
The marks of a submission are written in one transaction, its result after that: a run that is
killed leaves a submission as it was before or graded, and in the first case the next run does it.
"""

from __future__ import annotations

import errno
import html
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import nbformat
from filelock import FileLock, Timeout
from nbformat import NotebookNode
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry, SubmittedNotebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveCells,
)
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from sqlalchemy import make_url
from sqlalchemy.exc import DataError, NoSuchModuleError, SAWarning, SQLAlchemyError

from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.options import NONE
from pytools.grading.plan import grade_id
from pytools.grading.results import FAILED, Result, write_result, write_whole

# What nbgrader's generate_assignment does up to the point where the gradebook learns of the cells.
REGISTER = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells)
PATIENCE = 60  # seconds for another run to save a submission
NOT_SANDBOXED = "Graded without a sandbox."


def register(course: Course, name: str) -> None:
    """Tell the gradebook of the assignment and its cells.

    CourseError where the gradebook cannot be written, or has marks for other cells.
    """
    notebook = nbformat.read(course.solution(name), as_version=4)
    about = {"student": "", "assignment": name, "notebook": name, "db_url": course.db_url}
    resources = {"nbgrader": about}
    with alone(course), explained(course), opened(course) as gradebook:
        gradebook.update_or_create_assignment(name)
        try:
            for preprocessor in REGISTER:
                notebook, resources = preprocessor(config=course.config).preprocess(
                    notebook, resources
                )
        except RuntimeError as error:
            raise CourseError(
                f"The gradebook cannot take {name}: {error}. Undo the change of its cells, or "
                f"remove all marks of {name} with: nbgrader db assignment remove {name} --force"
            ) from None


@contextmanager
def alone(course: Course) -> Iterator[None]:
    """Meanwhile no other run writes to the gradebook; it waits, and a killed one is no obstacle."""
    lock = FileLock(course.lock, timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise CourseError(_explanation(course.db_url, "locked")) from None
    except OSError as error:
        raise CourseError(
            f"{course.lock} cannot be written: {error.strerror}. Get write permission in "
            f"{course.root}, and grade again."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """The gradebook, for one thread. What cannot be done with it is a CourseError."""
    with explained(course), _own_programs_first():
        _create(course)
        gradebook = Gradebook(course.db_url, course.directory.course_id)
    with gradebook:
        yield gradebook


def _create(course: Course) -> None:
    """A new SQLite file is there whole or not at all: one without its version is of no use."""
    url = make_url(course.db_url)
    path = Path(url.database or "")
    if url.get_backend_name() != "sqlite" or url.query or not url.database or path.exists():
        return
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    Gradebook(f"sqlite:///{beside}", course.directory.course_id).close()
    os.replace(beside, path)


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
    course: Course,
    gradebook: Gradebook,
    result: Result,
    notebook: NotebookNode,
    timestamp: datetime | None,
) -> None:
    """Write one graded submission: notebook, marks and comments, result. The result comes last."""
    name, student = result.assignment, result.student
    folder = course.autograded(name, student)
    text = nbformat.writes(notebook) + "\n"
    try:
        with alone(course), explained(course):
            write_whole(folder / f"{name}.ipynb", text.encode("utf-8", "replace"))
            if timestamp:
                write_whole(folder / "timestamp.txt", f"{timestamp} UTC\n".encode())
            try:
                _save_marks(course, gradebook, result, notebook, timestamp)
            except BaseException:
                gradebook.db.rollback()
                raise
            write_result(course.result(name, student), result)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # this student's own trouble
            raise
        raise CourseError(
            f"{error.filename or folder} cannot be written: {error.strerror}. What is saved stays; "
            "put it right and grade again."
        ) from None


def _save_marks(
    course: Course,
    gradebook: Gradebook,
    result: Result,
    notebook: NotebookNode,
    timestamp: datetime | None,
) -> None:
    """As SaveAutoGrades and AssignLatePenalties do it, in one transaction, from the marks."""
    submitted = _submitted(gradebook, result.assignment, result.student)
    submitted.assignment.timestamp = timestamp
    grades = {grade.name: grade for grade in submitted.grades}
    comments = {comment.name: comment for comment in submitted.comments}
    marks = {mark.grade_id: mark for mark in result.marks}
    texts = _comments(result)
    for cell in notebook.cells:
        name = grade_id(cell)
        if is_grade(cell):
            grade, mark = grades[name], marks.get(name)
            grade.auto_score = mark.points if mark else _points(cell, result)
            waits = grade.auto_score is None or grade.manual_score is not None
            grade.needs_manual_grade = waits or bool(mark and mark.review)
        if is_solution(cell) or is_task(cell):
            comments[name].auto_comment = texts[name] if name in texts else _no_response(cell)
    submitted.late_submission_penalty = None
    if submitted.assignment.total_seconds_late > 0:
        submitted.late_submission_penalty = _penalty(course, gradebook, submitted)
    result.penalty = submitted.late_submission_penalty or 0.0
    gradebook.db.commit()


def _submitted(gradebook: Gradebook, name: str, student: str) -> SubmittedNotebook:
    """The student's notebook in the gradebook. A new one waits for marks in every cell."""
    try:
        return gradebook.find_submission_notebook(name, name, student)
    except MissingEntry:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(name, student)
        return gradebook.find_submission_notebook(name, name, student)


def _points(cell: NotebookNode, result: Result) -> float | None:
    """Of a cell that no check marks: nothing where it is blank; else a person gives the points."""
    return None if result.status == FAILED else determine_grade(cell)[0]


def _no_response(cell: NotebookNode) -> str | None:
    """nbgrader's remark on a cell that is as it was released."""
    released = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
    return "No response." if released and not is_task(cell) else None


def _penalty(course: Course, gradebook: Gradebook, submitted: SubmittedNotebook) -> float | None:
    """What the configured rule takes off for handing in late."""
    gradebook.db.flush()
    gradebook.db.refresh(submitted)  # its score is a sum that the database makes
    rule = AssignLatePenalties(config=course.config)
    rule.init_plugin()
    late = submitted.assignment.total_seconds_late
    student = submitted.student.id
    penalty = rule.plugin_inst.late_submission_penalty(student, submitted.score, late)
    return None if penalty is None else min(max(penalty, 0.0), submitted.score)


def _comments(result: Result) -> dict[str, str | None]:
    """What the student reads beside each solution cell; the gradebook shows it as Markdown."""
    lines: dict[str, list[str]] = {mark.solution_id: [] for mark in result.marks}
    for mark in result.marks:
        hint = mark.hint and f"Hint: {mark.hint}"
        waits = "Not marked yet" if mark.points is None else "A person will look at this"
        review = mark.review and f"{waits}: {mark.review}"
        lines[mark.solution_id] += [part for part in (mark.text, hint, review) if part]
    if result.sandbox == NONE:
        lines[result.marks[0].solution_id].append(NOT_SANDBOXED)
    return {name: html.escape("\n\n".join(parts)) or None for name, parts in lines.items()}


@contextmanager
def explained(course: Course) -> Iterator[None]:
    """One line where the gradebook cannot be used; nbgrader would log a traceback."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's, with SQLAlchemy 2.1
            yield
    except ModuleNotFoundError as error:
        where = make_url(course.db_url).render_as_string(hide_password=True)
        raise CourseError(
            f"The gradebook {where} needs the database driver {error.name!r}. Install it, for "
            "PostgreSQL with: pip install 'psycopg[binary]', and write postgresql+psycopg://…"
        ) from None
    except NoSuchModuleError:
        raise CourseError(
            f"There is no such kind of database: {make_url(course.db_url).drivername!r}. Write "
            "sqlite:///gradebook.db or postgresql+psycopg://…"
        ) from None
    except (SQLAlchemyError, InvalidEntry) as error:
        if DataError in (type(error), type(error.__context__)):
            raise  # one submission's own trouble, such as a student's name that is too long
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
    if "disk is full" in error:
        return f"The gradebook {where} cannot grow: the disk is full. Make room and grade again."
    first = error.strip().splitlines()[0]
    if "connection" in first:
        return f"The gradebook {where} cannot be reached: {first}. Mend the server or its address."
    return (
        f"The gradebook {where} cannot be used: {first}. After an update of nbgrader, save a copy "
        "of it and run: nbgrader db upgrade"
    )
