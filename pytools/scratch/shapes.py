"""Whether arrays have the shapes that a formula needs."""

import numpy as np


def fits(**wanted: tuple[np.ndarray, tuple[int, ...]]) -> None:
    """name=(array, shape) for each array; ValueError names the first that has another shape."""
    for name, (array, shape) in wanted.items():
        if np.shape(array) != shape:
            raise ValueError(f"{name} must have shape {shape}, but has {np.shape(array)}")
