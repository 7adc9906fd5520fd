"""Convolution, pooling and images: against torch, against central differences, against loops."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from pytools.scratch import (
    alexnet_shapes,
    check_gradient,
    conv2d_backward,
    conv2d_backward_loops,
    conv2d_forward,
    conv2d_forward_loops,
    conv_blocks,
    conv_num_params,
    conv_output_size,
    gaussian_kernel,
    max_pool_backward,
    max_pool_forward,
    numerical_gradient,
    upsample,
)

seeds = st.integers(0, 2**32 - 1)
properties = settings(max_examples=100, deadline=None)
close = {"rtol": 1e-10, "atol": 1e-10}


@st.composite
def layers(draw, max_stride=4, max_pad=4):
    """x, w, b, stride, pad and a gradient for out: any sizes that fit."""
    stride, pad = draw(st.integers(1, max_stride)), draw(st.integers(0, max_pad))
    n, c, k = (draw(st.integers(1, 3)) for _ in range(3))
    filters, sides, places = [], [], []
    for _ in range(2):
        f = draw(st.integers(1, 5))
        least = max(0, -(-(1 - f + 2 * pad) // stride))  # so that there is a pixel at all
        steps = draw(st.integers(least, least + 4))
        filters.append(f)
        sides.append(steps * stride + f - 2 * pad)
        places.append(steps + 1)
    rng = np.random.default_rng(draw(seeds))
    shapes = (n, c, *sides), (k, c, *filters), (k,), (n, k, *places)
    x, w, b, grad = (rng.standard_normal(shape) for shape in shapes)
    return x, w, b, stride, pad, grad


def by_torch(x, w, b, stride, pad, grad):
    """out, grad_x, grad_w, grad_b."""
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    out = F.conv2d(*tensors, stride=stride, padding=pad)
    return [
        t.detach().numpy() for t in (out, *torch.autograd.grad(out, tensors, torch.tensor(grad)))
    ]


@given(layer=layers(), block=st.sampled_from([1, 4_000, 2**20]))
@properties
def test_convolution_in_blocks_against_torch(layer, block):
    """Whatever the size of a block: one image at a time, a few, all of them."""
    *args, grad = layer
    before = [np.copy(a) for a in layer]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conv_blocks, "BLOCK_BYTES", block)
        out, cache = conv2d_forward(*args)
        ours = out, *conv2d_backward(grad, cache)
        none, *others = conv2d_backward(grad, cache, input_grad=False)
    for mine, theirs in zip(ours, by_torch(*layer), strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, **close)
    assert none is None
    for mine, again in zip(ours[2:], others, strict=True):
        np.testing.assert_allclose(mine, again, **close)
    for a, b in zip(layer, before, strict=True):
        np.testing.assert_array_equal(a, b)


@given(layer=layers(max_stride=3, max_pad=2))
@settings(max_examples=40, deadline=None)
def test_convolution_in_loops_against_torch(layer):
    *args, grad = layer
    out, cache = conv2d_forward_loops(*args)
    for mine, theirs in zip(
        (out, *conv2d_backward_loops(grad, cache)), by_torch(*layer), strict=True
    ):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, **close)


@given(layer=layers(max_stride=2, max_pad=1))
@settings(max_examples=15, deadline=None)
def test_convolution_against_central_differences(layer):
    x, w, b, stride, pad, weights = layer

    def loss(x, w, b):
        return np.sum(weights * conv2d_forward(x, w, b, stride, pad)[0])

    _, cache = conv2d_forward(x, w, b, stride, pad)
    grad_x, grad_w, grad_b = conv2d_backward(weights, cache)
    assert check_gradient(lambda a: loss(a, w, b), x, grad_x, h=0.1) < 1e-6
    assert check_gradient(lambda a: loss(x, a, b), w, grad_w, h=0.1) < 1e-6
    assert check_gradient(lambda a: loss(x, w, a), b, grad_b, h=0.1) < 1e-6


def test_convolution_of_many_images_in_uneven_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((37, 3, 9, 8)), rng.standard_normal((5, 3, 3, 2)), np.ones(5)
    grad = rng.standard_normal((37, 5, 7, 7))
    expected = by_torch(x, w, b, 1, 0, grad)
    for block in (1, 50_000, 100_000, 2**30):
        monkeypatch.setattr(conv_blocks, "BLOCK_BYTES", block)
        out, cache = conv2d_forward(x, w, b, 1, 0)
        for mine, theirs in zip((out, *conv2d_backward(grad, cache)), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, **close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_convolution_and_pooling_keep_the_dtype(dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.random(shape).astype(dtype) for shape in [(2, 3, 6, 6), (4, 3, 3, 3), (4,)])
    out, cache = conv2d_forward(x, w, b, 1, 1)
    pooled, pool_cache = max_pool_forward(out, 2, 2)
    grads = [max_pool_backward(pooled, pool_cache), *conv2d_backward(out, cache)]
    assert {a.dtype for a in (out, pooled, *grads)} == {np.dtype(dtype)}
    np.testing.assert_allclose(out, F.conv2d(*map(torch.tensor, (x, w, b)), padding=1), rtol=1e-5)


def test_integers_become_float64():
    ones = np.ones((1, 1, 3, 3), int)
    out, cache = conv2d_forward(ones, ones, np.array([1]), 1, 0)
    assert out.dtype == np.float64 and out.item() == 10.0
    assert conv2d_backward(out, cache)[0].dtype == np.float64


def test_two_passes_under_way_do_not_disturb_each_other():
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((2, 1, 3, 3)), np.zeros(2)
    first, second = rng.standard_normal((2, 3, 1, 5, 5))
    out, cache = conv2d_forward(first, w, b, 1, 1)
    kept = out.copy()
    alone = conv2d_backward(out, cache)
    conv2d_forward(second, w, b, 1, 1)
    for a, again in zip(alone, conv2d_backward(kept, cache), strict=True):
        np.testing.assert_array_equal(a, again)
    np.testing.assert_array_equal(out, kept)


# --- pooling ---------------------------------------------------------------------------------


@st.composite
def pools(draw):
    size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    places = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    sides = [(n - 1) * stride + size for n in places]
    n, c = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(seeds))
    whole = draw(st.booleans())  # few different numbers: many ties
    x = rng.integers(-2, 2, (n, c, *sides)).astype(float) if whole else rng.random((n, c, *sides))
    return x - whole, size, stride, rng.standard_normal((n, c, *places))


@given(pool=pools(), block=st.sampled_from([1, 500, 2**20]))
@properties
def test_max_pool_against_torch(pool, block):
    """In a tie torch gives the gradient to the first one in row order, too."""
    x, size, stride, grad = pool
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytools.scratch.pool.BLOCK_BYTES", block)
        out, cache = max_pool_forward(x, size, stride)
        grad_x = max_pool_backward(grad, cache)
    twin = torch.tensor(x, requires_grad=True)
    expected = F.max_pool2d(twin, size, stride)
    expected.backward(torch.tensor(grad))
    np.testing.assert_array_equal(out, expected.detach().numpy())
    np.testing.assert_allclose(grad_x, twin.grad.numpy(), **close)


@given(pool=pools())
@settings(max_examples=20, deadline=None)
def test_max_pool_against_central_differences(pool):
    shape, size, stride, weights = pool[0].shape, *pool[1:]
    order = np.random.default_rng(0).permutation(pool[0].size)
    x = order.reshape(shape).astype(float)  # no two are close: no kink within h
    _, cache = max_pool_forward(x, size, stride)
    grad_x = max_pool_backward(weights, cache)

    def loss(x):
        return np.sum(weights * max_pool_forward(x, size, stride)[0])

    np.testing.assert_allclose(numerical_gradient(loss, x, h=0.1), grad_x, atol=1e-6)


def test_a_window_of_many_pixels():
    """More of them than a byte can count."""
    x = np.zeros((1, 1, 20, 20))
    x[0, 0, 19, 18] = 1.0
    _, cache = max_pool_forward(x, 20, 1)
    np.testing.assert_array_equal(max_pool_backward(np.ones((1, 1, 1, 1)), cache), x)


# --- sizes and parameters --------------------------------------------------------------------


@given(*[st.integers(1, 30)] * 3, st.integers(0, 10))
@properties
def test_output_size_counts_the_places(n, f, stride, pad):
    """Where the filter fits at the first place and ends at the last zero."""
    starts = [s for s in range(0, n + 2 * pad, stride) if s + f <= n + 2 * pad]
    if starts and starts[-1] + f == n + 2 * pad:
        assert conv_output_size(n, f, stride, pad) == len(starts)
    else:
        with pytest.raises(ValueError, match="must"):
            conv_output_size(n, f, stride, pad)


@given(*[st.integers(1, 9)] * 3)
def test_num_params_against_torch(f, depth, k):
    layer = torch.nn.Conv2d(depth, k, f)
    assert conv_num_params(f, depth, k) == sum(p.numel() for p in layer.parameters())


def test_alexnet_as_in_the_paper():
    shapes = dict(alexnet_shapes())
    assert list(shapes)[:3] == ["input", "conv1", "pool1"] and len(shapes) == 12
    assert shapes["conv1"] == (55, 55, 96) and shapes["pool5"] == (6, 6, 256)
    assert shapes["fc8"] == (1, 1, 1000)
    units = [h * w * c for h, w, c in shapes.values()]
    assert units[1] == 290_400 and units[8] == 9216  # 290,400: the paper's own count


def test_alexnet_against_a_torch_net():
    conv, pool = torch.nn.Conv2d, torch.nn.MaxPool2d(3, 2)
    layers = [conv(3, 96, 11, 4), pool, conv(96, 256, 5, 1, 2), pool, conv(256, 384, 3, 1, 1)]
    layers += [conv(384, 384, 3, 1, 1), conv(384, 256, 3, 1, 1), pool]
    x = torch.zeros(1, 3, 227, 227)
    with torch.no_grad():
        for layer, (_, shape) in zip(layers, alexnet_shapes()[1:], strict=False):
            x = layer(x)
            assert (*x.shape[2:], x.shape[1]) == shape


# --- filters and images ----------------------------------------------------------------------


@given(size=st.integers(1, 12), sigma=st.floats(0.01, 100))
@properties
def test_gaussian_kernel(size, sigma):
    kernel = gaussian_kernel(size, sigma)
    assert kernel.shape == (size, size) and kernel.sum() == pytest.approx(1, abs=1e-12)
    for twin in (kernel.T, kernel[::-1], kernel[:, ::-1]):
        np.testing.assert_allclose(kernel, twin, atol=1e-15)
    centre, offsets = (size - 1) / 2, np.arange(size)
    r2 = (offsets - centre) ** 2
    for row, column in itertools.product(offsets, offsets):
        ratio = np.exp(-(r2[row] + r2[column] - 2 * r2[size // 2]) / (2 * sigma**2))
        assert kernel[row, column] == pytest.approx(ratio * kernel.max(), rel=1e-9, abs=1e-300)


def test_gaussian_kernel_against_scipy():
    spot = np.zeros((9, 9))
    spot[4, 4] = 1
    np.testing.assert_allclose(gaussian_kernel(9, 1.0), gaussian_filter(spot, 1.0), atol=1e-12)


@given(
    shape=st.tuples(*[st.integers(1, 5)] * 4),
    scale=st.integers(1, 5),
    mode=st.sampled_from(["nearest", "bilinear"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=seeds,
)
@properties
def test_upsample_against_torch(shape, scale, mode, dtype, seed):
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    ours = upsample(x, scale, mode)
    theirs = F.interpolate(torch.tensor(x), scale_factor=scale, mode=mode).numpy()
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, atol=1e-6 if dtype == np.float32 else 1e-12)


# --- bad input -------------------------------------------------------------------------------

X, W, B = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3)), np.ones(4)
NAN = np.where(np.arange(150).reshape(2, 3, 5, 5) == 7, np.nan, 1.0)
SPOILT = {
    "stride does not divide": (lambda: conv2d_forward(X, W, B, 3, 0), "stride must divide.*2.*3"),
    "filter too high": (
        lambda: conv2d_forward(X, np.ones((4, 3, 6, 3)), B, 1, 0),
        "w's height must be at most 5, .* but is 6",
    ),
    "filter too wide": (
        lambda: conv2d_forward(X, np.ones((4, 3, 3, 8)), B, 1, 1),
        "w's width must be at most 7, .* but is 8",
    ),
    "no filter fits": (lambda: conv_output_size(5, 6, 1, 0), "f must be at most 5.*is 6"),
    "channels": (lambda: conv2d_forward(X, W[:, :2], B, 1, 0), r"w must .* 3, .*\(4, 2, 3, 3\)"),
    "biases": (lambda: conv2d_forward(X, W, B[:2], 1, 0), "b must .* 4 filters, but has 2"),
    "axes": (lambda: conv2d_forward(X[0], W, B, 1, 0), r"x must have 4 axes, .*\(3, 5, 5\)"),
    "no images": (lambda: conv2d_forward(X[:0], W, B, 1, 0), r"x must .* \(0, 3, 5, 5\)"),
    "NaN": (lambda: conv2d_forward(NAN, W, B, 1, 0), "x must be finite, but has 1 of 150"),
    "NaN in w": (lambda: conv2d_forward(X, W * np.inf, B, 1, 0), "w must be finite"),
    "negative padding": (lambda: conv2d_forward(X, W, B, 1, -1), "pad must .* 0, but is -1"),
    "stride 0": (lambda: conv2d_forward(X, W, B, 0, 0), "stride must .* 1, but is 0"),
    "half a stride": (lambda: conv_output_size(5, 3, 0.5, 0), "stride must be a whole.*0.5"),
    "gradient": (
        lambda: conv2d_backward(np.ones((2, 4, 5, 5)), conv2d_forward(X, W, B, 1, 0)[1]),
        r"grad must have out's shape \(2, 4, 3, 3\), but has \(2, 4, 5, 5\)",
    ),
    "pool does not divide": (
        lambda: max_pool_forward(X, 2, 2),
        "stride must divide n - size.* 3, but is 2",
    ),
    "pool too large": (lambda: max_pool_forward(X, 6, 1), "size must be at most 5, .* is 6"),
    "half a window": (lambda: max_pool_forward(X, 2.5, 1), "size must be a whole.* 2.5"),
    "pool without images": (lambda: max_pool_forward(X[:0], 2, 1), "x must have"),
    "NaN in a pool": (lambda: max_pool_forward(NAN, 5, 1), "x must be finite"),
    "pool gradient": (
        lambda: max_pool_backward(X, max_pool_forward(X, 5, 1)[1]),
        r"grad must have out's shape \(2, 3, 1, 1\), but has \(2, 3, 5, 5\)",
    ),
    "no filters": (lambda: conv_num_params(3, 3, 0), "k must be at least 1, but is 0"),
    "no kernel": (lambda: gaussian_kernel(0, 1.0), "size must be at least 1, but is 0"),
    "flat kernel": (lambda: gaussian_kernel(3, 0.0), "sigma must be .* above 0, but is 0.0"),
    "NaN kernel": (lambda: gaussian_kernel(3, np.nan), "sigma must be .* nan"),
    "mode": (lambda: upsample(X, 2, "cubic"), "mode must be 'nearest' or .* is 'cubic'"),
    "scale": (lambda: upsample(X, 1.5, "nearest"), "scale must be a whole number.* 1.5"),
    "NaN in an image": (lambda: upsample(NAN, 2, "nearest"), "x must be finite"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_named(name):
    call, message = SPOILT[name]
    with pytest.raises(ValueError, match=message):
        call()
