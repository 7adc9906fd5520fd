"""How a class did: one page to look at, three tables to go on with.

Everything comes from what grading left: the results in reports/NAME/results, and for the list of
equal code the graded notebooks. Names and texts that students had a hand in are escaped.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.likeness import Alike, alike, read_notebook, read_notebooks
from pytools.grading.results import FAILED, STATUSES, Mark, Result, read_results, write_whole

BINS = 10
SHOWN = 8  # names of students beside a finding
MOST = 30  # groups with equal code on the page; the table has them all
UNGUARDED = "none"  # what a result says where no sandbox was used


@dataclass(frozen=True)
class Bar:
    """Submissions with points in one interval; fraction is its share of the largest bar."""

    label: str
    count: int
    fraction: float


@dataclass(frozen=True)
class Exercise:
    """How an exercise went. unmarked waits for a person."""

    number: int
    function: str
    out_of: float
    full: int
    partial: int
    none: int
    unmarked: int
    mean: float | None


@dataclass(frozen=True)
class Found:
    """One finding in one exercise, and who it is about."""

    function: str
    name: str
    hint: str
    text: str  # one student's, for example
    students: list[str]


def write_report(course: Course, name: str) -> list[str]:
    """Write index.html and the three tables; the paths, as seen from the course folder.

    CourseError where nothing has been graded, or nothing can be written.
    """
    course.require(name)
    folder = course.reports(name)
    results = read_results(folder / "results")
    if not results:
        raise CourseError(f"Nothing of {name} has been graded yet. First: course grade {name}")
    paths = {r.student: course.autograded(name, r.student) / f"{name}.ipynb" for r in results}
    rows = alike(read_notebook(course.release(name)), read_notebooks(paths))
    files = {
        "index.html": render(name, results, rows),
        "scores.csv": scores_csv(results),
        "findings.csv": findings_csv(results),
        "alike.csv": alike_csv(rows),
    }
    try:
        for file, text in files.items():
            write_whole(folder / file, text.encode("utf-8", "replace"))
    except OSError as error:
        raise CourseError(f"{folder} cannot be written: {error.strerror}.") from None
    return [course.shown(folder / file) for file in files]


def render(name: str, results: Sequence[Result], rows: Sequence[Alike] = ()) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytools.grading", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = lambda value: f"{round(value, 2):g}"
    points = [result.points for result in results if result.points is not None]
    found = findings(results)
    return environment.get_template("report.html.j2").render(
        name=name,
        results=results,
        statuses={s: sum(result.status == s for result in results) for s in STATUSES},
        marked=len(points),
        out_of=max(result.out_of for result in results),
        mean=statistics.fmean(points) if points else None,
        median=statistics.median(points) if points else None,
        bars=histogram(points, max(result.out_of for result in results)),
        exercises=exercises(results),
        misconceptions=[f for f in found if f.hint],
        others=[f for f in found if not f.hint],
        alike=rows[:MOST],
        hidden=len(rows[MOST:]),
        unguarded=sum(result.sandbox == UNGUARDED for result in results),
        flagged=sum(bool(result.flags) for result in results),
        grade=grade,
        who=who,
    )


def histogram(points: Sequence[float], out_of: float) -> list[Bar]:
    """Counts in up to ten equal intervals of 0 to out_of; the last one holds full marks."""
    if not points or out_of <= 0:
        return []
    bins = min(BINS, math.ceil(out_of))
    width = out_of / bins
    counts = Counter(min(int(p / width + 1e-9), bins - 1) for p in points)
    largest = max(counts.values())
    return [
        Bar(f"{i * width:g}–{(i + 1) * width:g}", counts[i], counts[i] / largest)
        for i in range(bins)
    ]


def exercises(results: Sequence[Result]) -> list[Exercise]:
    """Each exercise over all submissions that have marks at all, in the notebook's order."""
    marks: dict[str, list[Mark]] = defaultdict(list)
    for result in results:
        for mark in result.marks:
            marks[mark.exercise_id] += [mark] if result.status != FAILED else []
    rows = []
    for number, (exercise_id, row) in enumerate(marks.items(), start=1):
        grades = Counter(grade(mark) for mark in row)
        points = [mark.points for mark in row if mark.points is not None]
        mark = next(m for r in results for m in r.marks if m.exercise_id == exercise_id)
        rows.append(
            Exercise(
                number=number,
                function=mark.function,
                out_of=mark.out_of,
                full=grades["full"],
                partial=grades["partial"],
                none=grades["none"],
                unmarked=grades["unmarked"],
                mean=statistics.fmean(points) if points else None,
            )
        )
    return rows


def grade(mark: Mark) -> str:
    """full, partial, none or unmarked."""
    if mark.points is None:
        return "unmarked"
    if mark.points >= mark.out_of:
        return "full"
    return "partial" if mark.points > 0 else "none"


def findings(results: Sequence[Result]) -> list[Found]:
    """Every finding of every exercise, the most frequent first."""
    found: dict[tuple[str, str], Found] = {}
    for result in results:
        for mark in result.marks:
            if mark.finding:
                row = Found(mark.function, mark.finding, mark.hint, mark.text, [])
                found.setdefault((mark.exercise_id, mark.finding), row)
                found[mark.exercise_id, mark.finding].students.append(result.student)
    return sorted(found.values(), key=lambda f: (-len(f.students), f.function, f.name))


def who(students: Sequence[str]) -> str:
    """The first few names."""
    shown = " · ".join(students[:SHOWN])
    return shown if len(students) <= SHOWN else f"{shown} · {len(students) - SHOWN} more"


def scores_csv(results: Sequence[Result]) -> str:
    """A row for each student: status, points, the points of each exercise, and what was said."""
    ids = list(dict.fromkeys(mark.exercise_id for result in results for mark in result.marks))
    rows: list[list[Any]] = [["student", "status", "points", "out_of", *ids]]
    rows[0] += ["penalty", "reason", "flags", "sandbox"]
    for result in results:
        points = {mark.exercise_id: mark.points for mark in result.marks}
        reason = " ".join(filter(None, [result.reason, *result.notes]))
        row = [result.student, result.status, result.points, result.out_of]
        row += [*[points.get(i) for i in ids], result.penalty, reason]
        rows.append([*row, " ".join(result.flags), result.sandbox])
    return _csv(rows)


def findings_csv(results: Sequence[Result]) -> str:
    """A row for each mark that is not full."""
    rows: list[list[Any]] = [
        ["student", "exercise", "points", "out_of", "finding", "misconception", "text", "hint"]
    ]
    for result in results:
        for m in result.marks:
            if m.finding:
                known = "yes" if m.hint else "no"
                row = [m.exercise_id, m.points, m.out_of, m.finding, known, m.text, m.hint]
                rows.append([result.student, *row])
    return _csv(rows)


def alike_csv(rows: Sequence[Alike]) -> str:
    """A row for each student of each group with equal code."""
    table: list[list[Any]] = [["group", "student", "lines", "exercises"]]
    for number, row in enumerate(rows, start=1):
        table += [[number, s, row.lines, " ".join(row.functions)] for s in row.students]
    return _csv(table)


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_cell(v) for v in row] for row in rows])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A text that begins like a formula is made plain text for a spreadsheet."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value
