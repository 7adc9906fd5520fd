"""Max-pooling: the largest pixel of each window, and the way back to where it stood."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytools.scratch.conv import conv_output_size
from pytools.scratch.conv_blocks import BLOCK_BYTES
from pytools.scratch.inputs import finite_batch


def max_pool_forward(x: np.ndarray, size: int, stride: int) -> tuple[np.ndarray, Any]:
    """The largest pixel in each window of size × size, channel by channel.

    x (N, C, H, W), real numbers; a window every `stride` pixels. Returns out (N, C, OH, OW), with
    OH, OW by conv_output_size without padding, in the dtype of x, and a cache for
    max_pool_backward. Raises ValueError where windows do not fit, for an empty batch, NaN or
    infinity. Source: Ranzato, Huang, Boureau & LeCun (2007); LeNet-5 of 1998 took means.

    All windows at once: the top left pixels of all of them are one strided view of x, and so are
    the next ones. out is the maximum of these size² views.
    """
    x = finite_batch("x", x, 4)
    n, c, h, width = x.shape
    places = tuple(conv_output_size(side, size, stride, 0, "size") for side in (h, width))
    out = np.empty((n, c, *places), x.dtype)
    winner = np.zeros(out.shape, np.min_scalar_type(size * size))  # the number of the winning view
    for images in _blocks(x):
        best, best_view = out[images], winner[images]
        for number, view in enumerate(_views(x[images], size, stride, places)):
            if number == 0:
                best[...] = view
                continue
            better = view > best  # not >=: in a tie the first one stays
            np.maximum(best, view, out=best)
            np.maximum(best_view, better * winner.dtype.type(number), out=best_view)
    return out, (x.shape, winner, size, stride)


def max_pool_backward(grad: np.ndarray, cache: Any) -> np.ndarray:
    """grad_x (N, C, H, W): each window's gradient goes to its largest pixel, and to no other.

    grad: the gradient for out, of its shape; cache: from the forward call. In a tie the first pixel
    in row order gets it. A pixel that won several windows gets the sum. Raises ValueError where
    grad does not fit out.
    """
    shape, winner, size, stride = cache
    grad = np.asarray(grad)
    if grad.shape != winner.shape:
        raise ValueError(f"grad must have out's shape {winner.shape}, but has {grad.shape}")
    grad_x = np.zeros(shape, grad.dtype)
    for images in _blocks(grad_x):
        views = _views(grad_x[images], size, stride, winner.shape[2:])
        for number, view in enumerate(views):
            won = winner[images] == number
            if stride >= size:  # each pixel is in one window at most
                np.multiply(grad[images], won, out=view)
            else:
                view += grad[images] * won
    return grad_x


def _blocks(x: np.ndarray) -> Iterator[slice]:
    """A few images at a time: what is written is still in the cache when it is read again."""
    size = max(1, BLOCK_BYTES // x[0].nbytes)
    return (slice(start, start + size) for start in range(0, len(x), size))


def _views(x: np.ndarray, size: int, stride: int, places: tuple[int, int]) -> Iterator[np.ndarray]:
    """For each pixel of a window, in row order: that pixel of all windows, a view of x."""
    below, right = (stride * (n - 1) + 1 for n in places)
    for i in range(size):
        for j in range(size):
            yield x[:, :, i : i + below : stride, j : j + right : stride]
