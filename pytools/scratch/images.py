"""Filters that nobody trains: a Gaussian that smooths, and images made larger.

Sources: Gonzalez & Woods (2018), Digital image processing, sections 2.4 and 3.5.
"""

import numpy as np

from pytools.scratch.inputs import finite_batch


def gaussian_kernel(size: int, sigma: float) -> np.ndarray:
    """A filter that smooths: weights exp(-r² / 2σ²), divided so that their sum is 1.

    size: its side in pixels, odd or even; r is the distance to the centre, (size - 1) / 2 in both
    directions; sigma > 0 in pixels. Returns (size, size), float64. Raises ValueError for others.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, but is {size!r}")
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be a number above 0, but is {sigma!r}")
    exponent = -((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2)
    line = np.exp(exponent - exponent.max())  # the largest is 1, however small sigma is
    kernel = np.outer(line, line)
    return kernel / kernel.sum()


def upsample(x: np.ndarray, scale: int, mode: str) -> np.ndarray:
    """Images `scale` times as high and as wide.

    x (N, C, H, W), real numbers; scale: a whole number. Returns (N, C, scale H, scale W).
    mode 'nearest': each pixel becomes scale × scale equal ones. mode 'bilinear': pixels are
    squares with a centre; the new pixel i has its centre at (i + 0.5) / scale - 0.5 of the old
    ones, and its value lies on the line between the two old centres around it, first in one
    direction, then in the other; beyond the outermost centres their value stays. That is
    align_corners=False in torch. 'nearest' keeps the dtype, 'bilinear' gives float32 where x is,
    else float64. Raises ValueError for another mode, scale < 1, an empty batch, NaN or infinity.
    """
    x = finite_batch("x", x, 4)
    if isinstance(scale, bool) or not isinstance(scale, (int, np.integer)) or scale < 1:
        raise ValueError(f"scale must be a whole number, at least 1, but is {scale!r}")
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"mode must be 'nearest' or 'bilinear', but is {mode!r}")
    if mode == "nearest":
        return x.repeat(scale, axis=2).repeat(scale, axis=3)
    rows, columns = (_between(n, scale).astype(np.result_type(x, np.float32)) for n in x.shape[2:])
    return rows @ x @ columns.T


def _between(n: int, scale: int) -> np.ndarray:
    """(scale n, n): the weights of the old pixels in each new one; two a row, with the sum 1."""
    centre = np.clip((np.arange(scale * n) + 0.5) / scale - 0.5, 0, n - 1)
    below = np.floor(centre).astype(int)
    share = centre - below
    weights = np.zeros((scale * n, n))
    new = np.arange(scale * n)
    weights[new, below] = 1 - share
    weights[new, np.minimum(below + 1, n - 1)] += share
    return weights
