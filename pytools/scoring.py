"""From collected arrays to a score with its reason.

`score` runs the reference on its own copies of the same cases and compares. Credit goes by groups
of cases; edge and numerical ones count once all ordinary ones are right. What is wrong is said as a
Finding: the misconception that gives the same answers, or else what the numbers themselves show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Misconception, Outcome, collect, measured
from pytools.findings import (
    DOUBLE,
    Finding,
    close,
    describe_call,
    describe_result,
    general_hint,
    shape_finding,
    show,
    value_finding,
)

WEIGHTS = {"ordinary": 0.6, "edge": 0.25, "numerical": 0.15}  # renormalised over groups present
SINGLE = (1e-4, 1e-5)  # the same where float32 came in or went out
SINGLES = (np.float32,)


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
    known: tuple[str, ...] = ()  # the misconceptions that fit, best first

    @property
    def passed(self) -> bool:
        return self.finding is None

    def points(self, out_of: float) -> float:
        """Points earned out of so many, to two decimals; full only where everything is right."""
        if self.passed:
            return float(out_of)
        earned = float(out_of) * self.fraction
        return round(earned, 2) if round(earned, 2) < out_of else earned


def score(exercise: Exercise, outcomes: Sequence[Outcome], seed: int) -> Score:
    """Judge collected outcomes. They may come from anywhere: only their arrays are believed."""
    with np.errstate(all="ignore"):  # a warning in a test cell would cost the student the points
        return _score(exercise, outcomes, seed)


def _score(exercise: Exercise, outcomes: Sequence[Outcome], seed: int) -> Score:
    cases = exercise.cases(np.random.default_rng(seed))
    wanted = _wanted(exercise, seed)
    missing = Outcome(fault=outcomes[0].fault if outcomes else None)
    got = [*outcomes, *[missing] * len(cases)][: len(cases)]
    slack = _rounding(exercise, seed) if _any_single(got) else [{}] * len(cases)
    verdicts = [_compare(exercise, *row) for row in zip(cases, got, wanted, slack, strict=True)]
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
    known = _recognise(exercise, seed, cases, got, [v is not None for v in verdicts])
    result.known = tuple(m.name for m in known)
    finding = verdicts[failed]
    if known:
        finding = replace(finding, name=known[0].name, hint=known[0].hint)
    else:
        finding = replace(finding, hint=general_hint(finding, cases[failed], got[failed]))
    result.finding = finding
    result.called = describe_call(exercise, cases[failed])
    result.got, result.expected = describe_result(finding, got[failed], wanted[failed])
    if exercise.measure and result.expected:
        result.expected += "  (for example)"
    result.printed = got[failed].printed
    return result


def _fraction(groups: dict[str, tuple[int, int]]) -> float:
    """Edge and numerical cases of a function that is wrong on ordinary ones prove nothing."""
    right = {group for group, (passed, total) in groups.items() if passed == total}
    if "ordinary" in groups and "ordinary" not in right:
        return 0.0
    return sum(WEIGHTS[g] for g in right) / sum(WEIGHTS[g] for g in groups)


def _compare(
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
        return replace(shape_finding(name, mine[name], right), result=name)
    for name in right:
        relative, absolute = _tolerance(case, mine[name])
        if not close(mine[name], right[name], (relative, absolute + slack.get(name, 0.0))):
            return _wrong_value(exercise, name, mine, right, got)
    if got.changed:
        return Finding("changed", f"It changed its input {', '.join(got.changed)}.")
    if got.unsteady:
        text = "The same call gave two different results: does something live on between calls?"
        return Finding("unsteady", text)
    return None


def _wrong_value(
    exercise: Exercise,
    name: str,
    mine: dict[str, np.ndarray],
    right: dict[str, np.ndarray],
    got: Outcome,
) -> Finding:
    if exercise.measure:
        text = f"{name}: {show(mine[name])}, not {show(right[name])}."
        finding = Finding("value", text, result=exercise.outputs[0])
    else:
        finding = replace(value_finding(name, mine, right), result=name)
        if got.changed:
            text = f"{finding.text} It also changed its input {', '.join(got.changed)}."
            finding = replace(finding, text=text)
    if got.unsteady:
        text = f"{finding.text} The same call also gave two different results."
        finding = replace(finding, text=text)
    return finding


def _recognise(
    exercise: Exercise,
    seed: int,
    cases: Sequence[Case],
    got: Sequence[Outcome],
    failed: Sequence[bool],
) -> list[Misconception]:
    """The misconceptions whose own results agree with these, best first.

    They must agree on every case up to the first group with a failed one, at least once in the
    arrays of a failed case (an exception of the same type is no proof), and are ranked by how many
    cases agree in all.
    """
    groups = list(WEIGHTS)
    first = min(groups.index(c.group) for c, wrong in zip(cases, failed, strict=True) if wrong)
    must = [i for i, c in enumerate(cases) if groups.index(c.group) <= first]
    steady = [replace(outcome, unsteady=False) for outcome in got]  # known at the end of a run only

    def unlike(outcomes: list[Outcome]) -> bool:
        i = len(outcomes) - 1
        return i in must and not _alike(exercise, cases[i], steady[i], outcomes[i])

    ranked = []
    for misconception in exercise.misconceptions:
        outcomes = collect(exercise, misconception.wrong, seed, enough=unlike)
        if len(outcomes) != len(cases):
            continue
        same = [_alike(exercise, *row) for row in zip(cases, got, outcomes, strict=True)]
        if all(same[i] for i in must) and any(failed[i] and got[i].arrays for i in must):
            ranked.append((sum(same), misconception))
    return [m for _, m in sorted(ranked, key=lambda pair: -pair[0])]


def _alike(exercise: Exercise, case: Case, a: Outcome, b: Outcome) -> bool:
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


@lru_cache(maxsize=64)  # a class's attempts, and a student's next one, meet the same few seeds
def _wanted(exercise: Exercise, seed: int) -> list[Outcome]:
    """What the reference gives. Not to be changed: it is kept."""
    return collect(exercise, exercise.reference, seed)


@lru_cache(maxsize=64)
def _rounding(exercise: Exercise, seed: int) -> list[dict[str, float]]:
    """How far the reference itself moves when its inputs are rounded to float32: the condition."""

    def rounded(rng: np.random.Generator) -> list[Case]:
        cases = exercise.cases(rng)
        return [replace(c, args=tuple(_to_single(value) for value in c.args)) for c in cases]

    moved = collect(replace(exercise, cases=rounded), exercise.reference, seed)
    pairs = zip(_wanted(exercise, seed), moved, strict=True)
    return [_distances(a.arrays, b.arrays) for a, b in pairs]


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
