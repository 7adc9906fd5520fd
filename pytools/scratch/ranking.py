"""How good an order is: correlation, and whether the nearest neighbours are the right ones.

Sources: Pearson (1896), Mathematical contributions to the theory of evolution III; Spearman (1904),
The proof and measurement of association between two things; Jégou, Douze & Schmid (2011), Product
quantization for nearest neighbor search (recall at k).
"""

from __future__ import annotations

import numpy as np

from pytools.scratch.neighbours import pairwise_distance


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of x and y, -1 to 1.

    x, y (N,), N >= 2, finite. Raises ValueError where they do not fit, where there are fewer than
    two or one is not finite, and where all values of one are equal: nothing varies, so that the
    correlation is undefined.
    """
    x, y = _pair(x, y)
    a, b = x - x.mean(), y - y.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()  # so that no square leaves the range of floats
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rho: the correlation of the ranks of x and y, -1 to 1.

    x, y and what it raises as in pearson. Equal values share the mean of their ranks.
    """
    return pearson(*map(average_ranks, _pair(x, y)))


def _pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays whose correlation is defined; ValueError where it is not."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x and y must be (N,) of one length, but are {x.shape} and {y.shape}")
    if len(x) < 2:
        raise ValueError(f"a correlation needs at least 2 values of x and y, but got {len(x)}")
    for name, values in (("x", x), ("y", y)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds NaN or inf: leave these out")
        if np.all(values == values[0]):
            raise ValueError(
                f"all values of {name} are {values[0]:g}: the correlation is undefined, since "
                f"nothing varies; look at what made {name} constant"
            )
    return x, y


def average_ranks(x: np.ndarray) -> np.ndarray:
    """The rank of each value, from 1 on, float64 (N,); equal values share the mean of theirs."""
    _, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)  # of each group of equal values
    return (last - (counts - 1) / 2)[places]


def recall_at_k(emb: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The share of points that have a point of their label among their k nearest others.

    emb (N, D), Euclidean; labels (N,); 1 <= k <= N - 1. A point that is alone in its class cannot
    be found, and counts as missed. Raises ValueError where emb and labels do not fit, or k is out
    of range.
    """
    emb, labels = np.asarray(emb), np.asarray(labels)
    if emb.ndim != 2 or labels.shape != emb.shape[:1]:
        raise ValueError(
            f"emb must be (N, D) and labels (N,), but they are {emb.shape} and {labels.shape}"
        )
    if not 1 <= k < len(emb):
        raise ValueError(f"k must be 1 to {len(emb) - 1}, the number of other points, but is {k}")
    distance = pairwise_distance(emb, emb, "l2")
    np.fill_diagonal(distance, np.inf)
    nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
    return float(np.mean((labels[nearest] == labels[:, None]).any(axis=1)))
