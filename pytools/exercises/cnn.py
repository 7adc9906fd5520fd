"""The exercises of 04_cnn: how each is called, and on which cases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable

Cnn = partial(Exercise, answers="pytools.exercises.answers.cnn")


# --- conv_output_size and conv_num_params ----------------------------------------------------


def conv_output_size_cases(rng: np.random.Generator) -> list[Case]:
    def fitting(stride: int, pad: int, size: int) -> tuple[int, ...]:
        """An input on which a filter larger than twice the padding takes `size` places."""
        f = 2 * pad + int(rng.integers(1, 4))
        return (size - 1) * stride + f - 2 * pad, f, stride, pad

    def size() -> int:
        return int(rng.integers(5, 30))

    n, f, stride, pad = fitting(3, 1, size())
    small = int(rng.integers(2, 6))
    return [
        Case(fitting(2, 0, size())),
        Case(fitting(1, int(rng.integers(2, 4)), size())),
        Case(fitting(3, 1, size())),
        Case(fitting(int(rng.integers(4, 7)), 2, size())),
        Case((n + 1, f, stride, pad), note="the stride does not divide"),
        Case((n + 2, f, stride, pad), note="the stride does not divide"),
        Case((small, small + 2, int(rng.integers(1, 5)), 1), "edge", "one place only"),
        Case((small, small + 1, 1, 2), "edge", "a filter larger than the input, but for its zeros"),
        Case((small, small + 1, 1, 0), "edge", "a filter larger than the input"),
        Case((small, small + 8, 2, 1), "edge", "a filter larger than the padded input"),
        Case((small, 1, 1, int(rng.integers(1, 4))), "edge", "a filter of one pixel, and padding"),
    ]


def run_conv_output_size(attempt: Callable, *args: int) -> tuple[Any, list[int]]:
    """The size it returned, 0 where it raised ValueError; and whether it did, [1] or [0]."""
    try:
        size = attempt(*args)
    except ValueError:
        return 0, [1]
    if size is None:
        raise Unusable("none", "It returned None, neither a number of places nor an error raised.")
    if isinstance(size, BaseException):
        name = type(size).__name__
        raise Unusable("numbers", f"It returned a {name}: an error is raised, not returned.")
    return size, [0]


def conv_num_params_cases(rng: np.random.Generator) -> list[Case]:
    def draw(low: int, high: int) -> tuple[int, int, int]:
        """Filter side, depth and number of filters: all different."""
        return tuple(int(value) for value in rng.permutation(np.arange(low, high))[:3])

    f, depth, k = draw(3, 12)
    return [
        Case(draw(3, 9)),
        Case(draw(3, 12)),
        Case(draw(5, 20)),
        Case((1, depth, k), "edge", "a filter of one pixel"),
        Case((f, 1, k), "edge", "one channel"),
        Case((f, depth, 1), "edge", "one filter"),
        Case((f, 256, 4096), "numerical", "as many as in a large net"),
    ]


# --- alexnet_shapes --------------------------------------------------------------------------

ALEXNET = ("input", "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
CONNECTED = ("fc6", "fc7", "fc8")


def alexnet_shapes_cases(rng: np.random.Generator) -> list[Case]:
    """Nothing goes in, so the cases say which layers are looked at, and in which order."""
    some = [str(name) for name in rng.permutation(ALEXNET)[:4]]
    connected = [str(name) for name in rng.permutation(CONNECTED)]
    return [
        Case((ALEXNET,), note="looking at these layers"),
        Case((tuple(some + connected),), "edge", "looking at these layers"),
    ]


def run_alexnet_shapes(attempt: Callable, looked_at: tuple[str, ...]) -> Any:
    """How many layers there are; of those looked at the place in the list, -1 for none, and shape.

    A shape that is not three numbers is an error, one that is missing is -1, -1, -1.
    """
    result = attempt()
    if result is None:
        return None
    try:
        pairs = [(str(name), shape) for name, shape in result]
    except (TypeError, ValueError):
        raise Unusable("count", "It returned no list of pairs (name, (H, W, C)).") from None
    names = [name for name, _ in pairs]
    shapes = dict(reversed(pairs))
    places = [names.index(name) if name in names else -1 for name in looked_at]
    return len(pairs), places, [_three(name, shapes.get(name, (-1, -1, -1))) for name in looked_at]


def _three(name: str, shape: Any) -> list[float]:
    try:
        height, width, channels = (float(number) for number in shape)
    except (TypeError, ValueError):
        raise Unusable("numbers", f"The shape of {name!r} is not (H, W, C).") from None
    return [height, width, channels]


# --- conv2d_forward and conv2d_backward ------------------------------------------------------


def _conv(
    rng: np.random.Generator,
    n: int,
    c: int,
    k: int,
    filter_: tuple[int, int],
    places: tuple[int, int],
    stride: int = 1,
    pad: int = 0,
) -> tuple:
    """x, w, b, stride, pad, where the filter takes so many places."""
    sides = [(o - 1) * stride + f - 2 * pad for o, f in zip(places, filter_, strict=True)]
    x, w = rng.standard_normal((n, c, *sides)), rng.standard_normal((k, c, *filter_))
    return x, w, rng.standard_normal(k), stride, pad


def conv2d_forward_cases(rng: np.random.Generator) -> list[Case]:
    conv = partial(_conv, rng)
    x, w, b, stride, pad = conv(2, 3, 2, (3, 3), (5, 4), pad=1)
    channels_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    single = tuple(a.astype(np.float32) for a in conv(2, 4, 3, (3, 3), (4, 5), pad=1)[:3])
    return [
        Case(conv(1, 1, 1, (2, 2), (2, 3))),
        Case(conv(2, 2, 2, (2, 2), (1, 1)), note="two images, two channels, two filters"),
        Case(conv(2, 3, 4, (3, 3), (4, 5))),
        Case(conv(2, 2, 3, (3, 3), (5, 6), pad=1), note="padding 1"),
        Case(conv(2, 2, 3, (3, 3), (3, 4), stride=2, pad=1), note="stride 2, padding 1"),
        Case(conv(1, 1, 1, (1, 1), (3, 4)), "edge", "a filter of one pixel"),
        Case(conv(2, 2, 3, (2, 4), (3, 3), pad=1), "edge", "a filter that is not square"),
        Case(conv(2, 3, 2, (4, 5), (1, 1)), "edge", "a filter as large as the images"),
        Case(conv(2, 2, 2, (2, 2), (3, 4), stride=3), "edge", "a stride larger than the filter"),
        Case(conv(1, 2, 2, (3, 3), (5, 5), pad=2), "edge", "more padding than keeps the size"),
        Case((channels_last, w, b, stride, pad), "edge", "channels last in memory"),
        Case((*single, 1, 1), "numerical", "float32"),
    ]


def run_forward(attempt: Callable, *args: Any) -> Any:
    """out alone: the cache is the attempt's own business."""
    return _out_and_cache(attempt(*args))[0]


