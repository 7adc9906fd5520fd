"""From collected arrays to a score with its reason.

`score` runs the reference on its own copies of the same cases and compares. Credit goes by groups
of cases; edge and numerical ones count once all ordinary ones are right. What is wrong is said as a
Finding: the misconception that gives the same answers, or else what the numbers themselves show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Outcome, collect

WEIGHTS = {"ordinary": 0.6, "edge": 0.25, "numerical": 0.15}  # renormalised over groups present
DOUBLE = (1e-6, 1e-6)  # tolerance: relative to the largest expected entry, absolute
SINGLE = (1e-4, 1e-5)  # the same where float32 came in or went out
SINGLES = (np.float32, np.float16)
SHOWN = 12  # arrays up to this many entries are shown in full


@dataclass(frozen=True)
class Finding:
    """What is wrong. name: a misconception's, or a general one such as 'shape' or 'sign'.

    result names the array that shows it, where one does.
    """

    name: str
    text: str
    hint: str = ""
    result: str = ""


@dataclass
class Score:
    """The verdict on an attempt. fraction is its share of the points, 0.0 to 1.0."""

    exercise_id: str
    fraction: float
    groups: dict[str, tuple[int, int]]  # group -> cases passed, cases in all
    finding: Finding | None = None
    called: str = ""
    got: str = ""
    expected: str = ""
    printed: str = ""
    section: str = ""
    names: tuple[str, ...] = field(default=())  # every misconception that fits as well

    @property
    def passed(self) -> bool:
        return self.finding is None

    def points(self, out_of: float) -> float:
        """Points earned out of so many, to two decimals; full only where everything is right."""
        return float(out_of) if self.passed else round(float(out_of) * self.fraction, 2)


def score(exercise: Exercise, outcomes: Sequence[Outcome], seed: int) -> Score:
    """Judge collected outcomes. They may come from anywhere: only their arrays are believed."""
    cases = exercise.cases(np.random.default_rng(seed))
    wanted = collect(exercise, exercise.reference, seed)
    missing = Outcome(fault=outcomes[0].fault if outcomes else None)
    got = [*outcomes, *[missing] * len(cases)][: len(cases)]
    slack = _rounding(exercise, seed, wanted) if _any_single(got) else [{}] * len(cases)
    verdicts = [compare(exercise, *row) for row in zip(cases, got, wanted, slack, strict=True)]
    groups = {
        group: (
            sum(v is None for v, c in zip(verdicts, cases, strict=True) if c.group == group),
            sum(c.group == group for c in cases),
        )
        for group in WEIGHTS
        if any(c.group == group for c in cases)
    }
    result = Score(exercise.id, _fraction(groups), groups, section=exercise.section)
    failed = next((i for i, verdict in enumerate(verdicts) if verdict is not None), None)
    if failed is None:
        return result
    known = recognise(exercise, seed, cases, got, [v is not None for v in verdicts])
    result.names = tuple(m.name for m in known)
    finding = verdicts[failed]
    if known:
        finding = replace(finding, name=known[0].name, hint=known[0].hint)
    result.finding = finding
    result.called = describe_call(exercise, cases[failed])
    result.got = describe_result(got[failed], finding)
    result.expected = describe_result(wanted[failed], finding)
    result.printed = got[failed].printed
    return result


def _fraction(groups: dict[str, tuple[int, int]]) -> float:
    """Edge and numerical cases of a function that is wrong on ordinary ones prove nothing."""
    right = {group for group, (passed, total) in groups.items() if passed == total}
    if "ordinary" in groups and "ordinary" not in right:
        return 0.0
    return sum(WEIGHTS[g] for g in right) / sum(WEIGHTS[g] for g in groups)


def compare(
    exercise: Exercise, case: Case, got: Outcome, want: Outcome, slack: dict[str, float]
) -> Finding | None:
    """The first thing that is wrong with one outcome, or None where it is right.

    slack allows a result in single precision what rounding the inputs alone would cost.
    """
    if got.fault:
        return Finding(got.fault.kind, got.fault.text)
    if set(got.arrays) != set(want.arrays):
        return Finding("count", "It gave no result.")
    mine, right = measured(exercise, case, got), measured(exercise, case, want)
    if set(mine) != set(right):
        return Finding("value", "What it returned makes no sense.")
    for name in right:
        if _fits_shape(mine[name], right[name]):
            continue
        return _shape_finding(name, mine[name], right[name])
    for name in right:
        relative, absolute = _tolerance(case, mine[name])
        if not close(mine[name], right[name], (relative, absolute + slack.get(name, 0.0))):
            return _wrong_value(exercise, name, mine, right, got.changed)
    if got.changed:
        return Finding("changed", f"It changed its input {', '.join(got.changed)}.")
    if got.unsteady:
        text = "The same call gave two different results: does something live on between calls?"
        return Finding("unsteady", text)
    return None


def _wrong_value(
    exercise: Exercise,
    name: str,
    got: dict[str, np.ndarray],
    want: dict[str, np.ndarray],
    changed: tuple[str, ...],
) -> Finding:
    if exercise.measure:
        text = f"{name}: {show(got[name])}, not {show(want[name])}."
        return Finding("value", text, result=exercise.outputs[0])
    finding = replace(_value_finding(name, got, want), result=name)
    if not changed:
        return finding
    return replace(finding, text=f"{finding.text} It also changed its input {', '.join(changed)}.")


def measured(exercise: Exercise, case: Case, outcome: Outcome) -> dict[str, np.ndarray]:
    """The arrays that are compared; empty where a forged or senseless result cannot be measured."""
    if exercise.measure is None:
        return outcome.arrays
    try:
        return exercise.measure(case, outcome.arrays)
    except Exception:
        return {}


def close(a: np.ndarray, b: np.ndarray, tolerance: tuple[float, float]) -> bool:
    """Every entry of a within tolerance of b; infinities must be equal, a NaN is never close."""
    relative, absolute = tolerance
    a, b = np.asarray(a, np.float64).reshape(b.shape), np.asarray(b, np.float64)
    largest = np.max(np.abs(b), initial=0, where=np.isfinite(b))
    with np.errstate(invalid="ignore"):
        return bool(np.all((np.abs(a - b) <= relative * largest + absolute) | (a == b)))


def recognise(
    exercise: Exercise,
    seed: int,
    cases: Sequence[Case],
    got: Sequence[Outcome],
    failed: Sequence[bool],
) -> list:
    """The misconceptions whose own results agree with these, best first.

    They must agree on every failed case of the first group with one, at least once in arrays (an
    exception of the same type is no proof), and are ranked by how many cases agree in all.
    """
    first = next(c.group for c, wrong in zip(cases, failed, strict=True) if wrong)
    ranked = []
    for misconception in exercise.misconceptions:
        outcomes = collect(exercise, misconception.wrong, seed)
        if len(outcomes) != len(cases):
            continue
        same = [alike(exercise, *row) for row in zip(cases, got, outcomes, strict=True)]
        must = [i for i, c in enumerate(cases) if failed[i] and c.group == first]
        if all(same[i] for i in must) and any(got[i].arrays for i in must):
            ranked.append((sum(same), misconception))
    return [m for _, m in sorted(ranked, key=lambda pair: -pair[0])]


def alike(exercise: Exercise, case: Case, a: Outcome, b: Outcome) -> bool:
    """Whether two outcomes could come from the same code."""
    if a.fault or b.fault:
        pair = (a.fault, b.fault)
        return all(pair) and pair[0].kind == pair[1].kind and pair[0].error == pair[1].error
    if a.changed != b.changed or a.unsteady != b.unsteady or set(a.arrays) != set(b.arrays):
        return False
    x, y = measured(exercise, case, a), measured(exercise, case, b)
    if set(x) != set(y):
        return False
    for name in y:
        if x[name].shape != y[name].shape or np.any(np.isnan(x[name]) != np.isnan(y[name])):
            return False
        if not close(np.nan_to_num(x[name]), np.nan_to_num(y[name]), _tolerance(case, x[name])):
            return False
    return True


def _tolerance(case: Case, array: np.ndarray) -> tuple[float, float]:
    """Single precision in the input or in the result asks for single precision's tolerance."""
    dtypes = [array.dtype, *(getattr(value, "dtype", None) for value in case.args)]
    return SINGLE if any(dtype in SINGLES for dtype in dtypes) else DOUBLE


