"""What the rooms beside this one refuse: arrays that are empty, of a wrong shape, or not finite."""

import numpy as np


def finite_batch(name: str, x: np.ndarray, ndim: int | None = None) -> np.ndarray:
    """`x` as an array, if it has rows and only finite numbers; else ValueError that names it.

    ndim: the number of axes that it must have, any where None. The dtype stays.
    """
    x = np.asarray(x)
    if ndim is not None and x.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, but has shape {x.shape}")
    if x.ndim == 0 or x.size == 0:
        raise ValueError(f"{name} must have at least one entry in each axis, but is {x.shape}")
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, but has dtype {x.dtype}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        bad = x.size - np.count_nonzero(np.isfinite(x))
        raise ValueError(
            f"{name} must be finite, but has {bad} of {x.size} entries NaN or infinite"
        )
    return x


def class_labels(name: str, labels: np.ndarray, count: int) -> np.ndarray:
    """`labels` as an array, if it holds `count` integers; else ValueError that names it."""
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be {count} integers, one a row, "
            f"but has shape {labels.shape} and dtype {labels.dtype}"
        )
    return labels
