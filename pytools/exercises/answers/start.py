"""What the check of 00_start_here knows."""

from __future__ import annotations

import numpy as np

from pytools.exercise import Answer, Misconception


def scale(x: np.ndarray) -> np.ndarray:
    """x moved and stretched to the range 0 to 1; all zeros where every entry is equal.

    x: float array of any shape, left unchanged. Returns an array of the same shape.
    """
    spread = x.max() - x.min()
    return (x - x.min()) / spread if spread > 0 else np.zeros_like(x)


def divided_by_largest(x):
    return x / x.max()


def column_by_column(x):
    low, high = x.min(axis=0), x.max(axis=0)
    return (x - low) / np.where(high > low, high - low, 1.0)


def changed_in_place(x):
    spread = x.max() - x.min()
    x -= x.min()
    x /= spread if spread > 0 else 1.0
    return x


def divided_by_zero(x):
    return (x - x.min()) / (x.max() - x.min())


ANSWERS = {
    "scale": Answer(
        scale,
        [
            Misconception(
                "divided_by_largest",
                "Where does your smallest entry end up? It should be at 0.",
                divided_by_largest,
            ),
            Misconception(
                "column_by_column",
                "One range for the whole array: are all its entries compared with each other?",
                column_by_column,
            ),
            Misconception(
                "changed_in_place",
                "Whoever called you still holds x, and finds other numbers in it now.",
                changed_in_place,
            ),
            Misconception(
                "divided_by_zero",
                "How far apart are the largest and the smallest entry of an array of sevens?",
                divided_by_zero,
            ),
        ],
    )
}
