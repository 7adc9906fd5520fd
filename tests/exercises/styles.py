"""How tables of attempts, exercise -> functions, are turned into tests."""

import pytest

from pytools import check


def pairs(topic, table):
    return [
        pytest.param(f"{topic}.{name}", attempt, id=f"{name}:{attempt.__name__}")
        for name, attempts in table.items()
        for attempt in attempts
    ]


def assert_right(exercise, attempt):
    for seed in range(5):
        assert check(exercise, attempt, points=4, seed=seed) == 4.0, f"seed {seed}"


def assert_wrong(exercise, attempt):
    for seed in range(3):
        assert check(exercise, attempt, points=4, seed=seed) < 4.0, f"seed {seed}"
