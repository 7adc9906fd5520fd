"""The four phases, put together for a class."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from pytools.errors import CourseError
from pytools.grading.course import Course, require_writable
from pytools.grading.execute import Execution, execute
from pytools.grading.marking import mark
from pytools.grading.plan import Plan, read_plan
from pytools.grading.preflight import Submission, preflight
from pytools.grading.results import FAILED, Result
from pytools.grading.save import register, save


def prepare(course: Course, name: str) -> Plan:
    """The plan of an assignment; CourseError while nothing has happened yet."""
    course.require(name)
    plan = read_plan(name, course.solution(name), course.release(name))
    course.students(name)
    require_writable(course.root / course.directory.autograded_directory)
    require_writable(course.reports(name) / "results")
    register(course, name)
    return plan


def grade(
    course: Course,
    plan: Plan,
    students: Sequence[str],
    workers: int | None,
    seconds: int,
) -> Iterator[Result]:
    """Grade these students' submissions; each result is saved, then yielded, as it comes.

    workers: kernels at a time, None for one on each core. seconds: the most that a cell may run.
    What is wrong with one submission is in its result; a CourseError means that no result can be
    saved at all.
    """
    pool = ThreadPoolExecutor(workers or cores())
    submissions: dict[Future[Execution | None], tuple[str, Submission]] = {}
    try:
        for student in students:
            submission = _preflight(course.submission(plan.name, student), plan)
            run = pool.submit(_execute, submission, plan, seconds)
            submissions[run] = student, submission
        for run in as_completed(submissions):
            student, submission = submissions.pop(run)
            yield _finish(course, plan, student, submission, run)
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _preflight(folder: Path, plan: Plan) -> Submission:
    try:
        return preflight(folder, plan)
    except Exception as error:
        reason = f"It cannot be read ({type(error).__name__}: {error})."
        return Submission(copy.deepcopy(plan.released), failed=reason)


def _execute(submission: Submission, plan: Plan, seconds: int) -> Execution | None:
    return None if submission.failed else execute(submission.notebook, plan, seconds)


def _finish(
    course: Course, plan: Plan, student: str, submission: Submission, run: Future[Execution | None]
) -> Result:
    """Mark and save one submission. What goes wrong here is this submission's trouble alone."""
    try:
        result, notebook = mark(student, plan, submission, run.result())
    except Exception as error:
        submission.failed = f"Grading broke off ({type(error).__name__}: {error})."
        result, notebook = mark(student, plan, submission, None)
    try:
        save(course, result, notebook, submission.timestamp)
    except CourseError:
        raise
    except Exception as error:
        reason = f"It cannot be saved ({type(error).__name__}: {error})."
        result = Result(student, plan.name, FAILED, reason)
    return result
