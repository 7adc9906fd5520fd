"""What an exercise is, and how an attempt at it is turned into plain arrays.

`collect` runs an attempt on an exercise's cases and keeps what came back as NumPy arrays and a few
words. It needs no reference and no wrong solution, so it can run in a student's kernel; what it
returns is judged elsewhere (`pytools.scoring`). The two share only a seed and these arrays.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

MAX_PRINTED = 20  # lines of a student's own print() kept for each case, of at most 200 characters
MAX_BYTES = 64 * 2**20  # of one array, and of all that one check brings home


@dataclass(frozen=True)
class Case:
    """One call of the attempt. `group` decides its share of the credit, `note` says what is new."""

    args: tuple
    group: str = "ordinary"  # "ordinary", "edge" or "numerical"
    note: str = ""


@dataclass(frozen=True)
class Misconception:
    """A complete wrong solution that students really write, with the hint that it deserves."""

    name: str
    hint: str
    wrong: Any  # a function, or a tuple of functions where the exercise is checked as a pair

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.wrong(*args, **kwargs)


@dataclass(frozen=True)
class Answer:
    """What only the trusted side may know: the right solution and the wrong ones."""

    reference: Any
    misconceptions: Sequence[Misconception]


@dataclass(frozen=True)
class Exercise:
    """One exercise: how it is called, on what, and where its answer is kept.

    inputs and outputs name the arguments and the results, in order. cases draws the calls from a
    generator, anew for each seed. run exercises an attempt where a plain call is not enough.
    measure turns collected arrays into those that are compared, where many answers are right.
    answers is the module that holds the reference and the misconceptions; it is imported at the
    first use of either, so that collecting works where that module does not exist.
    """

    id: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    cases: Callable[[np.random.Generator], list[Case]]
    answers: str
    section: str
    run: Callable[..., Any] | None = None
    measure: Callable[[Case, dict[str, np.ndarray]], dict[str, np.ndarray]] | None = None
    changes: tuple[str, ...] = ("rng", "state")  # inputs that an attempt may change
    parts: int = 1  # 2 where an attempt is a pair of functions

    @property
    def function(self) -> str:
        return self.id.split(".")[1]

    @property
    def answer(self) -> Answer:
        return importlib.import_module(self.answers).ANSWERS[self.function]

    @property
    def reference(self) -> Any:
        return self.answer.reference

    @property
    def misconceptions(self) -> Sequence[Misconception]:
        return self.answer.misconceptions


@dataclass(frozen=True)
class Fault:
    """Why a call gave no arrays. kind: blank, none, count, numbers, callable or raised."""

    kind: str
    text: str
    error: str = ""  # the exception's type


class Unusable(Exception):
    """What came back cannot be turned into the named arrays. An exercise's run may raise it too."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(kind, text)


@dataclass
class Outcome:
    """What one case gave: arrays, or the fault that stood in the way."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    fault: Fault | None = None
    changed: tuple[str, ...] = ()  # inputs that the attempt altered
    unsteady: bool = False  # a second, equal call gave something else
    printed: str = ""
    seen: dict[str, np.ndarray] | None = field(default=None, repr=False)  # arrays, as measured


def collect(
    exercise: Exercise,
    attempt: Any,
    seed: int,
    enough: Callable[[list[Outcome]], bool] = lambda outcomes: False,
) -> list[Outcome]:
    """Run the attempt on every case of the seed; one Outcome a case, in order. Never raises.

    The run ends early where `enough` says so of the outcomes up to then.
    """
    outcomes: list[Outcome] = []
    for case in exercise.cases(np.random.default_rng(seed)):
        outcomes.append(observe(exercise, attempt, case))
        if outcomes[0].fault and outcomes[0].fault.kind in ("blank", "callable"):
            break
        if enough(outcomes):
            return outcomes
    first = exercise.cases(np.random.default_rng(seed))[0]
    one, two = outcomes[0], observe(exercise, attempt, first)
    one.unsteady = not _same(measured(exercise, first, one), measured(exercise, first, two))
    return outcomes


def observe(exercise: Exercise, attempt: Any, case: Case) -> Outcome:
    """Call the attempt on copies of the case's arguments and keep what came of it."""
    args = copy.deepcopy(case.args)
    outcome = Outcome()
    printed = io.StringIO()
    try:
        with _aside(printed), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outcome.arrays = flatten(_call(exercise, attempt, args), exercise.outputs)
    except Unusable as unusable:
        outcome.fault = unusable.fault
    except NotImplementedError:
        outcome.fault = Fault("blank", "The function is not written yet.")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also sys.exit and the like: it is the attempt's, not ours
        outcome.fault = Fault("raised", _own_line(error), type(error).__name__)
    outcome.printed = "" if printed.closed else clipped(printed.getvalue())
    outcome.changed = tuple(
        name
        for name, before, after in zip(exercise.inputs, case.args, args, strict=True)
        if name not in exercise.changes and not _unchanged(before, after)
    )
    return outcome


