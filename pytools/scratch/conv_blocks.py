"""The convolution layer made fast, in NumPy alone: shifted copies, matrix products, blocks.

1. An image in memory is one long row of numbers. Where a filter moves one pixel to the right, it
   starts to read one number later; one pixel down, `width` numbers later. So the pixels that meet
   one weight of the filter, at all its places, are one slice of that row.
2. Slices below each other are a matrix, and filter times matrix is what a processor does best. The
   image is copied once for each column j of the filter, each copy starting j numbers later. Moving
   down needs no copy: the same copies are read from a later start. That makes one product for each
   row i of the filter; their sum is the result.
3. A row of outputs then ends in a few numbers that belong to no place of the filter, where it
   would stick out on the right. They are cut off; on the way back they are zeros.
4. A stride s takes every s-th pixel. So the padded image is dealt out, as cards are, to s × s
   planes: plane (p, q) gets rows p, p + s, … and columns q, q + s, …. Filter row i reads planes
   i % s from row i // s on, and so do columns: in each plane the filter moves by one.
5. A few images at a time go through the same buffers, so that all of them stay in the cache.

`conv.py` holds the same layer in plain loops. Compare Chellapilla, Puri & Simard (2006), High
performance convolutional neural networks for document processing, who copy for every i and j.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytools.scratch.conv import conv_output_size
from pytools.scratch.inputs import finite_batch

BLOCK_BYTES = 2**20  # of buffers: they have to fit into a core's second-level cache


def conv2d_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, pad: int
) -> tuple[np.ndarray, Any]:
    """A convolution layer: every filter at every place of every image.

    x (N, C, H, W) images, w (K, C, FH, FW) filters, b (K,) biases; pad: zeros added on all four
    sides; the filters are not flipped. Returns out (N, K, OH, OW), where
        out[n, k, r, q] = b[k] + Σ_cij padded[n, c, stride r + i, stride q + j] w[k, c, i, j]
    and OH, OW are conv_output_size of each side, and a cache for conv2d_backward. float32 where x
    and w are, else float64. Raises ValueError for shapes or a stride that do not fit, an empty
    batch, NaN or infinity. Source: LeCun et al. (1998), section II.
    """
    x, w, b = finite_batch("x", x, 4), finite_batch("w", w, 4), finite_batch("b", b, 1)
    if w.shape[1] != x.shape[1]:
        raise ValueError(
            f"w must have a channel for each of x's {x.shape[1]}, but has shape {w.shape}"
        )
    if len(b) != len(w):
        raise ValueError(f"b must have an entry for each of w's {len(w)} filters, but has {len(b)}")
    grid = _Grid(x.shape, w.shape, stride, pad, np.result_type(x, w, np.float32))
    return _convolve(x, w, b, grid), (x, w, grid)


def conv2d_backward(
    grad: np.ndarray, cache: Any, input_grad: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The gradients of conv2d_forward.

    grad (N, K, OH, OW): the gradient for out; cache: from the forward call. Returns grad_x, grad_w
    and grad_b, of the shapes of x, w and b, summed over the batch; grad_x is None where input_grad
    is False, as for the first layer of a net. Raises ValueError where grad does not fit out.
    """
    x, w, grid = cache
    grad = np.asarray(grad)
    if grad.shape != grid.out_shape:
        raise ValueError(f"grad must have out's shape {grid.out_shape}, but has {grad.shape}")
    return *_gradients(x, w, grad, grid, input_grad), grad.sum(axis=(0, 2, 3))


