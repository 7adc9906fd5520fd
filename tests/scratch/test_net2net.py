"""Wider and deeper layers compute what they did: by numbers, and by torch's own layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import deepen_conv, deepen_linear, widen_conv, widen_linear

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)
properties = settings(max_examples=30, deadline=None)
ACTIVATIONS = (torch.relu, F.elu, torch.tanh)


def tensors(*arrays):
    return map(torch.tensor, arrays)


@given(seed=seeds, d=sizes, h=sizes, o=sizes, extra=st.integers(0, 8))
@properties
def test_a_wider_linear_layer_computes_the_same(seed, d, h, o, extra):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.standard_normal((6, d)))
    old = [rng.standard_normal(shape) for shape in [(h, d), h, (o, h)]]
    kept = [array.copy() for array in old]
    new = widen_linear(*old, h + extra, rng)
    assert [a.shape for a in new] == [(h + extra, d), (h + extra,), (o, h + extra)]
    for f in ACTIVATIONS:
        before, after = (
            f(F.linear(x, w1, b1)) @ w2.T for w1, b1, w2 in (tensors(*old), tensors(*new))
        )
        torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)
    assert all(np.array_equal(a, b) for a, b in zip(old, kept, strict=True))


@given(seed=seeds, c=sizes, k=sizes, o=sizes, extra=st.integers(0, 8), flat=st.booleans())
@properties
def test_a_wider_convolution_computes_the_same(seed, c, k, o, extra, flat):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.standard_normal((3, c, 5, 5)))
    w2 = rng.standard_normal((o, k * 16) if flat else (o, k, 3, 3))
    old = rng.standard_normal((k, c, 2, 2)), rng.standard_normal(k), w2
    new = widen_conv(*old, k + extra, rng)

    def outputs(w1, b1, w2, f):
        maps = f(F.conv2d(x, w1, b1))
        return maps.flatten(1) @ w2.T if flat else F.conv2d(maps, w2)

    for f in ACTIVATIONS:
        before, after = (outputs(*tensors(*weights), f) for weights in (old, new))
        torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)


@given(seed=seeds, h=sizes, extra=st.integers(0, 8))
@properties
def test_old_units_stay_and_new_ones_are_copies(seed, h, extra):
    rng = np.random.default_rng(seed)
    w1, b1, w2 = rng.standard_normal((h, 3)), rng.standard_normal(h), rng.standard_normal((2, h))
    wide1, wide_b1, wide2 = widen_linear(w1, b1, w2, h + extra, rng)
    assert np.array_equal(wide1[:h], w1) and np.array_equal(wide_b1[:h], b1)
    source = [int(np.flatnonzero(b1 == b)[0]) for b in wide_b1]
    assert np.array_equal(wide1, w1[source])
    counts = np.bincount(source, minlength=h)
    np.testing.assert_allclose(wide2 * counts[source], w2[:, source], rtol=1e-12)


def test_every_unit_is_copied_equally_often():
    rng = np.random.default_rng(0)
    b1 = np.arange(4.0)
    _, wide_b1, _ = widen_linear(np.ones((4, 1)), b1, np.ones((1, 4)), 40_004, rng)
    np.testing.assert_allclose(np.bincount(wide_b1[4:].astype(int)) / 40_000, 0.25, atol=0.02)


def test_noise_is_on_the_clones_rows_alone_and_the_dtype_stays():
    rng = np.random.default_rng(0)
    w1, b1, w2 = (
        rng.standard_normal(s).astype(np.float32) for s in [(4, 2, 3, 3), 4, (2, 4, 1, 1)]
    )
    quiet = widen_conv(w1, b1, w2, 300, np.random.default_rng(1))
    noisy = widen_conv(w1, b1, w2, 300, np.random.default_rng(1), noise=0.05)
    assert {a.dtype for a in (*quiet, *noisy)} == {np.dtype(np.float32)}
    assert np.array_equal(noisy[0][:4], w1)
    assert np.array_equal(noisy[1], quiet[1]) and np.array_equal(noisy[2], quiet[2])
    added = (noisy[0] - quiet[0])[4:]
    assert np.std(added) == pytest.approx(0.05, rel=0.05)
    assert abs(np.mean(added)) < 0.005


@given(width=st.integers(1, 12), seed=seeds)
@properties
def test_a_deeper_linear_layer_changes_nothing_after_relu(width, seed):
    h = np.maximum(np.random.default_rng(seed).standard_normal((5, width)), 0)
    w, b = deepen_linear(width)
    assert np.array_equal(np.maximum(h @ w.T + b, 0), h)


@given(channels=sizes, k=st.sampled_from([1, 3, 5, 7]), seed=seeds)
@properties
def test_a_deeper_convolution_is_diracs(channels, k, seed):
    w, b = deepen_conv(channels, k)
    assert np.array_equal(w, torch.nn.init.dirac_(torch.empty(channels, channels, k, k)))
    x = torch.tensor(np.random.default_rng(seed).standard_normal((2, channels, 4, 4)))
    assert torch.equal(F.conv2d(x, torch.tensor(w), torch.tensor(b), padding=k // 2), x)


W1, B1, W2 = np.ones((4, 2)), np.ones(4), np.ones((3, 4))
K1, K2 = np.ones((4, 2, 3, 3)), np.ones((3, 4, 3, 3))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda rng: widen_linear(W1, B1, W2, 3, rng), "at least the old width, 4, but is 3"),
        (lambda rng: widen_conv(K1, B1, K2, 2, rng), "at least the old width, 4, but is 2"),
        (lambda rng: widen_linear(W1, B1[:3], W2, 5, rng), r"shapes \(4, 2\) and \(3,\)"),
        (lambda rng: widen_linear(K1, B1, W2, 5, rng), r"w1 must be \(H, D\)"),
        (lambda rng: widen_conv(W1, B1, K2, 5, rng), r"w1 must be \(K, C, F, F\)"),
        (lambda rng: widen_linear(W1, B1, W2.T, 5, rng), r"w2 must take what the 4 units .*\(4, 3"),
        (lambda rng: widen_conv(K1, B1, np.ones((3, 9)), 5, rng), r"has shape \(3, 9\)"),
        (lambda rng: widen_conv(K1, B1, np.ones((3, 8, 3, 3)), 5, rng), r"shape \(3, 8, 3, 3\)"),
        (lambda rng: deepen_linear(0), "width must be at least 1, but is 0"),
        (lambda rng: deepen_conv(0, 3), "channels must be at least 1, but is 0"),
        (lambda rng: deepen_conv(2, 4), "k must be odd.*but is 4"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(np.random.default_rng(0))
    assert "\n" not in str(caught.value)
