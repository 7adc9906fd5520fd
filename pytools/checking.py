"""`check`: run an attempt, score it, show why, and keep a note of it for the progress board."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import numpy as np

from pytools import exercises, progress, table
from pytools.exercise import Misconception, collect
from pytools.scoring import Score, score

_failures: Counter[str] = Counter()  # failures in a row, by exercise: they unlock hint and section


class CheckFailed(AssertionError):
    """An attempt is not right yet. The message is the reason; `.score` holds the whole verdict."""

    def __init__(self, message: str, score: Score) -> None:
        super().__init__(message)
        self.score = score

    def _render_traceback_(self) -> list[str]:
        """In a notebook the table above has said it all: one line instead of a traceback."""
        return [f"CheckFailed: {self.score.exercise_id}: {self.score.finding.text}"]


def check(
    exercise_id: str, attempt: Any, points: float | None = None, seed: int = 0
) -> float | None:
    """Check an attempt at an exercise and show the result.

    exercise_id is `<topic>.<function>`; attempt is the function itself (a pair of functions where
    the exercise asks for one). The cases are drawn from seed.

    While working (no points): a right attempt shows a short table and returns None; a wrong one
    raises CheckFailed with the reason. In a graded cell (points given): never raises for a wrong
    attempt, shows no expected values, and returns the points earned, 0.0 to points. (Only under
    nbgrader's Validate it raises there too, since Validate shows nothing but errors.)

    Raises UnknownExercise for an id that does not exist, ValueError for points
    that are not > 0 or a seed that is no whole number >= 0.
    """
    exercise = exercises.get(exercise_id)
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or greater, got {seed!r}")
    if points is not None and not float(points) > 0:
        raise ValueError(f"points must be greater than 0, got {points!r}")
    if isinstance(attempt, Misconception):
        attempt = attempt.wrong
    result = score(exercise, collect(exercise, attempt, seed), seed)
    blank = not result.passed and result.finding.name == "blank"
    _failures[exercise_id] = 0 if result.passed or blank else _failures[exercise_id] + 1
    progress.record(exercise_id, result.finding and result.finding.name)
    verdict = table.Table(result, points, help_level=_failures[exercise_id])
    if not result.passed and (points is None or os.environ.get("NBGRADER_VALIDATING")):
        if table.in_notebook():
            table.display(verdict)
        raise CheckFailed(verdict.text(), result)
    table.display(verdict)
    return None if points is None else result.points(points)
