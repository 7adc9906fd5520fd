"""`course grade` as a person sees it: a line for each submission, a bar, a summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.options import NONE, Options
from pytools.grading.results import GRADED, STATUSES, Result
from pytools.grading.run import grade, prepare

LOUD = (
    "NOT SANDBOXED (--sandbox none): what students wrote runs as you, with your files, your "
    "network and your gradebook. Only for submissions that you trust."
)


def grade_and_tell(course: Course, name: str, wanted: Sequence[str], options: Options) -> bool:
    """Grade the students wanted (all where none is named) and print what came of each.

    Returns whether all are graded: nobody failed, and nobody waits for a person.
    """
    began = time.monotonic()
    plan = prepare(course, name)
    students = course.students(name, wanted)
    width = max(len(student) for student in students)
    statuses: Counter[str] = Counter()
    unchanged = 0
    console = Console(highlight=False)
    if options.sandbox == NONE:
        Console(stderr=True).print(LOUD, style="bold red", soft_wrap=True)
    columns = ("grading", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=len(students))
        try:
            for result, new in grade(course, plan, students, options):
                statuses[result.status] += 1
                unchanged += not new
                console.print(line(result, width), markup=False, soft_wrap=True)
                progress.advance(bar)
        except KeyboardInterrupt:
            raise CourseError(
                f"Stopped. {statuses.total()} of {len(students)} submissions are graded and saved."
            ) from None
    counts = ", ".join(f"{statuses[status]} {status}" for status in STATUSES if statuses[status])
    took = f"{time.monotonic() - began:.0f} s"
    if unchanged:
        took = f"{unchanged} were graded before and have not changed: --again; {took}"
    print(f"{len(students)} submissions: {counts} ({took}). Next: course report {name}")
    return statuses[GRADED] == len(students)


def line(result: Result, width: int) -> str:
    """Student, status, points, and why or what was odd."""
    points = "no mark" if result.points is None else f"{result.points:g} of {result.out_of:g}"
    late = [f"{result.penalty:g} points off for handing in late."] if result.penalty else []
    loud = ["Not sandboxed."] if result.sandbox == NONE else []
    reason = " ".join([*filter(None, [result.reason]), *late, *loud, *result.notes, *result.flags])
    text = f"{result.student:<{width}}  {result.status:<12}  {points:>10}  {reason}".rstrip()
    return "".join(sign if sign.isprintable() else "�" for sign in text)
