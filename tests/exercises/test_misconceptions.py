"""Misconceptions are code: each fails its own check, by its own name; every reference passes."""

import numpy as np
import pytest

from pytools import exercises
from pytools.exercise import Exercise, collect
from pytools.scoring import score

SEEDS = range(20)
ALL = [exercises.get(name) for name in exercises.ids()]
WRONG = [(exercise, m) for exercise in ALL for m in exercise.misconceptions]


def judge(exercise: Exercise, attempt, seed: int):
    return score(exercise, collect(exercise, attempt, seed), seed)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_reference_passes(exercise):
    for seed in SEEDS:
        result = judge(exercise, exercise.reference, seed)
        assert result.passed, f"seed {seed}: {result.finding}"
        assert result.points(4) == 4.0


@pytest.mark.parametrize("exercise, wrong", WRONG, ids=[f"{e.id}:{m.name}" for e, m in WRONG])
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