def flatten(result: Any, outputs: Sequence[str]) -> dict[str, np.ndarray]:
    """Name the results: `outputs` one or more, `result` a value, or a tuple or list of as many."""
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if len(outputs) == 1:
        return {outputs[0]: _only(result, outputs[0])}
    wanted = f"{len(outputs)} results, {', '.join(outputs)}"
    try:
        one = isinstance(result, (str, dict)) or _is_one_array(result, len(outputs))
        parts = None if one else list(islice(iter(result), len(outputs) + 1))
    except TypeError:
        parts = None
    if parts is None:
        raise Unusable("count", f"It returned one {type(result).__name__}, not {wanted}.")
    if len(parts) != len(outputs):
        number = len(parts) if len(parts) < len(outputs) else "more"
        raise Unusable("count", f"It returned {number} results, not {wanted}.")
    return {name: plain(part, name) for name, part in zip(outputs, parts, strict=True)}


def _is_one_array(result: Any, parts: int) -> bool:
    """Whether a result is an array of numbers; a row of as many as are wanted stands for them."""
    return isinstance(result, np.ndarray) and result.dtype != object and result.shape != (parts,)


def _only(result: Any, name: str) -> np.ndarray:
    """The one result. A tuple may be a row of numbers; else its length is what is wrong."""
    try:
        return plain(result, name)
    except Unusable:
        if isinstance(result, tuple) and len(result) > 1:
            text = f"It returned {len(result)} results, not one."
            raise Unusable("count", text) from None
        raise


def plain(value: Any, name: str = "result") -> np.ndarray:
    """A plain numeric copy of a number, list, array, torch tensor or sparse matrix."""
    if value is None:
        raise Unusable("none", f"{name} is None.")
    if hasattr(value, "detach"):  # a torch tensor, without importing torch
        value = value.detach().cpu().numpy()
    elif hasattr(value, "toarray"):  # a scipy.sparse matrix
        value = value.toarray()
    try:
        array = np.asarray(value)  # the base class: an array that lies is asked for its numbers
        small = array.nbytes <= MAX_BYTES
    except Exception:
        raise Unusable("numbers", f"{name} is not an array of numbers.") from None
    if array.dtype.kind not in "biuf":
        kind = type(value).__name__
        raise Unusable("numbers", f"{name} holds no real numbers (a {kind}, dtype {array.dtype}).")
    if not small:
        raise Unusable("numbers", f"{name} is far too large: shape {array.shape}.")
    return np.array(array)


def measured(exercise: Exercise, case: Case, outcome: Outcome) -> dict[str, np.ndarray]:
    """The arrays that are compared; empty where a forged or senseless result cannot be measured.

    Measured once: an outcome is compared with the reference's and with every wrong solution's.
    """
    if exercise.measure is None or not outcome.arrays:
        return outcome.arrays
    if outcome.seen is None:
        try:
            outcome.seen = exercise.measure(case, outcome.arrays)
        except Exception:
            outcome.seen = {}
    return outcome.seen


def _same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Equal names, shapes and values but for the rounding of a threaded product."""
    if a.keys() != b.keys() or any(a[k].shape != b[k].shape for k in a):
        return False
    with np.errstate(all="ignore"):
        return all(
            np.all(
                (np.abs(1.0 * a[k] - b[k]) <= 1e-9 * np.abs(b[k]))
                | (a[k] == b[k])
                | ((a[k] != a[k]) & (b[k] != b[k]))
            )
            for k in a
        )


@contextlib.contextmanager
def _aside(printed: io.StringIO) -> Iterator[None]:
    """What the attempt prints is kept for the failing case; nothing of it reaches a test cell."""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield


def _call(exercise: Exercise, attempt: Any, args: tuple) -> Any:
    functions = attempt if exercise.parts > 1 and isinstance(attempt, (tuple, list)) else (attempt,)
    if len(functions) != exercise.parts or not all(callable(f) for f in functions):
        wanted = "the function itself" if exercise.parts == 1 else "a pair of functions"
        got = type(attempt).__name__
        raise Unusable("callable", f"check needs {wanted}, not what it returns: got a {got}.")
    return exercise.run(attempt, *args) if exercise.run else attempt(*args)


def _unchanged(before: Any, after: Any) -> bool:
    """True where arrays hold what they held; a restored entry may be off by rounding."""
    if isinstance(before, np.ndarray):
        if before.shape != np.shape(after) or before.dtype != getattr(after, "dtype", None):
            return False
        if before.dtype.kind != "f":
            return np.array_equal(before, after)
        slack = 1e-9 * (1 + np.max(np.abs(before), initial=0, where=np.isfinite(before)))
        close = np.abs(before - after) <= slack
        return bool(np.all(close | (before == after) | (np.isnan(before) & np.isnan(after))))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(
            _unchanged(before[k], after[k]) for k in before
        )
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    return True


def clipped(text: str) -> str:
    """The first lines of what was printed."""
    return "\n".join(line[:200] for line in text.splitlines()[:MAX_PRINTED])


def _own_line(error: BaseException) -> str:
    """The error with the student's own line: the deepest one outside this package and Python's."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = (str(Path(__file__).parent), sys.prefix, sys.base_prefix, "<frozen")
    own = [
        frame
        for frame in frames
        if not frame.filename.startswith(foreign) and not frame.filename.endswith(".pyx")
    ]
    try:
        words = " ".join(str(error).split())[:300]
    except Exception:
        words = ""
    message = f"{type(error).__name__}: {words}".rstrip(": ")
    if not own:
        return message
    return f"{message} (line {own[-1].lineno}: {(own[-1].line or '').strip()})"
