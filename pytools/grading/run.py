"""The four phases, put together for a class."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook

from pytools.errors import CourseError
from pytools.grading import review
from pytools.grading.course import Course, require_writable
from pytools.grading.earlier import Earlier
from pytools.grading.execute import Execution
from pytools.grading.marking import mark
from pytools.grading.options import Options
from pytools.grading.plan import Plan, read_plan
from pytools.grading.pool import start
from pytools.grading.preflight import Submission, preflight
from pytools.grading.results import FAILED, Result, write_result
from pytools.grading.save import opened, register, save


@dataclass
class Job:
    """A submission on its way. digest: of all that its result will depend on."""

    student: str
    submission: Submission
    digest: str


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
    course: Course, plan: Plan, students: Sequence[str], options: Options
) -> Iterator[tuple[Result, bool]]:
    """Grade these students' submissions; each result is saved, then yielded, as it comes.

    With it comes whether it is new: a submission that was graded before and has not changed since
    has the result that it had. What is wrong with one submission is in its result; a CourseError
    means that none can be run, or no result saved.
    """
    with closing(start(plan, options)) as pool, opened(course) as gradebook:
        earlier = Earlier(course, plan, options, gradebook)
        waiting: deque[str] = deque()
        for student in students:
            if result := earlier.result(student):
                yield result, False
            else:
                waiting.append(student)
        running: dict[Any, Job] = {}
        while waiting or running:
            if waiting and len(running) < pool.room:
                job = _preflight(course, plan, waiting.popleft(), earlier)
                if not job.submission.failed:
                    running[pool.submit(job.submission.notebook)] = job
                    continue
                done = [(job, None)]
            else:
                done = [(running.pop(future), future) for future in pool.first(running)]
            for job, future in done:
                run = None if future is None else partial(pool.result, future)
                result, notebook = _mark(plan, options, job, run)
                yield _save(course, gradebook, job, result, notebook), True


def _preflight(course: Course, plan: Plan, student: str, earlier: Earlier) -> Job:
    digest = earlier.digest(student)  # before it is read: what changes meanwhile is graded again
    try:
        submission = preflight(course.submission(plan.name, student), plan)
    except Exception as error:
        reason = f"It cannot be read ({type(error).__name__}: {error})."
        return Job(student, Submission(copy.deepcopy(plan.released), failed=reason), "")
    return Job(student, submission, digest)


def _mark(
    plan: Plan, options: Options, job: Job, run: Callable[[], Execution] | None
) -> tuple[Result, NotebookNode]:
    """The result, and the notebook to keep. What goes wrong here is this submission's alone."""
    submission, blameless = job.submission, False
    try:
        execution = run() if run else None
        result, notebook = mark(job.student, plan, submission, execution)
        result.flags = review.flags(submission, plan)
        blameless = bool(execution and execution.blameless)
    except CourseError:
        raise
    except Exception as error:
        submission.failed = f"Grading broke off ({type(error).__name__}: {error})."
        result, notebook = mark(job.student, plan, submission, None)
        blameless = True
    result.sandbox = options.sandbox if run else ""
    result.digest = "" if blameless else job.digest
    return result, notebook


def _save(
    course: Course, gradebook: Gradebook, job: Job, result: Result, notebook: NotebookNode
) -> Result:
    try:
        save(course, gradebook, result, notebook, job.submission.timestamp)
    except CourseError:
        raise
    except Exception as error:
        first = str(error).splitlines()[0]
        reason = f"It cannot be saved ({type(error).__name__}: {first})."
        result = Result(result.student, result.assignment, FAILED, reason)
        with suppress(OSError):  # so that the report has it
            write_result(course.result(result.assignment, result.student), result)
    return result