class _Grid:
    """The sizes of one convolution."""

    def __init__(self, x_shape: tuple, w_shape: tuple, stride: int, pad: int, dtype: np.dtype):
        self.n, self.c, self.h, self.w = x_shape
        self.k, _, self.fh, self.fw = w_shape
        self.stride, self.pad, self.dtype = stride, pad, dtype
        self.out_h = conv_output_size(self.h, self.fh, stride, pad, "w's height")
        self.out_w = conv_output_size(self.w, self.fw, stride, pad, "w's width")
        self.out_shape = self.n, self.k, self.out_h, self.out_w

        # Of a plane. The padding on the right of a row is that on the left of the next one.
        self.height = -(-(self.h + 2 * pad) // stride)
        self.width = max(-(-(self.w + pad) // stride), self.out_w)
        self.area = self.height * self.width
        self.places = self.out_h * self.width  # length of a slice, with what will be cut off

    def block(self, rows: int) -> int:
        """How many images at a time, when each takes so many rows of `area` numbers."""
        image_bytes = rows * self.area * self.dtype.itemsize
        return max(1, min(self.n, BLOCK_BYTES // image_bytes))


def _convolve(x: np.ndarray, w: np.ndarray, b: np.ndarray, grid: _Grid) -> np.ndarray:
    """out: the sum over the filter's rows of the row's weights times the slices it meets."""
    s = grid.stride
    filter_rows = w.transpose(2, 0, 3, 1).reshape(grid.fh, grid.k, grid.fw * grid.c)
    filter_rows = filter_rows.astype(grid.dtype)
    out = np.empty(grid.out_shape, grid.dtype)
    size = grid.block(grid.c * s * (s + grid.fw) + 2 * grid.k)
    total = np.empty((size, grid.k, grid.places), grid.dtype)
    term = np.empty_like(total)
    for images, shifted in _blocks(x, grid, size):
        m = len(shifted)
        for i in range(grid.fh):
            start = i // s * grid.width
            slices = shifted[:, i % s, :, start : start + grid.places]
            np.matmul(filter_rows[i], slices, total[:m] if i == 0 else term[:m])
            if i > 0:
                total[:m] += term[:m]
        places = total[:m].reshape(m, grid.k, grid.out_h, grid.width)
        np.add(places[..., : grid.out_w], b[:, None, None], out[images])
    return out


def _gradients(
    x: np.ndarray, w: np.ndarray, grad: np.ndarray, grid: _Grid, input_grad: bool
) -> tuple[np.ndarray | None, np.ndarray]:
    """grad_x, or None, and grad_w.

    The pixel under weight (i, j) of a filter at place r is pixel r + i. So pixel t hears from the
    places t - i: grad_x is a convolution of grad, with the filters turned by 180°. And the weight
    hears from pixel t and place t - i together. Both use the same copies of grad, shifted by j; to
    move by i, the pixels (and what they hear) are what is shifted here, all i in one product: they
    have fewer channels than grad. With a stride this happens in each plane of x, with the part of
    the filter that moves there.
    """
    s, c, k, fh = grid.stride, grid.c, grid.k, grid.fh
    reach = -(-max(fh, grid.fw) // s)  # of a filter, within a plane
    cut = min(grid.pad // s, reach - 1)  # rows of a plane that hold nothing but padding
    back = _Grid(grad.shape, (c, k, reach, reach), 1, reach - 1 - cut, grid.dtype)
    starts = [(reach - 1 - i // s) * back.width for i in range(fh)]
    parts = [w[:, :, :, q::s].astype(grid.dtype) for q in range(min(s, grid.fw))]
    turned = [part[..., ::-1].transpose(2, 1, 3, 0).reshape(fh * c, -1) for part in parts]
    heard = [np.zeros_like(lines.T) for lines in turned]

    size = back.block(k * (1 + reach) + 2 * s * c * (s + fh))
    planes = np.zeros((size, s, s, c, back.out_h, back.width), grid.dtype)
    grad_planes = np.zeros_like(planes)
    stack = np.zeros((size, s, fh, c, back.area), grid.dtype)
    grad_stack = np.zeros_like(stack)
    grad_x = np.empty(x.shape, grid.dtype) if input_grad else None
    for images, shifted in _blocks(grad, back, size):
        m = len(shifted)
        for plane, pixels in _dealt(planes[:m], x[images], grid, cut):
            plane[...] = pixels
        rows = planes[:m].reshape(m, s, s, c, back.places)
        for i, start in enumerate(starts):
            stack[:m, :, i, :, start : start + back.places] = rows[:, i % s]
        for q, lines in enumerate(turned):
            arrived = shifted[:, 0, -lines.shape[1] :]
            pixels = stack[:m, q].reshape(m, fh * c, back.area)
            heard[q] += np.matmul(arrived, pixels.transpose(0, 2, 1)).sum(axis=0)
            if input_grad:
                np.matmul(lines, arrived, grad_stack[:m, q].reshape(pixels.shape))
        if not input_grad:
            continue

        rows = grad_planes[:m].reshape(rows.shape)
        for i, start in enumerate(starts):
            part = grad_stack[:m, :, i, :, start : start + back.places]
            if i < s:
                rows[:, i] = part
            else:
                rows[:, i % s] += part
        for plane, pixels in _dealt(grad_planes[:m], grad_x[images], grid, cut):
            pixels[...] = plane

    grad_w = np.empty(w.shape, grid.dtype)
    for q, sums in enumerate(heard):
        grad_w[:, :, :, q::s] = sums.reshape(-1, k, fh, c)[::-1].transpose(1, 3, 2, 0)
    return grad_x, grad_w


def _blocks(x: np.ndarray, grid: _Grid, size: int) -> Iterator[tuple[slice, np.ndarray]]:
    """For each block of `size` images: which they are, and their copies, one below the other.

    The copies are (images, s, FW C, area) for the s rows of planes, a view of a buffer that the
    next block uses again. From i // s rows on, those of plane i % s are what filter row i meets.
    """
    s = grid.stride
    # Two rows more below, for what is read beyond the last pixel.
    planes = np.zeros((size, s, s, grid.c, grid.height + 2, grid.width), grid.dtype)
    flat = planes.reshape(size, s, s, grid.c, -1)
    shifted = np.empty((size, s, grid.fw, grid.c, grid.area), grid.dtype)
    for first in range(0, grid.n, size):
        images = slice(first, first + size)
        m = len(x[images])
        for plane, pixels in _dealt(planes[:m], x[images], grid):
            plane[...] = pixels
        for j in range(grid.fw):
            shifted[:m, :, j] = flat[:m, :, j % s, :, j // s : j // s + grid.area]
        yield images, shifted[:m].reshape(m, s, grid.fw * grid.c, grid.area)


def _dealt(
    planes: np.ndarray, images: np.ndarray, grid: _Grid, cut: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each of the s × s planes: the part of it that holds pixels, and these pixels.

    cut: how many rows above and columns on the left the planes lack.
    """
    s, pad = grid.stride, grid.pad
    for p in range(s):
        for q in range(s):
            row, column = (p - pad) % s, (q - pad) % s  # the first pixel that plane (p, q) gets
            pixels = images[:, :, row::s, column::s]
            top, left = (row + pad) // s - cut, (column + pad) // s - cut
            height, width = pixels.shape[2:]
            yield planes[:, p, q, :, top : top + height, left : left + width], pixels
