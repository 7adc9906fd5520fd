"""The one exercise of 00_start_here: small, and wrong in as many ways as a first try can be."""

from __future__ import annotations

import numpy as np

from pytools.exercise import Case, Exercise


def scale_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case((rng.integers(1, 10, 4) + rng.permutation(4) * 10.0,)),
        Case((rng.normal(5.0, 2.0, (3, 4)),)),
        Case((rng.normal(0.0, 1.0, 6),), "edge", "with negative entries"),
        Case((np.full(3, 7.0),), "edge", "all entries equal"),
        Case((1e6 + rng.uniform(0.0, 1.0, 5),), "numerical", "large entries, close together"),
    ]


EXERCISES = [
    Exercise(
        id="start.scale",
        inputs=("x",),
        outputs=("scaled",),
        cases=scale_cases,
        answers="pytools.exercises.answers.start",
        section="2. How an exercise works",
    )
]