def _out_and_cache(result: Any) -> tuple[Any, Any]:
    if result is None:
        raise Unusable("none", "The forward pass returned None: is a return statement missing?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unusable("count", "The forward pass did not return two results, out and cache.")
    return result[0], result[1]


def conv2d_backward_cases(rng: np.random.Generator) -> list[Case]:
    def case(group: str, note: str, *sizes: Any, single: bool = False, **more: int) -> Case:
        x, w, b, stride, pad = _conv(rng, *sizes, **more)
        grad = rng.standard_normal((len(x), len(w), *sizes[-1]))
        arrays = grad, x, w, b
        if single:
            arrays = tuple(a.astype(np.float32) for a in arrays)
        return Case((*arrays, stride, pad), group, note)

    return [
        case("ordinary", "", 1, 1, 1, (2, 2), (2, 3)),
        case("ordinary", "two images, two channels, two filters", 2, 2, 2, (2, 2), (1, 1)),
        case("ordinary", "", 3, 2, 4, (3, 3), (4, 5)),
        case("ordinary", "padding 1", 2, 3, 2, (3, 3), (5, 4), pad=1),
        case("ordinary", "stride 2, padding 1", 2, 2, 3, (3, 3), (3, 4), stride=2, pad=1),
        case("edge", "a filter of one pixel", 2, 2, 3, (1, 1), (3, 4)),
        case("edge", "a filter that is not square", 2, 2, 3, (2, 4), (3, 3), pad=1),
        case("edge", "a filter as large as the images", 2, 3, 2, (4, 5), (1, 1)),
        case("edge", "pixels that no filter meets", 2, 2, 2, (2, 2), (3, 4), stride=3),
        case("edge", "more padding than keeps the size", 1, 2, 2, (3, 3), (5, 5), pad=2),
        case("numerical", "float32", 2, 4, 3, (3, 3), (4, 5), pad=1, single=True),
    ]


def run_conv2d_backward(pair: tuple, grad: np.ndarray, x: np.ndarray, w: np.ndarray, *rest) -> Any:
    """Forward, then forward as another layer, then the first one's way back: only its cache helps.

    rest: b, stride, pad. The other layer has other numbers, the stride 1 and more padding.
    """
    b, stride, pad = rest
    forward, backward = pair
    _, cache = _out_and_cache(forward(x, w, b, stride, pad))
    forward(-x, 2 * w, b, 1, pad + 1)
    return backward(grad, cache)


# --- max_pool_forward and max_pool_backward --------------------------------------------------


def max_pool_forward_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape)

    return [
        Case((draw(1, 1, 2, 6), 2, 2)),
        Case((draw(2, 3, 4, 6), 2, 2)),
        Case((draw(1, 1, 3, 5), 3, 2), note="windows that overlap"),
        Case((draw(2, 2, 7, 5), 3, 2), note="windows that overlap"),
        Case((draw(3, 2, 6, 9), 3, 3)),
        Case((-1 - np.abs(draw(2, 2, 4, 4)), 2, 2), "edge", "only numbers below 0"),
        Case((draw(2, 2, 3, 4), 1, 1), "edge", "windows of one pixel"),
        Case((draw(2, 3, 4, 4), 4, 4), "edge", "one window, the whole image"),
        Case((draw(2, 2, 5, 8), 2, 3), "edge", "gaps between the windows"),
        Case((draw(2, 2, 4, 5), 2, 1), "edge", "a window at every pixel"),
        Case((draw(2, 3, 6, 4).astype(np.float32), 2, 2), "numerical", "float32"),
    ]


