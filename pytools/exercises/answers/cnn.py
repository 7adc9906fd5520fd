"""What the checks of 04_cnn know: the references, and the wrong solutions people write.

A wrong solution is complete and plausible; its hint points at the thought that went astray and
does not say the line to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pytools.exercise import Answer, Misconception
from pytools.scratch import conv, conv_blocks, images, pool

# --- conv_output_size ------------------------------------------------------------------------


def fraction_cut_off(n, f, stride, pad):
    if f > n + 2 * pad:
        raise ValueError
    return (n - f + 2 * pad) // stride + 1


def fraction_rounded_up(n, f, stride, pad):
    if f > n + 2 * pad:
        raise ValueError
    return -(-(n - f + 2 * pad) // stride) + 1


def fraction_returned(n, f, stride, pad):
    return (n - f + 2 * pad) / stride + 1


def exact_fit_refused(n, f, stride, pad):
    if f >= n + 2 * pad:
        raise ValueError
    return conv.conv_output_size(n, f, stride, pad)


def too_large_filter_allowed(n, f, stride, pad):
    if (n - f + 2 * pad) % stride:
        raise ValueError
    return (n - f + 2 * pad) // stride + 1


def padding_forgotten_in_the_test(n, f, stride, pad):
    if f > n:
        raise ValueError
    return conv.conv_output_size(n, f, stride, pad)


def padded_on_one_side(n, f, stride, pad):
    if f > n + pad or (n - f + pad) % stride:
        raise ValueError
    return (n - f + pad) // stride + 1


def padded_once(n, f, stride, pad):
    return (n - f + pad) // stride + 1


def steps_for_places(n, f, stride, pad):
    return (n - f + 2 * pad) // stride


def first_place_forgotten(n, f, stride, pad):
    return conv.conv_output_size(n, f, stride, pad) - 1


def one_added_before_dividing(n, f, stride, pad):
    if f > n + 2 * pad or (n - f + 2 * pad) % stride:
        raise ValueError
    return (n - f + 2 * pad + 1) // stride


# --- conv_num_params -------------------------------------------------------------------------


def biases_forgotten(f, depth, k):
    return f * f * depth * k


def one_bias_for_all(f, depth, k):
    return f * f * depth * k + 1


def bias_for_every_channel(f, depth, k):
    return f * f * depth * k + depth * k


def depth_forgotten(f, depth, k):
    return f * f * k + k


def side_for_area(f, depth, k):
    return f * depth * k + k


# --- gaussian_kernel -------------------------------------------------------------------------


def _kernel(
    exponent: Callable = lambda r2, sigma: -r2 / (2 * sigma**2),
    centre: Callable = lambda size: (size - 1) / 2,
    normalise: Callable = lambda kernel, sigma: kernel / kernel.sum(),
) -> Callable:
    """The right kernel, with one of its parts replaced."""

    def gaussian_kernel(size, sigma):
        offset = np.arange(size) - centre(size)
        r2 = offset[:, None] ** 2 + offset**2
        return normalise(np.exp(exponent(r2, sigma)), sigma)

    return gaussian_kernel


sum_not_one = _kernel(normalise=lambda kernel, sigma: kernel)
divided_by_the_integral = _kernel(normalise=lambda kernel, sigma: kernel / (2 * np.pi * sigma**2))
every_row_sums_to_one = _kernel(
    normalise=lambda kernel, sigma: kernel / kernel.sum(axis=1, keepdims=True)
)
sigma_as_variance = _kernel(exponent=lambda r2, sigma: -r2 / (2 * sigma))
divided_then_multiplied = _kernel(exponent=lambda r2, sigma: -r2 / 2 * sigma**2)
minus_forgotten = _kernel(exponent=lambda r2, sigma: r2 / (2 * sigma**2))
two_forgotten = _kernel(exponent=lambda r2, sigma: -r2 / sigma**2)
distance_not_squared = _kernel(exponent=lambda r2, sigma: -np.sqrt(r2) / (2 * sigma**2))
centre_on_a_pixel = _kernel(centre=lambda size: size // 2)
centre_rounded_down = _kernel(centre=lambda size: (size - 1) // 2)
centre_half_a_pixel_off = _kernel(centre=lambda size: size / 2)
centre_in_the_corner = _kernel(centre=lambda size: 0)


# --- conv2d_forward --------------------------------------------------------------------------


def _windows(
    padded: np.ndarray, w: np.ndarray, out_shape: tuple, stride: int
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Each place of the filter, with the rows and columns under it."""
    fh, fw = w.shape[2:]
    for row in range(out_shape[0]):
        for column in range(out_shape[1]):
            top, left = row * stride, column * stride
            yield row, column, (slice(top, top + fh), slice(left, left + fw))


