"""What runs in the student's kernel: it turns attempts into files, and judges nothing.

Nothing here is trusted afterwards. A student's code may replace all of it and will still only
have written arrays, which the grader scores in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytools
from pytools import exercises
from pytools.exercise import Fault, Outcome, collect
from pytools.transport import pack


def silence_checks() -> None:
    """Let `check` do nothing: what it says while working, with expected values, is not for here."""
    pytools.check = lambda *args, **kwargs: None


def answer(path: str, exercise_id: str, attempt: Callable[[], Any], seed: int) -> None:
    """Run the attempt on the cases of the seed and write what it gave to the file, which is there.

    attempt returns the student's function; where that name does not exist, this is the answer.
    """
    try:
        work = attempt()
    except Exception as error:
        name = type(error).__name__
        outcomes = [Outcome(fault=Fault("raised", f"{name}: {error}", name))]
    else:
        outcomes = collect(exercises.get(exercise_id), work, seed)
    Path(path).write_bytes(pack(outcomes))  # in place: nothing can be renamed over a mount
