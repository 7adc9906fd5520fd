"""`course grade` as a person sees it: a line for each submission, a bar, a summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.results import STATUSES, Result
from pytools.grading.run import grade, prepare


def grade_and_tell(
    course: Course, name: str, wanted: Sequence[str], workers: int | None, seconds: int
) -> None:
    """Grade the students wanted (all where none is named) and print what came of each."""
    began = time.monotonic()
    plan = prepare(course, name)
    students = course.students(name, wanted)
    width = max(len(student) for student in students)
    statuses: Counter[str] = Counter()
    console = Console(highlight=False)
    columns = ("grading", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=len(students))
        try:
            for result in grade(course, plan, students, workers, seconds):
                statuses[result.status] += 1
                console.print(line(result, width), markup=False, soft_wrap=True)
                progress.advance(bar)
        except KeyboardInterrupt:
            raise CourseError(
                f"Stopped. {statuses.total()} of {len(students)} submissions are graded and saved."
            ) from None
    counts = ", ".join(f"{statuses[status]} {status}" for status in STATUSES if statuses[status])
    took = time.monotonic() - began
    print(f"{len(students)} submissions: {counts} ({took:.0f} s). Next: course report {name}")


def line(result: Result, width: int) -> str:
    """Student, status, points, and why or what was odd."""
    points = "no mark" if result.points is None else f"{result.points:g} of {result.out_of:g}"
    late = [f"{result.penalty:g} points off for handing in late."] if result.penalty else []
    reason = " ".join([*([result.reason] if result.reason else []), *late, *result.notes])
    text = f"{result.student:<{width}}  {result.status:<12}  {points:>10}  {reason}".rstrip()
    return "".join(sign if sign.isprintable() else "�" for sign in text)