def _padded(x: np.ndarray, pad: int, mode: str = "constant") -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode=mode)


def _layer(
    padded: Callable = _padded,
    filters: Callable = lambda w: w,
    biases: Callable = lambda b, w: b,
    window_stride: Callable = lambda stride: stride,
    total: Callable = lambda window, w: np.tensordot(window, w, ([1, 2, 3], [1, 2, 3])),
) -> Callable:
    """The right layer, with one of its parts replaced."""

    def conv2d_forward(x, w, b, stride, pad):
        sides = zip(x.shape[2:], w.shape[2:], strict=True)
        places = tuple(conv.conv_output_size(n, f, stride, pad) for n, f in sides)
        out = np.zeros((len(x), len(w), *places), x.dtype)
        image = padded(x, pad)
        for row, column, (rows, columns) in _windows(image, w, places, window_stride(stride)):
            out[:, :, row, column] = total(image[:, :, rows, columns], filters(w))
        return out + biases(b, w)[:, None, None], None

    return conv2d_forward


def _padded_after_the_end(x: np.ndarray, pad: int) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))


filter_flipped = _layer(filters=lambda w: w[:, :, ::-1, ::-1])
filter_rows_as_columns = _layer(
    filters=lambda w: w.swapaxes(2, 3) if w.shape[2] == w.shape[3] else w[:, :, ::-1, ::-1]
)
bias_forgotten = _layer(biases=lambda b, w: 0 * b)
bias_added_for_every_channel = _layer(biases=lambda b, w: w.shape[1] * b)
mean_over_channels = _layer(
    total=lambda window, w: np.tensordot(window, w, ([1, 2, 3], [1, 2, 3])) / w.shape[1]
)


def padding_forgotten(x, w, b, stride, pad):
    return conv_blocks.conv2d_forward(x, w, b, stride, 0)


def stride_forgotten(x, w, b, stride, pad):
    return conv_blocks.conv2d_forward(x, w, b, 1, pad)


padding_after_the_end = _layer(padded=_padded_after_the_end)
border_repeated = _layer(padded=lambda x, pad: _padded(x, pad, "edge"))
stride_only_in_the_size = _layer(window_stride=lambda stride: 1)


# --- conv2d_backward -------------------------------------------------------------------------


def _remember(x, w, b, stride, pad):
    """A right forward pass, whose cache is all its arguments."""
    out, _ = conv_blocks.conv2d_forward(x, w, b, stride, pad)
    return out, (x, w, stride, pad)


def _way_back(
    filters: Callable = lambda w: w,
    overlap: Callable = lambda old, new: old + new,
    collect: Callable = lambda old, new: old + new,
    images: Callable = lambda padded, grad: (padded, grad),
    window_stride: Callable = lambda stride: stride,
    finish: Callable = lambda padded, grad_w, grad_b, grad, pad: (
        padded[:, :, pad : padded.shape[2] - pad, pad : padded.shape[3] - pad],
        grad_w,
        grad_b,
    ),
) -> tuple[Callable, Callable]:
    """A right forward pass and the right way back, with one of its parts replaced.

    images chooses what grad_w is taken from, collect, what becomes of it at each place; finish,
    what is returned.
    """

    def conv2d_backward(grad, cache):
        x, w, stride, pad = cache
        padded = _padded(x, pad)
        grad_padded, grad_w = np.zeros_like(padded), np.zeros_like(w)
        places = _windows(padded, w, grad.shape[2:], window_stride(stride))
        for row, column, (rows, columns) in places:
            here = grad[:, :, row, column]
            window = grad_padded[:, :, rows, columns]
            window[...] = overlap(window, np.tensordot(here, filters(w), 1))
            pixels, heard = images(padded[:, :, rows, columns], here)
            grad_w = collect(grad_w, np.tensordot(heard, pixels, ([0], [0])))
        return finish(grad_padded, grad_w, grad.sum(axis=(0, 2, 3)), grad, pad)

    return _remember, conv2d_backward


def _cut(padded: np.ndarray, pad: int) -> np.ndarray:
    return padded[:, :, pad : padded.shape[2] - pad, pad : padded.shape[3] - pad]


