"""Misconceptions are code: each fails its own check, by its own name; every reference passes."""

from functools import lru_cache

import numpy as np
import pytest

from pytools import exercises, scoring
from pytools.exercise import Exercise, collect

SEEDS = range(20)
ALL = [exercises.get(name) for name in exercises.ids()]
# One worker takes all wrong solutions of an exercise: what it remembers of them is then used.
WRONG = [
    pytest.param(e, m, id=f"{e.id}:{m.name}", marks=pytest.mark.xdist_group(e.id))
    for e in ALL
    for m in e.misconceptions
]


@lru_cache(maxsize=1000)
def once(exercise: Exercise, attempt, seed: int):
    """What a wrong solution gives on all cases: each is compared with every other one."""
    return collect(exercise, attempt, seed)


@pytest.fixture(autouse=True)
def _remembered(monkeypatch):
    """`score` runs each wrong solution up to the first difference: here, what is known of it."""

    def kept(exercise, attempt, seed, enough=lambda outcomes: False):
        outcomes = once(exercise, attempt, seed)
        ends = (n for n in range(1, len(outcomes)) if enough(outcomes[:n]))
        return outcomes[: next(ends, len(outcomes))]

    monkeypatch.setattr(scoring, "collect", kept)


def judge(exercise: Exercise, attempt, seed: int):
    return scoring.score(exercise, once(exercise, attempt, seed), seed)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_reference_passes(exercise):
    for seed in SEEDS:
        result = judge(exercise, exercise.reference, seed)
        assert result.passed, f"seed {seed}: {result.finding}"
        assert result.points(4) == 4.0


@pytest.mark.parametrize("exercise, wrong", WRONG)
def test_misconception_fails_by_its_own_name(exercise, wrong):
    for seed in SEEDS:
        result = judge(exercise, wrong.wrong, seed)
        assert not result.passed, f"seed {seed}: passes"
        assert result.finding.name == wrong.name, f"seed {seed}: {result.finding}"
        assert result.finding.hint == wrong.hint
        assert result.points(4) < 4.0


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_exercise_is_complete(exercise):
    names = [m.name for m in exercise.misconceptions]
    assert len(names) >= 3 and len(set(names)) == len(names)
    assert all(m.hint and callable(m) for m in exercise.misconceptions)
    groups = {case.group for case in exercise.cases(np.random.default_rng(0))}
    assert "ordinary" in groups and "edge" in groups
    assert exercise.function in exercise.id and exercise.section


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_hint_does_not_give_the_line_away(exercise):
    """No hint holds code: a call, an assignment or a NumPy name."""
    for m in exercise.misconceptions:
        for sign in ("np.", " = ", "()", "axis=", "keepdims", "return"):
            assert sign not in m.hint, f"{m.name}: {m.hint}"


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_cases_follow_the_seed(exercise):
    """The same seed gives the same answers, another seed others."""
    first, again, other = (collect(exercise, exercise.reference, s) for s in (3, 3, 4))

    def flat(outcomes):
        return [(name, a.tolist()) for o in outcomes for name, a in o.arrays.items()]

    assert flat(first) == flat(again)
    assert flat(first) != flat(other)
