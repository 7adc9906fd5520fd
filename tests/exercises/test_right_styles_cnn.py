"""A right convolution passes however it is written: loops, shifts, Fourier, torch, one by one."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage, signal

from pytools import check

# --- sizes -----------------------------------------------------------------------------------


def by_counting_places(n, f, stride, pad):
    starts = range(0, n + 2 * pad - f + 1, stride)
    if not starts or starts[-1] + f != n + 2 * pad:
        raise ValueError(f"{f} does not fit {n}")
    return len(starts)


def as_a_whole_float(n, f, stride, pad):
    size = (n - f + 2 * pad) / stride + 1
    if size != int(size) or size < 1:
        raise ValueError("no")
    return size


class DoesNotFit(ValueError):
    pass


def with_an_error_of_its_own(n, f, stride, pad):
    steps, rest = divmod(n + 2 * pad - f, stride)
    if rest or steps < 0:
        raise DoesNotFit(n, f, stride, pad)
    return np.array([steps + 1], np.int16)


def by_an_array_of_weights(f, depth, k):
    return np.zeros((k, depth, f, f), np.int8).size + np.zeros(k).size


def by_a_torch_layer(f, depth, k):
    layer = torch.nn.Conv2d(depth, k, f, device="meta")
    return np.float64(sum(p.numel() for p in layer.parameters()))


# --- the layer -------------------------------------------------------------------------------


def padded(x, pad):
    return np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])


def places(x, f, stride):
    return [(n - m) // stride + 1 for n, m in zip(x.shape[2:], f, strict=True)]


def in_seven_loops(x, w, b, stride, pad):
    """Every number on its own, the result as lists."""
    x = padded(x, pad)
    (n, c), (k, _, fh, fw) = x.shape[:2], w.shape
    height, width = places(x, (fh, fw), stride)
    out = [
        [[[float(b[j]) for _ in range(width)] for _ in range(height)] for j in range(k)]
        for _ in range(n)
    ]
    for i, j, row, column in itertools.product(range(n), range(k), range(height), range(width)):
        for d, p, q in itertools.product(range(c), range(fh), range(fw)):
            pixel = x[i, d, row * stride + p, column * stride + q]
            out[i][j][row][column] += pixel * w[j, d, p, q]
    return out, None


def in_seven_loops_backward(grad, cache):
    x, w, stride, pad = cache
    grad_x, grad_w = np.zeros(padded(x, pad).shape), np.zeros(w.shape)
    x = padded(x, pad)
    for i, j, row, column in np.ndindex(grad.shape):
        for d, p, q in np.ndindex(w.shape[1:]):
            at = i, d, row * stride + p, column * stride + q
            grad_x[at] += grad[i, j, row, column] * w[j, d, p, q]
            grad_w[j, d, p, q] += grad[i, j, row, column] * x[at]
    bottom, right = (n - pad for n in x.shape[2:])
    grad_b = [float(grad[:, j].sum()) for j in range(len(w))]
    return grad_x[:, :, pad:bottom, pad:right].tolist(), grad_w, grad_b


def remembering(x, w, b, stride, pad):
    return in_windows(x, w, b, stride, pad)[0], (x.copy(), w.copy(), stride, pad)


def in_windows(x, w, b, stride, pad):
    windows = sliding_window_view(padded(x, pad), w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,kcij->nkhw", windows, w) + b.reshape(1, -1, 1, 1), {"x": x}


def by_shifts_of_the_image(x, w, b, stride, pad):
    """Single precision, Fortran order, summed over the weights of the filter."""
    x, w = padded(x, pad).astype(np.float32), w.astype(np.float32)
    height, width = places(x, w.shape[2:], stride)
    out = np.zeros((len(x), len(w), height, width), np.float32, order="F")
    for i, j in np.ndindex(w.shape[2:]):
        shifted = x[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
        out += np.einsum("nchw,kc->nkhw", shifted, w[:, :, i, j])
    out += b.astype(np.float32)[:, None, None]
    return [out, []]


def by_scipy(x, w, b, stride, pad):
    maps = [
        [sum(map(lambda a, f: signal.correlate2d(a, f, "valid"), image, f)) for f in w]
        for image in padded(x, pad)
    ]
    return np.array(maps)[:, :, ::stride, ::stride] + b[None, :, None, None], "cache"


def by_fourier(x, w, b, stride, pad):
    x = padded(x, pad)[:, None]
    maps = signal.fftconvolve(x, w[None, :, ::-1, ::-1, ::-1], "valid", axes=(2, 3, 4))
    return maps[:, :, 0, ::stride, ::stride] + b[:, None, None], 0


def as_one_product(x, w, b, stride, pad):
    """Windows as rows; NHWC inside, and a transposed view comes back."""
    windows = sliding_window_view(padded(x, pad), w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    rows = windows.reshape(-1, w[0].size)
    out = rows @ w.reshape(len(w), -1).T + b
    cache = rows, w, x.shape, windows.shape, stride, pad
    return out.reshape(*windows.shape[:3], len(w)).transpose(0, 3, 1, 2), cache


def as_one_product_backward(grad, cache):
    rows, w, shape, windows_shape, stride, pad = cache
    n, height, width, c, fh, fw = windows_shape
    heard = grad.transpose(0, 2, 3, 1).reshape(-1, len(w))
    grad_rows = (heard @ w.reshape(len(w), -1)).reshape(windows_shape)
    grad_x = np.zeros((n, c, shape[2] + 2 * pad, shape[3] + 2 * pad))
    for i, j in np.ndindex(fh, fw):
        target = grad_x[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
        target += grad_rows[..., i, j].transpose(0, 3, 1, 2)
    inner = grad_x[:, :, pad : pad + shape[2], pad : pad + shape[3]]
    return [inner, (heard.T @ rows).reshape(w.shape), heard.sum(0)]


def by_torch(x, w, b, stride, pad):
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    out = F.conv2d(*tensors, stride=stride, padding=pad)
    return out, (out, tensors)


def by_torch_backward(grad, cache):
    out, tensors = cache
    out.backward(torch.tensor(grad))
    return tuple(t.grad for t in tensors)


def by_turned_filters(x, w, b, stride, pad):
    return in_windows(x, w, b, stride, pad)[0], (x.astype(np.float32), w, stride, pad)


def by_turned_filters_backward(grad, cache):
    """Single precision: gaps where the stride left some, then an ordinary convolution."""
    x, w, stride, pad = cache
    (n, k, height, width), (fh, fw) = grad.shape, w.shape[2:]
    wide = np.zeros((n, k, (height - 1) * stride + 1, (width - 1) * stride + 1), np.float32)
    wide[:, :, ::stride, ::stride] = grad
    border = np.pad(wide, [(0, 0), (0, 0), (fh - 1, fh - 1), (fw - 1, fw - 1)])
    turned = w[:, :, ::-1, ::-1].astype(np.float32)
    grad_x = np.einsum("nkhwij,kcij->nchw", sliding_window_view(border, (fh, fw), (2, 3)), turned)
    over = sliding_window_view(padded(x, pad), wide.shape[2:], axis=(2, 3))
    grad_w = np.einsum("ncijhw,nkhw->kcij", over, wide)
    bottom, right = (pad + n for n in x.shape[2:])
    return grad_x[:, :, pad:bottom, pad:right], grad_w, np.einsum("nkhw->k", grad)


class Layer:
    """The cache is an object with a method."""

    def __init__(self, *args):
        self.args = args

    def back(self, grad):
        return as_one_product_backward(grad, as_one_product(*self.args)[1])


def with_an_object(*args):
    return as_one_product(*args)[0], Layer(*args)


# --- pooling ---------------------------------------------------------------------------------


def pool_in_loops(x, size, stride):
    height, width = places(x, (size, size), stride)
    out = [
        [
            [
                [
                    max(
                        channel[r * stride + i][q * stride + j]
                        for i in range(size)
                        for j in range(size)
                    )
                    for q in range(width)
                ]
                for r in range(height)
            ]
            for channel in image
        ]
        for image in x.tolist()
    ]
    return out, (x, size, stride)


def pool_in_loops_backward(grad, cache):
    x, size, stride = cache
    grad_x = np.zeros(x.shape)
    for n, c, r, q in np.ndindex(grad.shape):
        best, at = -np.inf, None
        for i, j in np.ndindex(size, size):
            pixel = n, c, r * stride + i, q * stride + j
            if x[pixel] > best:
                best, at = x[pixel], pixel
        grad_x[at] += grad[n, c, r, q]
    return grad_x


def pool_in_windows(x, size, stride):
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    flat = windows.reshape(*windows.shape[:4], -1)
    index = flat.argmax(axis=-1)
    return np.take_along_axis(flat, index[..., None], -1)[..., 0], (index, x.shape, size, stride)


def pool_in_windows_backward(grad, cache):
    index, shape, size, stride = cache
    n, c, r, q = np.indices(index.shape)
    grad_x = np.zeros(shape, np.float32)
    i, j = np.divmod(index, size)
    np.add.at(grad_x, (n, c, r * stride + i, q * stride + j), grad)
    return grad_x


def pool_by_torch(x, size, stride):
    tensor = torch.tensor(x, requires_grad=True)
    out = F.max_pool2d(tensor, size, stride)
    return [out, [tensor, out]]


def pool_by_torch_backward(grad, cache):
    tensor, out = cache
    return torch.autograd.grad(out, tensor, torch.tensor(grad))[0]


def pool_by_views(x, size, stride):
    """The maximum of size² views; a window of one pixel gives x itself."""
    height, width = places(x, (size, size), stride)
    views = [
        x[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
        for i, j in np.ndindex(size, size)
    ]
    return views[0] if size == stride == 1 else np.maximum.reduce(views), (x, size, stride)


def pool_by_views_backward(grad, cache):
    x, size, stride = cache
    if size == stride == 1:
        return grad
    out, _ = pool_by_views(x, size, stride)
    free, grad_x = np.ones(out.shape, bool), np.zeros_like(x)
    height, width = out.shape[2:]
    for i, j in np.ndindex(size, size):
        view = np.s_[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
        won = free & (x[view] == out)
        grad_x[view] += np.where(won, grad, 0)
        free &= ~won
    return grad_x


# --- filters and images ----------------------------------------------------------------------


def kernel_from_scipy(size, sigma):
    line = signal.windows.gaussian(size, sigma)
    return np.outer(line, line) / np.sum(line) ** 2


def kernel_in_lists(size, sigma):
    middle = (size - 1) / 2
    rows = [
        [
            float(np.exp(-((i - middle) ** 2 + (j - middle) ** 2) / (2 * sigma**2)))
            for j in range(size)
        ]
        for i in range(size)
    ]
    total = sum(map(sum, rows))
    return [[value / total for value in row] for row in rows]


def kernel_by_torch(size, sigma):
    offset = torch.arange(size) - (size - 1) / 2
    line = torch.softmax(-(offset**2) / (2 * sigma**2), 0)
    return line[:, None] * line


def larger_by_torch(x, scale, mode):
    options = {} if mode == "nearest" else {"align_corners": False}
    return F.interpolate(torch.tensor(x), scale_factor=scale, mode=mode, **options)


def larger_by_zoom(x, scale, mode):
    order = 0 if mode == "nearest" else 1
    return ndimage.zoom(x, (1, 1, scale, scale), order=order, mode="nearest", grid_mode=True)


def larger_by_kron(x, scale, mode):
    """Bilinear as the mean of the nearest over a window of `scale`, twice: a triangle."""
    near = np.kron(x, np.ones((scale, scale)))
    if mode == "nearest" or scale == 1:
        return x if scale == 1 else near
    for axis in (2, 3):
        wide = np.pad(near, [(scale, scale) if a == axis else (0, 0) for a in range(4)], "edge")
        sums = sliding_window_view(wide, scale, axis=axis).mean(-1)
        if scale % 2 == 0:
            sums = (np.delete(sums, 0, axis) + np.delete(sums, -1, axis)) / 2
        extra = (sums.shape[axis] - near.shape[axis]) // 2
        near = np.take(sums, range(extra, extra + near.shape[axis]), axis)
    return near


def larger_pixel_by_pixel(x, scale, mode):
    (n, c, height, width), x = x.shape, x.astype(np.float32)
    out = np.zeros((n, c, height * scale, width * scale), np.float32)
    for row, column in np.ndindex(out.shape[2:]):
        if mode == "nearest":
            out[:, :, row, column] = x[:, :, row // scale, column // scale]
            continue
        r = min(max((row + 0.5) / scale - 0.5, 0), height - 1)
        q = min(max((column + 0.5) / scale - 0.5, 0), width - 1)
        for i, j in itertools.product({int(r), int(np.ceil(r))}, {int(q), int(np.ceil(q))}):
            out[:, :, row, column] += x[:, :, i, j] * (1 - abs(r - i)) * (1 - abs(q - j))
    return out


# --- AlexNet ---------------------------------------------------------------------------------

NAMES = ["input", "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
NAMES += ["fc6", "fc7", "fc8"]


def copied_from_the_text():
    sides = [227, 55, 27, 27, 13, 13, 13, 13, 6, 1, 1, 1]
    channels = [3, 96, 96, 256, 256, 384, 384, 256, 256, 4096, 4096, 1000]
    return tuple([name, [s, s, c]] for name, s, c in zip(NAMES, sides, channels, strict=True))


def run_through_torch():
    """The real layers, without their numbers; pairs come one by one."""
    conv, pool = torch.nn.Conv2d, torch.nn.MaxPool2d(3, 2)
    with torch.device("meta"):
        layers = [conv(3, 96, 11, 4), pool, conv(96, 256, 5, 1, 2), pool, conv(256, 384, 3, 1, 1)]
        layers += [conv(384, 384, 3, 1, 1), conv(384, 256, 3, 1, 1), pool]
        layers += [conv(256, 4096, 6), conv(4096, 4096, 1), conv(4096, 1000, 1)]
        x = torch.zeros(1, 3, 227, 227)
    for name, layer in zip(NAMES, [torch.nn.Identity(), *layers], strict=True):
        x = layer(x)
        yield name, x[0].permute(1, 2, 0).shape


def as_the_items_of_a_dict():
    return {name: np.array(shape) for name, shape in copied_from_the_text()}.items()


RIGHT = [
    ("conv_output_size", by_counting_places),
    ("conv_output_size", as_a_whole_float),
    ("conv_output_size", with_an_error_of_its_own),
    ("conv_num_params", by_an_array_of_weights),
    ("conv_num_params", by_a_torch_layer),
    ("gaussian_kernel", kernel_from_scipy),
    ("gaussian_kernel", kernel_in_lists),
    ("gaussian_kernel", kernel_by_torch),
    ("conv2d_forward", in_seven_loops),
    ("conv2d_forward", in_windows),
    ("conv2d_forward", by_shifts_of_the_image),
    ("conv2d_forward", by_scipy),
    ("conv2d_forward", by_fourier),
    ("conv2d_forward", as_one_product),
    ("conv2d_forward", by_torch),
    ("conv2d_backward", (remembering, in_seven_loops_backward)),
    ("conv2d_backward", (as_one_product, as_one_product_backward)),
    ("conv2d_backward", (by_turned_filters, by_turned_filters_backward)),
    ("conv2d_backward", (by_torch, by_torch_backward)),
    ("conv2d_backward", (with_an_object, lambda grad, cache: cache.back(grad))),
    ("max_pool_forward", pool_in_loops),
    ("max_pool_forward", pool_in_windows),
    ("max_pool_forward", pool_by_torch),
    ("max_pool_forward", pool_by_views),
    ("max_pool_backward", (pool_in_loops, pool_in_loops_backward)),
    ("max_pool_backward", (pool_in_windows, pool_in_windows_backward)),
    ("max_pool_backward", (pool_by_torch, pool_by_torch_backward)),
    ("max_pool_backward", (pool_by_views, pool_by_views_backward)),
    ("upsample", larger_by_torch),
    ("upsample", larger_by_zoom),
    ("upsample", larger_by_kron),
    ("upsample", larger_pixel_by_pixel),
    ("alexnet_shapes", copied_from_the_text),
    ("alexnet_shapes", run_through_torch),
    ("alexnet_shapes", as_the_items_of_a_dict),
]


def title(attempt):
    return attempt[-1].__name__ if isinstance(attempt, tuple) else attempt.__name__


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[title(a) for _, a in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(20):
        earned = check(f"cnn.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, capsys.readouterr().out