def max_pool_backward_cases(rng: np.random.Generator) -> list[Case]:
    def case(
        group: str, note: str, shape: tuple, size: int, stride: int, x: np.ndarray | None = None
    ) -> Case:
        x = rng.standard_normal(shape) if x is None else x
        places = [(side - size) // stride + 1 for side in shape[2:]]
        grad = rng.standard_normal((*shape[:2], *places)).astype(x.dtype)
        return Case((grad, x, size, stride), group, note)

    def crossed(height: int, width: int) -> np.ndarray:
        """2 × 2 windows whose largest two stand at the upper right and the lower left."""
        window = np.array([[0.0, 1.0], [1.0, 0.0]])
        low = rng.uniform(0, 0.5, (1, 1, height, width))
        return np.where(np.tile(window, (height // 2, width // 2)) > 0, 3.0, low)

    peak = rng.standard_normal((1, 1, 3, 5))
    peak[:, :, 1, 2] += 6.0  # wins the windows on both its sides
    peaks = rng.standard_normal((2, 2, 7, 5))
    peaks[:, :, 2::2, 2] += 6.0  # each wins the windows on all its sides
    after_relu = np.maximum(rng.standard_normal((2, 3, 6, 6)) - 0.5, 0)
    below_zero = -1 - np.abs(rng.standard_normal((2, 2, 4, 4)))
    single = rng.standard_normal((2, 3, 6, 4)).astype(np.float32)
    return [
        case("ordinary", "", (1, 1, 2, 4), 2, 2),
        case("ordinary", "", (2, 3, 4, 6), 2, 2),
        case("ordinary", "a pixel that wins two windows", (1, 1, 3, 5), 3, 2, peak),
        case("ordinary", "pixels that win several windows", (2, 2, 7, 5), 3, 2, peaks),
        case("ordinary", "", (3, 2, 6, 9), 3, 3),
        case("edge", "only numbers below 0", (2, 2, 4, 4), 2, 2, below_zero),
        case("edge", "all pixels are equal", (1, 1, 2, 4), 2, 2, np.full((1, 1, 2, 4), 1.5)),
        case("edge", "a tie between two corners", (1, 1, 4, 4), 2, 2, crossed(4, 4)),
        case("edge", "many zeros, as after a ReLU", (2, 3, 6, 6), 2, 2, after_relu),
        case("edge", "ties where windows overlap", (2, 2, 5, 5), 3, 2, np.ones((2, 2, 5, 5))),
        case("edge", "windows of one pixel", (2, 2, 3, 4), 1, 1),
        case("edge", "gaps between the windows", (2, 2, 5, 8), 2, 3),
        case("numerical", "float32", (2, 3, 6, 4), 2, 2, single),
    ]


def run_max_pool_backward(
    pair: tuple, grad: np.ndarray, x: np.ndarray, size: int, stride: int
) -> Any:
    """As run_conv2d_backward: the forward pass of another layer comes between."""
    forward, backward = pair
    _, cache = _out_and_cache(forward(x, size, stride))
    forward(-x[:, :, ::-1, ::-1], 1, 1)
    return backward(grad, cache)


# --- gaussian_kernel and upsample ------------------------------------------------------------


def gaussian_kernel_cases(rng: np.random.Generator) -> list[Case]:
    def sigma(low: float, high: float) -> float:
        return float(np.round(rng.uniform(low, high), 3))

    return [
        Case((3, sigma(0.6, 0.9))),
        Case((5, sigma(1.1, 1.6))),
        Case((7, sigma(1.7, 2.5))),
        Case((2, sigma(0.6, 1.5)), "edge", "a centre between the pixels"),
        Case((6, sigma(1.2, 2.0)), "edge", "a centre between the pixels"),
        Case((1, sigma(0.6, 1.5)), "edge", "one pixel"),
        Case((5, sigma(0.2, 0.3)), "numerical", "a very narrow one"),
        Case((9, sigma(30.0, 60.0)), "numerical", "a very wide one"),
    ]


def upsample_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape)

    return [
        Case((draw(1, 1, 2, 2), 2, "nearest")),
        Case((draw(1, 1, 2, 2), 2, "bilinear")),
        Case((draw(1, 1, 2, 3), 2, "bilinear")),
        Case((draw(2, 3, 3, 4), 3, "nearest")),
        Case((draw(2, 3, 4, 3), 3, "bilinear")),
        Case((draw(2, 2, 5, 4), 4, "bilinear")),
        Case((draw(2, 2, 3, 4), 1, "nearest"), "edge", "scale 1"),
        Case((draw(2, 2, 3, 4), 1, "bilinear"), "edge", "scale 1"),
        Case((draw(2, 2, 1, 1), 3, "bilinear"), "edge", "images of one pixel"),
        Case((draw(2, 1, 1, 4), 2, "bilinear"), "edge", "images of one row"),
        Case((draw(1, 2, 3, 1), 2, "bilinear"), "edge", "images of one column"),
        Case((draw(2, 2, 3, 2).astype(np.float32), 5, "bilinear"), "numerical", "float32"),
    ]


EXERCISES = [
    Cnn(
        id="cnn.conv_output_size",
        inputs=("n", "f", "stride", "pad"),
        outputs=("size (0 stands for ValueError)", "ValueErrors raised"),
        cases=conv_output_size_cases,
        run=run_conv_output_size,
        section="1. One filter, many places",
    ),
    Cnn(
        id="cnn.conv_num_params",
        inputs=("f", "depth", "k"),
        outputs=("count",),
        cases=conv_num_params_cases,
        section="1. One filter, many places",
    ),
    Cnn(
        id="cnn.conv2d_forward",
        inputs=("x", "w", "b", "stride", "pad"),
        outputs=("out",),
        cases=conv2d_forward_cases,
        run=run_forward,
        section="2. A layer of filters",
    ),
    Cnn(
        id="cnn.gaussian_kernel",
        inputs=("size", "sigma"),
        outputs=("kernel",),
        cases=gaussian_kernel_cases,
        section="3. Filters made by hand",
    ),
    Cnn(
        id="cnn.conv2d_backward",
        inputs=("grad", "x", "w", "b", "stride", "pad"),
        outputs=("grad_x", "grad_w", "grad_b"),
        cases=conv2d_backward_cases,
        run=run_conv2d_backward,
        parts=2,
        section="4. The way back",
    ),
    Cnn(
        id="cnn.max_pool_forward",
        inputs=("x", "size", "stride"),
        outputs=("out",),
        cases=max_pool_forward_cases,
        run=run_forward,
        section="5. Pooling",
    ),
    Cnn(
        id="cnn.max_pool_backward",
        inputs=("grad", "x", "size", "stride"),
        outputs=("grad_x",),
        cases=max_pool_backward_cases,
        run=run_max_pool_backward,
        parts=2,
        section="5. Pooling",
    ),
    Cnn(
        id="cnn.upsample",
        inputs=("x", "scale", "mode"),
        outputs=("out",),
        cases=upsample_cases,
        section="7. Where the net looks",
    ),
    Cnn(
        id="cnn.alexnet_shapes",
        inputs=("looked_at",),
        outputs=("how_many", "places", "shapes"),
        cases=alexnet_shapes_cases,
        run=run_alexnet_shapes,
        section="8. From LeNet to AlexNet",
    ),
]