def _any_single(outcomes: Sequence[Outcome]) -> bool:
    return any(array.dtype in SINGLES for o in outcomes for array in o.arrays.values())


def _rounding(exercise: Exercise, seed: int, wanted: Sequence[Outcome]) -> list[dict[str, float]]:
    """How far the reference itself moves when its inputs are rounded to float32: the condition."""

    def rounded(rng: np.random.Generator) -> list[Case]:
        cases = exercise.cases(rng)
        return [replace(c, args=tuple(_to_single(value) for value in c.args)) for c in cases]

    moved = collect(replace(exercise, cases=rounded), exercise.reference, seed)
    return [_distances(a.arrays, b.arrays) for a, b in zip(wanted, moved, strict=True)]


def _distances(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest distance of each pair of equal shape, with a margin; 0 where it is infinite."""
    pairs = {name: (a[name], b[name]) for name in a if name in b and a[name].shape == b[name].shape}
    return {
        name: 4 * float(np.max(np.nan_to_num(np.abs(x - y), posinf=0), initial=0))
        for name, (x, y) in pairs.items()
        if x.dtype.kind == "f"
    }


def _to_single(value: Any) -> Any:
    """A float64 array rounded to float32 and back; anything else as it is."""
    is_double = isinstance(value, np.ndarray) and value.dtype == np.float64
    return value.astype(np.float32).astype(np.float64) if is_double else value


def _fits_shape(got: np.ndarray, want: np.ndarray) -> bool:
    """A number may also come as an array of one entry."""
    return got.shape == want.shape or (want.shape == () and got.shape == (1,))


def _shape_finding(name: str, got: np.ndarray, want: np.ndarray) -> Finding:
    if got.ndim == 2 and got.shape == want.shape[::-1]:
        text = f"{name} has shape {got.shape}, not {want.shape}: is it transposed?"
        return Finding("transposed", text, result=name)
    return Finding("shape", f"{name} has shape {got.shape}, not {want.shape}.", result=name)


def _value_finding(name: str, got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> Finding:
    """Say what the numbers of one wrong result show, the telling patterns first."""
    a, b = got[name].astype(np.float64).reshape(want[name].shape), want[name].astype(np.float64)
    loose = (1e-4, 1e-9)
    if not np.all(np.isfinite(a)) and np.all(np.isfinite(b)):
        what = "NaN" if np.any(np.isnan(a)) else "infinite"
        return Finding("nan", f"{name} is {what} in {np.sum(~np.isfinite(a))} of {a.size} entries.")
    for other in want:
        if other != name and want[other].shape == b.shape and close(a, want[other], loose):
            return Finding("swapped", f"{name} holds what {other} should be: are they swapped?")
    if a.ndim == 2 and a.shape[0] == a.shape[1] and close(a.T, b, loose):
        return Finding("transposed", f"{name} has its rows and columns exchanged (transposed).")
    if np.any(b) and close(-a, b, loose):
        return Finding("sign", f"{name} has the wrong sign in every entry.")
    factor = _constant_factor(a, b)
    if factor:
        return Finding("factor", f"{name} is {factor}")
    if got[name].dtype.kind in "iub" and np.any(b != np.round(b)):
        text = f"{name} holds whole numbers ({got[name].dtype}): its fractions were cut off."
        return Finding("dtype", text)
    relative, absolute = DOUBLE
    wrong = np.abs(a - b) > relative * np.max(np.abs(b), initial=0) + absolute
    if a.ndim == 0 or wrong.sum() == 0:
        return Finding("value", f"{name} has the wrong value.")
    where = ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])
    text = f"{name} is wrong in {wrong.sum()} of {a.size} entries, the first at [{where}]."
    return Finding("value", text)


def _constant_factor(a: np.ndarray, b: np.ndarray) -> str:
    """In words, where a is a whole multiple or a whole part of b; else ''."""
    square = np.sum(b * b)
    ratio = np.sum(a * b) / square if square > 0 else 0.0
    if not np.isfinite(ratio) or ratio == 0 or not close(a, ratio * b, (1e-4, 1e-9)):
        return ""
    whole = ratio if abs(ratio) > 1 else 1 / ratio
    if abs(whole - round(whole)) > 1e-3 or abs(round(whole)) < 2:
        return ""
    if abs(ratio) > 1:
        return f"{whole:.0f} times too large: is a division (a mean) missing?"
    return f"{whole:.0f} times too small: divided once too often, or a factor forgotten?"


def describe_call(exercise: Exercise, case: Case) -> str:
    """The call in words: the function, its arguments (small ones in full), what is special."""
    given = [show(v, f"{n} = ") for n, v in zip(exercise.inputs, case.args, strict=True)]
    call = f"{exercise.function}({', '.join(exercise.inputs)})" + (case.note and f", {case.note}")
    return "\n".join([call, *given])


def describe_result(outcome: Outcome, finding: Finding) -> str:
    """The array that shows what is wrong; '' where none does."""
    array = outcome.arrays.get(finding.result)
    return "" if array is None else show(array, f"{finding.result} = ")


def show(value: Any, prefix: str = "") -> str:
    """A value in short: small arrays in full, large ones by shape, functions by their docstring."""
    if isinstance(value, np.ndarray) and value.size <= SHOWN:
        digits = {"precision": 4, "separator": ", ", "suppress_small": True}
        text = np.array2string(value, prefix=prefix, **digits)
    elif isinstance(value, np.ndarray):
        text = f"array of shape {value.shape}, {value.dtype}"
    elif callable(value):
        text = (value.__doc__ or getattr(value, "__name__", "a function")).strip()
    else:
        text = repr(value)
    return prefix + text
