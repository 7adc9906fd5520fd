"""Batches of sequences of unequal length, padded at their end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def reverse_padded(x: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Each sequence of a batch read backwards; the padding stays at its end, as it is.

    x (N, T, …); lengths (N,): how many steps of each are real, 0 to T. Returns a new array of x's
    shape and dtype. Done twice, it gives x again. Raises ValueError where lengths do not fit.
    """
    x, lengths = np.asarray(x), np.asarray(lengths)
    if x.ndim < 2 or lengths.shape != x.shape[:1] or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"x must be (N, T, ...) and lengths N ints, but they are {x.shape} and "
            f"{lengths.shape} of dtype {lengths.dtype}"
        )
    steps = x.shape[1]
    if np.any((lengths < 0) | (lengths > steps)):
        raise ValueError(f"lengths must be 0 to {steps}, but are {lengths.tolist()}")
    t, lengths = np.arange(steps), lengths[:, None]
    return x[np.arange(len(x))[:, None], np.where(t < lengths, lengths - 1 - t, t)]