overlaps_overwritten = _way_back(overlap=lambda old, new: new)
filters_turned_twice = _way_back(filters=lambda w: w[:, :, ::-1, ::-1])
last_place_only = _way_back(collect=lambda old, new: new)
last_image_only = _way_back(images=lambda pixels, grad: (pixels[-1:], grad[-1:]))
stride_forgotten_on_the_way_back = _way_back(window_stride=lambda stride: 1)
averaged_over_the_batch = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (
        _cut(padded, pad),
        grad_w / len(grad),
        grad_b / len(grad),
    )
)
padding_not_cut_off = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (padded, grad_w, grad_b)
)
cut_to_nothing = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (
        padded[:, :, pad:-pad, pad:-pad],
        grad_w,
        grad_b,
    )
)
cut_at_the_end_only = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (
        padded[:, :, : padded.shape[2] - 2 * pad, : padded.shape[3] - 2 * pad],
        grad_w,
        grad_b,
    )
)
filter_gradient_turned = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (
        _cut(padded, pad),
        grad_w[:, :, ::-1, ::-1],
        grad_b,
    )
)
bias_of_every_place = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (_cut(padded, pad), grad_w, grad.sum(axis=0))
)
bias_averaged_over_places = _way_back(
    finish=lambda padded, grad_w, grad_b, grad, pad: (
        _cut(padded, pad),
        grad_w,
        grad.mean(axis=(2, 3)).sum(axis=0),
    )
)


def _kept_outside(forward: Callable, backward: Callable) -> tuple[Callable, Callable]:
    """A pair that does not use its cache, but remembers the last forward pass elsewhere."""
    last = {}

    def remembering(*args):
        out, last["cache"] = forward(*args)
        return out, None

    return remembering, lambda grad, cache: backward(grad, last["cache"])


cache_not_used = _kept_outside(conv.conv2d_forward_loops, conv.conv2d_backward_loops)


# --- max_pool_forward ------------------------------------------------------------------------


