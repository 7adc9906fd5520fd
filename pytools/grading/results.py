"""The result of grading one submission, and the file that it is kept in."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pytools.errors import CourseError

GRADED, REVIEW, FAILED = "graded", "needs review", "failed"
STATUSES = (GRADED, REVIEW, FAILED)


@dataclass
class Mark:
    """What one exercise earned. points is None where only a person can say."""

    grade_id: str
    solution_id: str
    exercise_id: str
    points: float | None
    out_of: float
    finding: str = ""  # the name: a misconception's or a general one
    text: str = ""
    hint: str = ""  # misconceptions have one
    review: str = ""  # why a person should look at it

    @property
    def function(self) -> str:
        return self.exercise_id.split(".")[-1]


@dataclass
class Result:
    """How a submission ended: its status, why, and the marks."""

    student: str
    assignment: str
    status: str = GRADED
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    penalty: float = 0.0  # taken off by nbgrader for handing in late
    sandbox: str = ""  # warm, cold or none; '' where nothing was run
    flags: list[str] = field(default_factory=list)  # what a person may want to see; costs nothing
    digest: str = ""  # of all that the result depends on; '' where the grader was at fault

    @property
    def points(self) -> float | None:
        """The sum of the marks; None for a submission that failed, which has none."""
        if self.status == FAILED:
            return None
        return round(sum(mark.points or 0.0 for mark in self.marks), 2)

    @property
    def out_of(self) -> float:
        return sum(mark.out_of for mark in self.marks)


def write_result(path: Path, result: Result) -> None:
    text = json.dumps({**asdict(result), "points": result.points}, indent=1)
    write_whole(path, (text + "\n").encode())


def read_results(folder: Path) -> list[Result]:
    """All results of a folder, by student; CourseError where one cannot be read."""
    return [read_result(path) for path in sorted(folder.glob("*.json"))]


def read_result(path: Path) -> Result:
    """One result; CourseError where it cannot be read."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        del row["points"]
        marks = [Mark(**mark) for mark in row.pop("marks")]
        return Result(**row, marks=marks)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CourseError(
            f"{path} cannot be read ({error}). Remove it and grade {path.stem!r} again."
        ) from None


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the file, then rename: there is the old content or the new, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
