"""Distances between rows, and the nearest-neighbour classifier (Cover & Hart, 1967).

Nothing here ever holds an N × M × D array: 10,000 by 10,000 pictures of 784 pixels would need
627 GB for it.
"""

import numpy as np
from scipy.spatial.distance import cdist

from pytools.scratch.inputs import class_labels, finite_batch

METRICS = ("l1", "l2")
BLOCK = 2**22  # distances held at once by knn_predict: 32 MB in float64


def pairwise_distance(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    """Distance of every row of a to every row of b.

    a (N, D), b (M, D), real numbers. metric: 'l1', the sum of |a - b|, or 'l2', the Euclidean
    distance (not its square). Returns (N, M), float32 where both are float32, else float64; equal
    rows give exactly 0. Raises ValueError for shapes that do not fit, an empty or non-finite
    array, another metric.
    """
    a, b = _rows(a, b, "a", "b")
    _check_metric(metric)
    return _distance(a, b, metric)


def knn_predict(
    train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, k: int, metric: str
) -> np.ndarray:
    """The label that most of the k nearest training rows have, for each test row.

    train_x (N, D), train_y (N,) integers, test_x (M, D), 1 <= k <= N, metric 'l1' or 'l2'.
    Returns (M,) in train_y's dtype. Where labels tie, the one whose nearest neighbour is nearest
    wins. Works in blocks of test rows: beside its inputs it needs about 150 MB at most, unless k
    is large. Raises ValueError as pairwise_distance does, and for labels or a k that do not fit.
    """
    train_x, test_x = _rows(train_x, test_x, "train_x", "test_x")
    _check_metric(metric)
    train_y = class_labels("train_y", train_y, len(train_x))
    if not 1 <= k <= len(train_x):
        raise ValueError(f"k must be 1 to {len(train_x)}, the number of training rows, but is {k}")
    classes, codes = np.unique(train_y, return_inverse=True)
    rows = max(1, BLOCK // len(train_x))
    starts = range(0, len(test_x), rows)
    blocks = (_distance(test_x[i : i + rows], train_x, metric) for i in starts)
    return classes[np.concatenate([_vote(codes, block, k, len(classes)) for block in blocks])]


def _vote(codes: np.ndarray, distance: np.ndarray, k: int, num_classes: int) -> np.ndarray:
    """The winning code, 0 to num_classes - 1, for each row of distance (n, N); codes (N,)."""
    nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
    order = np.argsort(np.take_along_axis(distance, nearest, axis=1), axis=1, kind="stable")
    near = codes[np.take_along_axis(nearest, order, axis=1)]  # (n, k), nearest first
    count = np.stack([np.sum(near == code, axis=1) for code in range(num_classes)], axis=1)
    votes = np.take_along_axis(count, near, axis=1)  # how many of the k share this one's label
    return near[np.arange(len(near)), votes.argmax(axis=1)]  # argmax: the first of the largest


def _distance(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    if metric == "l2":
        return _euclidean(a, b)
    return cdist(a, b, "cityblock").astype(a.dtype, copy=False)  # loops in C, in float64


def _euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """√(‖a‖² + ‖b‖² - 2 a·b): one matrix product instead of N × M × D differences.

    For rows that nearly agree, the three terms cancel and leave rounding errors, which may even be
    negative: such pairs are computed again from their difference.
    """
    squares_a, squares_b = np.einsum("nd,nd->n", a, a), np.einsum("md,md->m", b, b)
    squared = a @ b.T
    squared *= -2
    squared += squares_a[:, None]
    squared += squares_b
    doubtful = 10 * np.sqrt(np.finfo(a.dtype).eps) * (squares_a + squares_b.max())
    near = squared <= doubtful[:, None]
    for i in np.flatnonzero(near.any(axis=1)):
        squared[i, near[i]] = np.sum((b[near[i]] - a[i]) ** 2, axis=1)
    return np.sqrt(squared, out=squared)


def _rows(a: np.ndarray, b: np.ndarray, name_a: str, name_b: str) -> tuple[np.ndarray, np.ndarray]:
    """Both as floats of one dtype, if their rows have one length."""
    a, b = finite_batch(name_a, a, ndim=2), finite_batch(name_b, b, ndim=2)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"rows of {name_a} and {name_b} must have one length, "
            f"but have {a.shape[1]} and {b.shape[1]} entries"
        )
    single = a.dtype == b.dtype == np.float32
    dtype = np.float32 if single else np.float64
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


def _check_metric(metric: str) -> None:
    if metric not in METRICS:
        raise ValueError(f"metric must be 'l1' or 'l2', but is {metric!r}")