def _pooled(largest: Callable, window_stride: Callable = lambda size, stride: stride) -> Callable:
    """Pooling with `largest` over the last two axes of each window."""

    def max_pool_forward(x, size, stride):
        step = window_stride(size, stride)
        height, width = ((n - size) // stride + 1 for n in x.shape[2:])
        out = np.zeros((*x.shape[:2], height, width), x.dtype)
        for row in range(height):
            for column in range(width):
                top, left = row * step, column * step
                window = x[:, :, top : top + size, left : left + size]
                out[:, :, row, column] = largest(window)
        return out, None

    return max_pool_forward


mean_for_max = _pooled(lambda window: window.mean(axis=(2, 3)))
search_begins_at_zero = _pooled(lambda window: window.max(axis=(2, 3), initial=0))
magnitude_for_value = _pooled(lambda window: np.abs(window).max(axis=(2, 3)))
largest_of_all_channels = _pooled(lambda window: window.max(axis=(1, 2, 3))[:, None])
place_for_value = _pooled(lambda window: window.reshape(*window.shape[:2], -1).argmax(axis=2))
windows_one_pixel_apart = _pooled(
    lambda window: window.max(axis=(2, 3)), window_stride=lambda size, stride: 1
)


def stride_taken_for_size(x, size, stride):
    height, width = (n // size for n in x.shape[2:])
    x = x[:, :, : height * size, : width * size]
    return x.reshape(*x.shape[:2], height, size, width, size).max(axis=(3, 5)), None


# --- max_pool_backward -----------------------------------------------------------------------


def _right_way_back(grad, cache):
    return pool.max_pool_backward(grad, cache) + 0.0  # a check should not show "-0."


def _given_back(
    share: Callable, overlap: Callable = lambda old, new: old + new
) -> tuple[Callable, Callable]:
    """share(window) says which part of a window's gradient each of its pixels gets."""

    def forward(x, size, stride):
        return pool.max_pool_forward(x, size, stride)[0], (x, size, stride)

    def backward(grad, cache):
        x, size, stride = cache
        grad_x = np.zeros_like(x)
        for row in range(grad.shape[2]):
            for column in range(grad.shape[3]):
                top, left = row * stride, column * stride
                here = np.s_[:, :, top : top + size, left : left + size]
                new = share(x[here]) * grad[:, :, row, column, None, None]
                grad_x[here] = overlap(grad_x[here], new)
        return grad_x

    return forward, backward


def _winners(window: np.ndarray) -> np.ndarray:
    return (window == window.max(axis=(2, 3), keepdims=True)).astype(window.dtype)


def _one_winner(window: np.ndarray, order: str = "C", last: bool = False) -> np.ndarray:
    """1 at the first (or last) of the largest pixels, in row order ("C") or column order ("F")."""
    n, c, *sides = window.shape
    flat = window if order == "C" else window.swapaxes(2, 3)
    flat = flat.reshape(n, c, -1)
    index = flat.shape[2] - 1 - flat[:, :, ::-1].argmax(2) if last else flat.argmax(2)
    share = np.zeros_like(flat)
    np.put_along_axis(share, index[:, :, None], 1, axis=2)
    return share.reshape(n, c, *sides) if order == "C" else share.reshape(n, c, *sides[::-1]).mT


every_tie_gets_all = _given_back(_winners)
ties_share = _given_back(lambda w: _winners(w) / _winners(w).sum(axis=(2, 3), keepdims=True))
last_of_a_tie = _given_back(lambda w: _one_winner(w, last=True))
ties_in_column_order = _given_back(lambda w: _one_winner(w, order="F"))
windows_overwritten = _given_back(
    _one_winner, overlap=lambda old, new: np.where(new != 0, new, old)
)
spread_evenly = _given_back(lambda w: np.full_like(w, 1 / w[0, 0].size))
every_pixel_gets_all = _given_back(np.ones_like)


def _landed(place: Callable) -> tuple[Callable, Callable]:
    """The winner's gradient goes to place(row, column, stride, i, j), i and j in its window."""

    def forward(x, size, stride):
        return pool.max_pool_forward(x, size, stride)[0], (x, size, stride)

    def backward(grad, cache):
        x, size, stride = cache
        grad_x = np.zeros_like(x)
        for n, c, row, column in np.ndindex(grad.shape):
            top, left = row * stride, column * stride
            window = x[n, c, top : top + size, left : left + size]
            i, j = divmod(int(window.argmax()), size)
            y, z = place(row, column, stride, i, j)
            grad_x[n, c, y, z] += grad[n, c, row, column]
        return grad_x

    return forward, backward


place_in_the_window = _landed(lambda row, column, stride, i, j: (i, j))
stride_forgotten_in_the_winner = _landed(lambda row, column, stride, i, j: (row + i, column + j))
rows_and_columns_exchanged = _landed(
    lambda row, column, stride, i, j: (row * stride + j, column * stride + i)
)
pool_cache_not_used = _kept_outside(*_given_back(_one_winner))


# --- upsample --------------------------------------------------------------------------------


def _line(values: np.ndarray, centre: np.ndarray, mode: str) -> np.ndarray:
    """values (..., n) read at the places `centre`, on lines; mode: what lies beyond the ends.

    "wrap" does nothing about the first end: the pixel before the first one, -1, is the last one.
    """
    n = values.shape[-1]
    if mode == "clamp":
        centre = np.clip(centre, 0, n - 1)
    below = np.floor(centre).astype(int)
    if mode == "extend":
        below = np.clip(below, 0, max(n - 2, 0))
    if mode == "zeros":
        values = np.concatenate([0 * values[..., :1], values, 0 * values[..., :1]], axis=-1)
        centre, below, n = centre + 1, below + 1, n + 2
    above = np.minimum(below + 1, n - 1)
    share = centre - below
    return values[..., below] * (1 - share) + values[..., above] * share


def _upsampled(
    nearest: Callable = lambda x, scale: x.repeat(scale, 2).repeat(scale, 3),
    centres: Callable = lambda n, scale: (np.arange(n * scale) + 0.5) / scale - 0.5,
    beyond: str = "clamp",
) -> Callable:
    """The right function, with one of its parts replaced."""

    def upsample(x, scale, mode):
        if mode == "nearest":
            return nearest(x, scale)
        wide = _line(x, centres(x.shape[3], scale), beyond)
        return _line(wide.mT, centres(x.shape[2], scale), beyond).mT.astype(x.dtype)

    return upsample


corners_aligned = _upsampled(centres=lambda n, scale: np.linspace(0, n - 1, n * scale))
pixels_without_a_middle = _upsampled(centres=lambda n, scale: np.arange(n * scale) / scale)
half_added_only = _upsampled(centres=lambda n, scale: (np.arange(n * scale) + 0.5) / scale)
last_pixel_before_the_first = _upsampled(beyond="wrap")
zeros_beyond_the_border = _upsampled(beyond="zeros")
lines_drawn_beyond_the_border = _upsampled(beyond="extend")
image_repeated = _upsampled(nearest=lambda x, scale: np.tile(x, (1, 1, scale, scale)))


def _shares_exchanged(n: int, scale: int) -> np.ndarray:
    centre = np.clip((np.arange(n * scale) + 0.5) / scale - 0.5, 0, n - 1)
    return 2 * np.floor(centre) + 1 - centre


shares_exchanged = _upsampled(centres=_shares_exchanged)


def always_bilinear(x, scale, mode):
    return images.upsample(x, scale, "bilinear")


def mode_ignored(x, scale, mode):
    return images.upsample(x, scale, "nearest")


def columns_only(x, scale, mode):
    wide = images.upsample(x, scale, mode)
    return np.repeat(x, scale, axis=2) if x.shape[3] == 1 else wide[:, :, ::scale].repeat(scale, 2)


# --- alexnet_shapes --------------------------------------------------------------------------


def _alexnet(change: Callable) -> Callable:
    """The right list, each entry changed."""
    return lambda: [change(name, *shape) for name, shape in conv.alexnet_shapes()]


def _resized(sizes: dict[str, int]) -> Callable:
    """The right list, with other heights and widths for some layers."""
    return _alexnet(
        lambda name, h, w, c: (name, (sizes.get(name, h), sizes.get(name, w), c)),
    )


channels_first = _alexnet(lambda name, h, w, c: (name, (c, h, w)))
filters_of_one_gpu = _alexnet(
    lambda name, h, w, c: (name, (h, w, c if name == "input" or name[:2] == "fc" else c // 2))
)
units_first = _alexnet(lambda name, h, w, c: (name, (c, 1, 1) if name[:2] == "fc" else (h, w, c)))
pooling_halves_channels = _alexnet(
    lambda name, h, w, c: (name, (h, w, c // 2 if name[:4] == "pool" else c))
)
padding_left_out = _resized(
    {"conv2": 23, "pool2": 11, "conv3": 9, "conv4": 7, "conv5": 5, "pool5": 2}
)
pools_do_not_overlap = _resized(
    {"pool1": 18, "conv2": 18, "pool2": 6, "conv3": 6, "conv4": 6, "conv5": 6, "pool5": 2}
)
input_of_224 = _resized(
    {"input": 224, "conv1": 54, "pool1": 26, "conv2": 26, "pool2": 12}
    | {"conv3": 12, "conv4": 12, "conv5": 12, "pool5": 5}
)


def input_left_out():
    return conv.alexnet_shapes()[1:]


def pools_left_out():
    return [pair for pair in conv.alexnet_shapes() if not pair[0].startswith("pool")]


def connected_left_out():
    return conv.alexnet_shapes()[:-3]


ANSWERS = {
    "conv_output_size": Answer(
        conv.conv_output_size,
        [
            Misconception(
                "fraction_cut_off",
                "What is left over when the stride does not divide? Those pixels would never be "
                "seen.",
                fraction_cut_off,
            ),
            Misconception(
                "fraction_rounded_up",
                "At the last place, rounded up, where does the filter's last pixel lie?",
                fraction_rounded_up,
            ),
            Misconception(
                "fraction_returned",
                "Can a filter stand at a third of a place? What does the text want where the "
                "stride does not divide?",
                fraction_returned,
            ),
            Misconception(
                "too_large_filter_allowed",
                "How many places has a filter that does not fit into the image even once?",
                too_large_filter_allowed,
            ),
            Misconception(
                "exact_fit_refused",
                "A filter exactly as large as the image with its zeros: does it fit, and at "
                "how many places?",
                exact_fit_refused,
            ),
            Misconception(
                "padding_forgotten_in_the_test",
                "Where may a filter stand that is larger than the image, when there are zeros "
                "around it?",
                padding_forgotten_in_the_test,
            ),
            Misconception(
                "padded_on_one_side",
                "Draw a row of pixels with its zeros: at how many ends are there some?",
                padded_on_one_side,
            ),
            Misconception(
                "padded_once",
                "At how many ends of a row are there zeros? And what is to happen where the "
                "stride does not divide?",
                padded_once,
            ),
            Misconception(
                "first_place_forgotten",
                "A filter as large as the image has one place. What does your formula give?",
                first_place_forgotten,
            ),
            Misconception(
                "steps_for_places",
                "These are the steps that the filter takes. At how many places does it stand? "
                "And what is to happen where the stride does not divide?",
                steps_for_places,
            ),
            Misconception(
                "one_added_before_dividing",
                "The division counts the steps from the first place on. Where does the first place "
                "itself come in?",
                one_added_before_dividing,
            ),
        ],
    ),
    "conv_num_params": Answer(
        conv.conv_num_params,
        [
            Misconception(
                "biases_forgotten",
                "What else does a filter have, besides its weights?",
                biases_forgotten,
            ),
            Misconception(
                "one_bias_for_all",
                "Do all filters share one bias?",
                one_bias_for_all,
            ),
            Misconception(
                "bias_for_every_channel",
                "A filter adds up all its channels to one number. How often is its bias added?",
                bias_for_every_channel,
            ),
            Misconception(
                "depth_forgotten",
                "A filter on a colour image: how many of its weights lie over one pixel?",
                depth_forgotten,
            ),
            Misconception(
                "side_for_area",
                "Draw a filter and count its pixels.",
                side_for_area,
            ),
        ],
    ),
    "gaussian_kernel": Answer(
        images.gaussian_kernel,
        [
            Misconception(
                "sum_not_one",
                "What happens to a grey wall under your filter: does it stay as bright?",
                sum_not_one,
            ),
            Misconception(
                "divided_by_the_integral",
                "The bell's formula makes its area 1 over the whole plane. You have a few pixels "
                "of it: what is their sum?",
                divided_by_the_integral,
            ),
            Misconception(
                "every_row_sums_to_one",
                "The sum of all weights has to be 1. What is it now?",
                every_row_sums_to_one,
            ),
            Misconception(
                "sigma_as_variance",
                "Sigma is a length in pixels. What is the distance divided by, then, before it is "
                "squared?",
                sigma_as_variance,
            ),
            Misconception(
                "divided_then_multiplied",
                "In which order does Python work off a division and a multiplication? Is all "
                "of the denominator below the line?",
                divided_then_multiplied,
            ),
            Misconception(
                "two_forgotten",
                "Compare the exponent with the formula once more.",
                two_forgotten,
            ),
            Misconception(
                "minus_forgotten",
                "Which pixels should count most: those near the middle, or those in the corners?",
                minus_forgotten,
            ),
            Misconception(
                "distance_not_squared",
                "A bell is round at its top, yours is pointed. What is squared in the exponent?",
                distance_not_squared,
            ),
            Misconception(
                "centre_on_a_pixel",
                "Where is the middle of four pixels in a row?",
                centre_on_a_pixel,
            ),
            Misconception(
                "centre_rounded_down",
                "The middle of four pixels lies between two of them. Does your centre?",
                centre_rounded_down,
            ),
            Misconception(
                "centre_half_a_pixel_off",
                "Three pixels have the numbers 0, 1 and 2. Which number has the one in the middle?",
                centre_half_a_pixel_off,
            ),
            Misconception(
                "centre_in_the_corner",
                "Which of your weights is the largest? Which should be?",
                centre_in_the_corner,
            ),
        ],
    ),
    "conv2d_forward": Answer(
        conv_blocks.conv2d_forward,
        [
            Misconception(
                "filter_flipped",
                "Here the filter lies on the image as it is. Which of its corners meets the "
                "image's first pixel?",
                filter_flipped,
            ),
            Misconception(
                "filter_rows_as_columns",
                "Follow one weight: does its row number move you down the image, or to the right?",
                filter_rows_as_columns,
            ),
            Misconception(
                "bias_forgotten",
                "With all weights 0, what should the layer give?",
                bias_forgotten,
            ),
            Misconception(
                "bias_added_for_every_channel",
                "How often is the bias added in your loops? It belongs to the filter as a whole.",
                bias_added_for_every_channel,
            ),
            Misconception(
                "mean_over_channels",
                "What the channels give is added. Is it here?",
                mean_over_channels,
            ),
            Misconception(
                "padding_after_the_end",
                "The zeros lie around the image. Where does the first place of the filter begin?",
                padding_after_the_end,
            ),
            Misconception(
                "border_repeated",
                "What stands outside the image here: its last pixels again, or nothing?",
                border_repeated,
            ),
            Misconception(
                "padding_forgotten",
                "How many places has the filter with the zeros around the image, and how "
                "many without?",
                padding_forgotten,
            ),
            Misconception(
                "stride_forgotten",
                "By how many pixels does the filter move each time, and how many places are "
                "there then?",
                stride_forgotten,
            ),
            Misconception(
                "stride_only_in_the_size",
                "The output has the right size. But which pixels does its second number look at?",
                stride_only_in_the_size,
            ),
        ],
    ),
    "conv2d_backward": Answer(
        (conv_blocks.conv2d_forward, conv_blocks.conv2d_backward),
        [
            Misconception(
                "overlaps_overwritten",
                "A pixel lies under several places of the filter. How many gradients does it get?",
                overlaps_overwritten,
            ),
            Misconception(
                "last_place_only",
                "A weight is used at every place of the filter. How many gradients does it "
                "collect?",
                last_place_only,
            ),
            Misconception(
                "filters_turned_twice",
                "A pixel under the filter's first weight was multiplied by that weight. By which "
                "one is its gradient?",
                filters_turned_twice,
            ),
            Misconception(
                "filter_gradient_turned",
                "At the first place, which pixel lay under the filter's first weight?",
                filter_gradient_turned,
            ),
            Misconception(
                "last_image_only",
                "One set of filters looked at every image. Which images change its gradient?",
                last_image_only,
            ),
            Misconception(
                "stride_forgotten_on_the_way_back",
                "Where did the window stand on the way forward? It has to stand there again.",
                stride_forgotten_on_the_way_back,
            ),
            Misconception(
                "averaged_over_the_batch",
                "Nothing in the layer divides. If the loss takes a mean, grad brings it along.",
                averaged_over_the_batch,
            ),
            Misconception(
                "padding_not_cut_off",
                "A gradient has the shape of what it belongs to. Is your x the caller's x?",
                padding_not_cut_off,
            ),
            Misconception(
                "cut_to_nothing",
                "Try it without padding: how many pixels lie between number 0 and number minus 0?",
                cut_to_nothing,
            ),
            Misconception(
                "cut_at_the_end_only",
                "The zeros lie around the image. Where does its own first pixel stand among them?",
                cut_at_the_end_only,
            ),
            Misconception(
                "bias_of_every_place",
                "How many biases has a filter, and at how many places is each of them added?",
                bias_of_every_place,
            ),
            Misconception(
                "bias_averaged_over_places",
                "What is used at many places collects many gradients. Are they averaged?",
                bias_averaged_over_places,
            ),
            Misconception(
                "cache_not_used",
                "Between your two functions another batch may pass through the layer. What do you "
                "know then of the first one?",
                cache_not_used,
            ),
        ],
    ),
    "max_pool_forward": Answer(
        pool.max_pool_forward,
        [
            Misconception(
                "mean_for_max",
                "One large number among small ones: what should be left of it?",
                mean_for_max,
            ),
            Misconception(
                "search_begins_at_zero",
                "What is the largest of -3, -2 and -5? Where does your search begin?",
                search_begins_at_zero,
            ),
            Misconception(
                "magnitude_for_value",
                "Is -7 larger than 3?",
                magnitude_for_value,
            ),
            Misconception(
                "place_for_value",
                "What is asked for: how large the largest pixel is, or where it stands?",
                place_for_value,
            ),
            Misconception(
                "largest_of_all_channels",
                "Pooling makes an image smaller, not thinner: every channel is pooled by itself.",
                largest_of_all_channels,
            ),
            Misconception(
                "windows_one_pixel_apart",
                "How far is it from the first window to the second one?",
                windows_one_pixel_apart,
            ),
            Misconception(
                "stride_taken_for_size",
                "The windows may overlap, or leave gaps. Which argument says so, and where is it "
                "in your code?",
                stride_taken_for_size,
            ),
        ],
    ),
    "max_pool_backward": Answer(
        (pool.max_pool_forward, _right_way_back),
        [
            Misconception(
                "every_tie_gets_all",
                "Two pixels are equally large. Here the first one in row order is said to have "
                "won: what does the other one get?",
                every_tie_gets_all,
            ),
            Misconception(
                "ties_share",
                "Sharing a tie would be fair. What was agreed here?",
                ties_share,
            ),
            Misconception(
                "last_of_a_tie",
                "In a tie one pixel wins. The first one, or the last one?",
                last_of_a_tie,
            ),
            Misconception(
                "ties_in_column_order",
                "In which order do you read a page: row by row, or column by column?",
                ties_in_column_order,
            ),
            Misconception(
                "windows_overwritten",
                "One pixel may be the largest in several windows. How many gradients does it get?",
                windows_overwritten,
            ),
            Misconception(
                "spread_evenly",
                "Move a pixel that is not the largest a little: does the output move?",
                spread_evenly,
            ),
            Misconception(
                "every_pixel_gets_all",
                "Which pixels of a window can change its largest number?",
                every_pixel_gets_all,
            ),
            Misconception(
                "place_in_the_window",
                "You found the winner's place in its window. Where does the window itself begin?",
                place_in_the_window,
            ),
            Misconception(
                "stride_forgotten_in_the_winner",
                "How far from the first window does the second one begin, and where is its "
                "winner then?",
                stride_forgotten_in_the_winner,
            ),
            Misconception(
                "rows_and_columns_exchanged",
                "Follow one winner: how far below the top of its window does it stand, how "
                "far to the right?",
                rows_and_columns_exchanged,
            ),
            Misconception(
                "pool_cache_not_used",
                "Between your two functions another batch may pass through the layer. What do you "
                "know then of the first one?",
                pool_cache_not_used,
            ),
        ],
    ),
    "upsample": Answer(
        images.upsample,
        [
            Misconception(
                "corners_aligned",
                "You put the outermost centres on each other. But a pixel is a square: put the "
                "images' borders on each other. Where are the centres then?",
                corners_aligned,
            ),
            Misconception(
                "pixels_without_a_middle",
                "The centre of the first new pixel is not its corner. How far is it from the "
                "image's border, in old pixels?",
                pixels_without_a_middle,
            ),
            Misconception(
                "half_added_only",
                "Where, counted in old pixels, is the centre of the very first old pixel: at "
                "0, or at 0.5?",
                half_added_only,
            ),
            Misconception(
                "zeros_beyond_the_border",
                "Does the image get darker towards its border?",
                zeros_beyond_the_border,
            ),
            Misconception(
                "last_pixel_before_the_first",
                "Which pixel is the one with the number -1 for Python? Is it a neighbour of "
                "the first one?",
                last_pixel_before_the_first,
            ),
            Misconception(
                "lines_drawn_beyond_the_border",
                "Between two pixels lie values between theirs. What do you know beyond the last "
                "one?",
                lines_drawn_beyond_the_border,
            ),
            Misconception(
                "shares_exchanged",
                "A centre that lies close to the lower of its two pixels: which one should "
                "count more?",
                shares_exchanged,
            ),
            Misconception(
                "image_repeated",
                "One large image was asked for, not many copies side by side.",
                image_repeated,
            ),
            Misconception(
                "mode_ignored",
                "Your caller chose a mode. Do you look at it?",
                mode_ignored,
            ),
            Misconception(
                "always_bilinear",
                "Called for the nearest pixel, your result holds numbers that the image does "
                "not. Where do they come from?",
                always_bilinear,
            ),
            Misconception(
                "columns_only",
                "Between two pixels of one row you draw lines. And between two rows?",
                columns_only,
            ),
        ],
    ),
    "alexnet_shapes": Answer(
        conv.alexnet_shapes,
        [
            Misconception(
                "channels_first",
                "In which order are height, width and channels asked for here?",
                channels_first,
            ),
            Misconception(
                "filters_of_one_gpu",
                "The paper's figure shows two halves, one for each GPU. How many filters are there "
                "in all?",
                filters_of_one_gpu,
            ),
            Misconception(
                "units_first",
                "The units of a fully connected layer are its channels: which of the three numbers "
                "is that?",
                units_first,
            ),
            Misconception(
                "pooling_halves_channels",
                "Pooling looks at each channel by itself. How many are there afterwards?",
                pooling_halves_channels,
            ),
            Misconception(
                "padding_left_out",
                "Some layers keep the height and the width. What do they need for that?",
                padding_left_out,
            ),
            Misconception(
                "pools_do_not_overlap",
                "The pooling windows are 3 pixels wide. How far apart are they?",
                pools_do_not_overlap,
            ),
            Misconception(
                "input_of_224",
                "Does a stride of 4 divide with the input that you begin with?",
                input_of_224,
            ),
            Misconception(
                "input_left_out",
                "What is the first entry of the list?",
                input_left_out,
            ),
            Misconception(
                "pools_left_out",
                "A pooling layer learns nothing. Does it give something?",
                pools_left_out,
            ),
            Misconception(
                "connected_left_out",
                "Where does the table end?",
                connected_left_out,
            ),
        ],
    ),
}
