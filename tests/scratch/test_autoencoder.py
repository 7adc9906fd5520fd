"""Autoencoders: every gradient against central differences and torch; training; PCA's bound."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import (
    autoencoder_loss,
    deep_autoencoder,
    deep_code,
    deep_loss,
    deep_outputs,
    numerical_gradient,
    train_autoencoder,
    untied_loss,
)

close = {"rtol": 1e-9, "atol": 1e-10}
near = {"rtol": 1e-5, "atol": 1e-7}  # what central differences in float64 can tell
properties = settings(max_examples=40, deadline=None)
few = settings(max_examples=10, deadline=None)
sizes = st.tuples(*[st.integers(1, 6)] * 3)  # N, D, H
seeds = st.integers(0, 10**6)


def draw(shape, seed, loss):
    """x, params and a target for one of the losses."""
    n, d, h = shape
    d += h * (loss is deep_loss)  # so that its code is the narrowest layer
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal((2, n, d))
    shapes = {
        autoencoder_loss: [(d, h), h, d],
        untied_loss: [(d, h), h, (h, d), d],
        deep_loss: [(d, h + 1), h + 1, (h + 1, h), h, (h, h + 2), h + 2, (h + 2, d), d],
    }
    return x, [rng.standard_normal(s) for s in shapes[loss]], target


def by_torch(loss, x, params, target):
    """The same net in torch: the loss, and its gradients by autograd."""
    x, target = torch.tensor(x), torch.tensor(target)
    params = [torch.tensor(p, requires_grad=True) for p in params]
    if loss is deep_loss:
        out = x
        for layer in range(4):
            out = out @ params[2 * layer] + params[2 * layer + 1]
            out = out if layer in (1, 3) else torch.tanh(out)
    else:
        w_out = params[0].T if loss is autoencoder_loss else params[2]
        out = torch.sigmoid(x @ params[0] + params[1]) @ w_out + params[-1]
    value = 0.5 * ((out - target) ** 2).sum() / len(x)
    return value.item(), *torch.autograd.grad(value, params)


@pytest.mark.parametrize("loss", [autoencoder_loss, untied_loss, deep_loss])
@given(shape=sizes, seed=seeds, clean=st.booleans())
@properties
def test_against_torch(loss, shape, seed, clean):
    x, params, target = draw(shape, seed, loss)
    expected = by_torch(loss, x, params, target if clean else x)
    ours = loss(x, *params, target=target) if clean else loss(x, *params)
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, **close)


@pytest.mark.parametrize("loss", [autoencoder_loss, untied_loss, deep_loss])
@given(shape=sizes, seed=seeds)
@few
def test_against_central_differences(loss, shape, seed):
    x, params, target = draw(shape, seed, loss)
    _, *grads = loss(x, *params, target=target)
    for i, grad in enumerate(grads):

        def value(p, i=i):
            return loss(x, *params[:i], p, *params[i + 1 :], target=target)[0]

        np.testing.assert_allclose(grad, numerical_gradient(value, params[i]), **near)


@pytest.mark.parametrize("loss", [autoencoder_loss, untied_loss, deep_loss])
def test_single_precision_stays_and_inputs_stay(loss):
    x, params, target = draw((5, 4, 3), 0, loss)
    given = [a.astype(np.float32) for a in (x, target, *params)]
    copies = [a.copy() for a in given]
    value, *grads = loss(given[0], *given[2:], target=given[1])
    assert {np.asarray(a).dtype for a in (value, *grads)} == {np.dtype(np.float32)}
    for a, b in zip(given, copies, strict=True):
        np.testing.assert_array_equal(a, b)


def test_large_inputs_do_not_overflow():
    x, (w, b, c), _ = draw((4, 3, 2), 0, autoencoder_loss)
    with np.errstate(all="raise", under="ignore"):
        results = autoencoder_loss(x, w, b + np.array([1e4, -1e4]), c)
    assert all(np.isfinite(a).all() for a in results)


def test_the_code_is_the_narrowest_layer():
    rng = np.random.default_rng(0)
    params = deep_autoencoder([6, 5, 2, 4, 6], rng)
    x = rng.standard_normal((3, 6))
    outputs = deep_outputs(x, params)
    assert [out.shape[1] for out in outputs] == [5, 2, 4, 6]
    np.testing.assert_array_equal(deep_code(x, params), outputs[1])
    np.testing.assert_allclose(outputs[1], outputs[0] @ params[2] + params[3])  # linear
    np.testing.assert_allclose(np.std(deep_autoencoder([400, 300, 400], rng)[0]), 0.05, rtol=0.02)


def pictures():
    rng = np.random.default_rng(0)
    return rng.standard_normal((90, 3)) @ rng.standard_normal((3, 8)) * 0.2


def test_training_lowers_the_loss_and_repeats_with_its_seed():
    x = pictures()
    start = [0.1 * np.random.default_rng(1).standard_normal((8, 2)), np.zeros(2), x.mean(axis=0)]
    copies = [p.copy() for p in start]
    runs = [
        list(train_autoencoder(autoencoder_loss, start, x, 60, np.random.default_rng(2), 0.05, 32))
        for _ in range(2)
    ]
    losses = [loss for _, loss in runs[0]]
    assert losses[-1] < 0.7 * losses[0]
    for a, b in zip(runs[0][-1][0], runs[1][-1][0], strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(start, copies, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_linear_output_beats_pca():
    """Eckart & Young: over the training pictures, singular values bound the loss from below."""
    x = pictures() + 0.05 * np.random.default_rng(3).standard_normal((90, 8))
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    bound = 0.5 * np.sum(values[2:] ** 2) / len(x)
    rng = np.random.default_rng(4)
    start = [rng.standard_normal((8, 2)), np.zeros(2), rng.standard_normal((2, 8)), x.mean(axis=0)]
    for params, _ in train_autoencoder(untied_loss, start, x, 300, rng, 0.05):
        assert untied_loss(x, *params)[0] >= bound * (1 - 1e-9)
    assert untied_loss(x, *params)[0] < 1.2 * bound


def test_spoilt_batches_have_the_clean_ones_as_their_target():
    x, seen = pictures(), []

    def loss(batch, w, target):
        seen.append((batch, target))
        return 0.0, np.zeros_like(w)

    rng = np.random.default_rng(0)
    list(train_autoencoder(loss, [np.ones(2)], x, 2, rng, batch=40, spoil=lambda a: a + 7))
    assert [len(batch) for batch, _ in seen] == [30] * 6  # 90 pictures, batches of at most 40
    for batch, target in seen:
        np.testing.assert_array_equal(batch, target + 7)
    for epoch in (seen[:3], seen[3:]):
        rows = np.concatenate([target for _, target in epoch])
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(x, axis=0))


X, (W, B, C), _ = draw((5, 4, 3), 0, autoencoder_loss)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: autoencoder_loss(X, W[1:], B, C), r"w must have shape \(4, 3\), but has \(3, 3\)"),
        (lambda: autoencoder_loss(X, W, C, C), r"b must have shape \(3,\), but has \(4,\)"),
        (lambda: autoencoder_loss(X, W, B, B), r"c must have shape \(4,\), but has \(3,\)"),
        (lambda: autoencoder_loss(X[:0], W, B, C), r"x must have at least one entry .* \(0, 4\)"),
        (lambda: autoencoder_loss(X[0], W, B, C), r"x must have 2 axes, but has shape \(4,\)"),
        (lambda: autoencoder_loss(X * np.nan, W, B, C), "x must be finite, but has 20 of 20"),
        (
            lambda: autoencoder_loss(X, W, B, C, target=X[1:]),
            r"target must have shape \(5, 4\), but has \(4, 4\)",
        ),
        (lambda: untied_loss(X, W, B, W, C), r"w_out must have shape \(3, 4\), but has \(4, 3\)"),
        (
            lambda: deep_autoencoder([4, 3], np.random.default_rng(0)),
            r"sizes must be three or more and end as they began, but are \[4, 3\]",
        ),
        (
            lambda: deep_autoencoder([4, 3, 5], np.random.default_rng(0)),
            r"end as they began, but are \[4, 3, 5\]",
        ),
        (
            lambda: deep_loss(X[:, 1:], *deep_autoencoder([4, 2, 4], np.random.default_rng(0))),
            r"x must have shape \(5, 4\), but has \(5, 3\)",
        ),
        (
            lambda: next(
                train_autoencoder(autoencoder_loss, [W, B, C], X, 0, np.random.default_rng(0))
            ),
            "epochs and batch must be at least 1, but are 0 and 64",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
