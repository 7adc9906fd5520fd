"""Convolution: sizes, parameters, and the layer in plain loops, as one would first write it.

Here as in every deep-learning library, "convolution" is cross-correlation: the filter is not
flipped. `conv_blocks.py` holds the same layer made fast. Sources: LeCun, Bottou, Bengio & Haffner
(1998), Gradient-based learning applied to document recognition; Dumoulin & Visin (2016), A guide
to convolution arithmetic for deep learning.
"""

from typing import Any

import numpy as np


def conv_output_size(n: int, f: int, stride: int, pad: int, name: str = "f") -> int:
    """How many places a filter takes along one side: (n - f + 2 pad) / stride + 1.

    n: pixels of the input along that side; f: pixels of the filter; pad: zeros added at both ends;
    name: what a caller's own arguments call f, for the errors.
    Raises ValueError when the filter is larger than the padded input, when the stride does not
    divide, and for n, f, stride < 1 or pad < 0. Source: Dumoulin & Visin (2016), relationship 5.
    """
    for what, value, least in (("n", n, 1), (name, f, 1), ("stride", stride, 1), ("pad", pad, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{what} must be a whole number, at least {least}, but is {value!r}")
    room = n - f + 2 * pad
    if room < 0:
        raise ValueError(
            f"{name} must be at most {n + 2 * pad}, the {n} pixels with {pad} zeros at both ends, "
            f"but is {f}"
        )
    if room % stride:
        raise ValueError(
            f"stride must divide n - {name} + 2 pad = {n} - {f} + {2 * pad} = {room}, "
            f"but is {stride}"
        )
    return int(room // stride + 1)


def conv_num_params(f: int, depth: int, k: int) -> int:
    """Weights and biases of k filters of f × f pixels over `depth` channels: (f f depth) k + k.

    Raises ValueError for arguments below 1.
    """
    for name, value in (("f", f), ("depth", depth), ("k", k)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, but is {value!r}")
    return f * f * depth * k + k


def alexnet_shapes() -> list[tuple[str, tuple[int, int, int]]]:
    """AlexNet layer by layer: pairs of a name and the shape (H, W, C) of what the layer gives.

    Fully connected layers are (1, 1, units). Source: Krizhevsky, Sutskever & Hinton (2012),
    ImageNet classification with deep convolutional neural networks, section 3.5, for an input of
    227 × 227, which is what its layers need (the paper says 224).
    """
    size, channels = 227, 3
    shapes = [("input", (size, size, channels))]
    for name, filters, f, stride, pad in (
        ("conv1", 96, 11, 4, 0),
        ("pool1", None, 3, 2, 0),
        ("conv2", 256, 5, 1, 2),
        ("pool2", None, 3, 2, 0),
        ("conv3", 384, 3, 1, 1),
        ("conv4", 384, 3, 1, 1),
        ("conv5", 256, 3, 1, 1),
        ("pool5", None, 3, 2, 0),
    ):
        size = conv_output_size(size, f, stride, pad)
        channels = filters or channels  # pooling keeps the channels
        shapes.append((name, (size, size, channels)))
    return shapes + [(name, (1, 1, n)) for name, n in (("fc6", 4096), ("fc7", 4096), ("fc8", 1000))]


def conv2d_forward_loops(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, pad: int
) -> tuple[np.ndarray, Any]:
    """conv2d_forward of `conv_blocks.py`, written as its definition. Arguments are not checked."""
    n, _, h, width = x.shape
    k, _, fh, fw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out_h = conv_output_size(h, fh, stride, pad)
    out_w = conv_output_size(width, fw, stride, pad)
    out = np.empty((n, k, out_h, out_w), np.result_type(x, w))
    for image in range(n):
        for filter_ in range(k):
            for row in range(out_h):
                for column in range(out_w):
                    top, left = row * stride, column * stride
                    window = padded[image, :, top : top + fh, left : left + fw]
                    out[image, filter_, row, column] = np.sum(window * w[filter_]) + b[filter_]
    return out, (padded, w, stride, pad)


def conv2d_backward_loops(
    grad: np.ndarray, cache: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of conv2d_forward_loops, with the same loops.

    Each product window · filter sends its gradient to both factors. grad: the gradient for out, of
    its shape; cache: from the forward call. Returns grad_x, grad_w, grad_b.
    """
    padded, w, stride, pad = cache
    n, k, out_h, out_w = grad.shape
    fh, fw = w.shape[2:]
    grad_padded, grad_w = np.zeros_like(padded), np.zeros_like(w)
    for image in range(n):
        for filter_ in range(k):
            for row in range(out_h):
                for column in range(out_w):
                    rows = slice(row * stride, row * stride + fh)
                    columns = slice(column * stride, column * stride + fw)
                    g = grad[image, filter_, row, column]
                    grad_padded[image, :, rows, columns] += g * w[filter_]
                    grad_w[filter_] += g * padded[image, :, rows, columns]
    h, width = padded.shape[2:]
    return grad_padded[:, :, pad : h - pad, pad : width - pad], grad_w, grad.sum(axis=(0, 2, 3))
