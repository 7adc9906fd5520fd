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
import json
import sys
import traceback
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

MAX_PRINTED = 2_000  # characters of a student's own print() kept for each case
MAX_ANSWER_BYTES = 64 * 2**20


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


@dataclass
class Outcome:
    """What one case gave: arrays, or the fault that stood in the way."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    fault: Fault | None = None
    changed: tuple[str, ...] = ()  # inputs that the attempt altered
    unsteady: bool = False  # a second, equal call gave something else
    printed: str = ""


def collect(exercise: Exercise, attempt: Any, seed: int) -> list[Outcome]:
    """Run the attempt on every case of the seed; one Outcome a case, in order. Never raises."""
    outcomes = []
    for case in exercise.cases(np.random.default_rng(seed)):
        outcomes.append(observe(exercise, attempt, case))
        if outcomes[0].fault and outcomes[0].fault.kind in ("blank", "callable"):
            break
    first = exercise.cases(np.random.default_rng(seed))[0]
    again = observe(exercise, attempt, first)
    outcomes[0].unsteady = not same_arrays(outcomes[0].arrays, again.arrays)
    return outcomes


def observe(exercise: Exercise, attempt: Any, case: Case) -> Outcome:
    """Call the attempt on copies of the case's arguments and keep what came of it."""
    args = copy.deepcopy(case.args)
    outcome = Outcome()
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"):
                outcome.arrays = flatten(_call(exercise, attempt, args), exercise.outputs)
    except Unusable as unusable:
        outcome.fault = unusable.fault
    except NotImplementedError:
        outcome.fault = Fault("blank", "The function is not written yet.")
    except (Exception, SystemExit) as error:
        outcome.fault = Fault("raised", _own_line(error), type(error).__name__)
    outcome.printed = printed.getvalue()[:MAX_PRINTED]
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
        return {outputs[0]: plain(result, outputs[0])}
    wanted = f"{len(outputs)} results, {', '.join(outputs)}"
    try:
        parts = list(result)
    except TypeError:
        got = type(result).__name__
        raise Unusable("count", f"It returned one {got}, not {wanted}.") from None
    if len(parts) != len(outputs):
        raise Unusable("count", f"It returned {len(parts)} results, not {wanted}.")
    return {name: plain(part, name) for name, part in zip(outputs, parts, strict=True)}


def plain(value: Any, name: str = "result") -> np.ndarray:
    """A plain numeric copy of a number, list, array, torch tensor or sparse matrix."""
    if value is None:
        raise Unusable("none", f"{name} is None.")
    if hasattr(value, "detach"):  # a torch tensor, without importing torch
        value = value.detach().cpu().numpy()
    elif hasattr(value, "toarray"):  # a scipy.sparse matrix
        value = value.toarray()
    try:
        array = np.array(value, subok=False)
    except Exception:
        raise Unusable("numbers", f"{name} is not an array of numbers.") from None
    if array.dtype.kind not in "biuf":
        kind = type(value).__name__
        raise Unusable("numbers", f"{name} holds no real numbers (a {kind}, dtype {array.dtype}).")
    return array


def same_arrays(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Equal names, shapes and values, not-a-numbers in equal places."""
    return a.keys() == b.keys() and all(
        a[k].shape == b[k].shape and np.array_equal(a[k], b[k], equal_nan=True) for k in a
    )


class Unusable(Exception):
    """What came back cannot be turned into the named arrays. An exercise's run may raise it too."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(kind, text)


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


def _own_line(error: BaseException) -> str:
    """The error with the student's own line: the deepest one outside this package and Python's."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = (str(Path(__file__).parent), sys.prefix, sys.base_prefix, "<frozen")
    own = [frame for frame in frames if not frame.filename.startswith(foreign)]
    message = f"{type(error).__name__}: {error}".rstrip(": ")
    if not own:
        return message
    return f"{message} (line {own[-1].lineno}: {(own[-1].line or '').strip()})"


def pack(outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes as an uncompressed .npz without pickle, to leave a kernel with."""
    header, arrays = [], {}
    for index, outcome in enumerate(outcomes):
        header.append(
            {
                "names": list(outcome.arrays),
                "fault": asdict(outcome.fault) if outcome.fault else None,
                "changed": outcome.changed,
                "unsteady": outcome.unsteady,
                "printed": outcome.printed,
            }
        )
        arrays |= {f"{index}.{name}": array for name, array in outcome.arrays.items()}
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
    return buffer.getvalue()


def unpack(data: bytes) -> list[Outcome]:
    """Read what `pack` wrote. The bytes are not trusted: anything odd is a ValueError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("compressed")
        if sum(entry.file_size for entry in entries) > MAX_ANSWER_BYTES:
            raise ValueError("too large")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            return [_outcome(row, archive, index) for index, row in enumerate(header)]
    except Exception as error:
        raise ValueError(f"not a readable answer: {error}") from None


def _outcome(row: dict, archive: Any, index: int) -> Outcome:
    arrays = {str(name): plain(archive[f"{index}.{name}"], name) for name in row["names"]}
    fault = row["fault"] and Fault(*(str(row["fault"][k]) for k in ("kind", "text", "error")))
    return Outcome(
        arrays=arrays,
        fault=fault or None,
        changed=tuple(str(name) for name in row["changed"]),
        unsteady=bool(row["unsteady"]),
        printed=str(row["printed"])[:MAX_PRINTED],
    )
