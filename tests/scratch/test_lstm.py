"""RNN and LSTM: every gradient against central differences and torch; sequences against steps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import (
    gradient_norms,
    lstm_backward,
    lstm_forward,
    lstm_step,
    lstm_step_backward,
    numerical_gradient,
    rnn_backward,
    rnn_forward,
    rnn_step,
    rnn_step_backward,
)

close = {"rtol": 1e-9, "atol": 1e-10}
properties = settings(max_examples=40, deadline=None)
few = settings(max_examples=12, deadline=None)
sizes = st.tuples(*[st.integers(1, 5)] * 4)  # N, D, H, T
seeds = st.integers(0, 10**6)


def draw(shape, seed, gates, dtype=np.float64):
    """x, h, c and params for a layer with so many gates; peepholes where there are four."""
    n, d, h, t = shape
    rng = np.random.default_rng(seed)
    shapes = {"wx": (d, gates * h), "wh": (h, gates * h), "b": gates * h}
    if gates == 4:
        shapes["peep"] = (3, h)
    params = {name: rng.standard_normal(s).astype(dtype) for name, s in shapes.items()}
    state = rng.standard_normal((2, n, h)).astype(dtype)
    return rng.standard_normal((t, n, d)).astype(dtype), *state, params, rng


def agrees_with_differences(grad, f, x):
    """To the rounding of central differences, some 1e-16 |f| / 1e-5 in each entry."""
    np.testing.assert_allclose(grad, numerical_gradient(f, x), rtol=1e-6, atol=1e-8)


def replaced(params, name, value):
    return {**params, name: value}


# --- one step --------------------------------------------------------------------------------


@given(shape=sizes, seed=seeds)
@few
def test_rnn_step_against_central_differences(shape, seed):
    (x, *_), h, _, params, rng = draw(shape, seed, 1)
    args = {"x": x, "h": h, **params}
    grad = rng.standard_normal(h.shape)
    grads = rnn_step_backward(grad, rnn_step(**args)[1])
    for (name, value), ours in zip(args.items(), grads, strict=True):

        def loss(v, name=name):
            return np.sum(grad * rnn_step(**replaced(args, name, v))[0])

        agrees_with_differences(ours, loss, value)


@given(shape=sizes, seed=seeds)
@properties
def test_rnn_against_torch(shape, seed):
    x, h, _, params, rng = draw(shape, seed, 1)
    n, d, units, _ = shape
    twin = torch.nn.RNN(d, units).double()
    tensors = [params["wx"].T, params["wh"].T, params["b"], np.zeros(units)]
    for p, value in zip(twin.parameters(), tensors, strict=True):
        p.data = torch.tensor(value)
    tx, th = torch.tensor(x, requires_grad=True), torch.tensor(h[None], requires_grad=True)
    expected, _ = twin(tx, th)
    grad = rng.standard_normal((len(x), n, units))
    expected.backward(torch.tensor(grad))

    hs, cache = rnn_forward(x, h, params)
    gx, gh, gparams = rnn_backward(grad, cache)
    np.testing.assert_allclose(hs, expected.detach(), **close)
    np.testing.assert_allclose(gx, tx.grad, **close)
    np.testing.assert_allclose(gh, th.grad[0], **close)
    for name, p in zip(["wx", "wh", "b"], twin.parameters(), strict=False):
        np.testing.assert_allclose(gparams[name], p.grad.numpy().T, **close)


@given(shape=sizes, seed=seeds)
@few
def test_lstm_step_against_central_differences(shape, seed):
    (x, *_), h, c, params, rng = draw(shape, seed, 4)
    grad_h, grad_c = rng.standard_normal((2, *h.shape))
    gx, gh, gc, gparams = lstm_step_backward(grad_h, grad_c, lstm_step(x, h, c, params)[2])

    def loss(x, h, c, params):
        h_next, c_next, _ = lstm_step(x, h, c, params)
        return np.sum(grad_h * h_next) + np.sum(grad_c * c_next)

    agrees_with_differences(gx, lambda v: loss(v, h, c, params), x)
    agrees_with_differences(gh, lambda v: loss(x, v, c, params), h)
    agrees_with_differences(gc, lambda v: loss(x, h, v, params), c)
    assert gparams.keys() == params.keys()
    for name, value in params.items():

        def loss_of(v, name=name):
            return loss(x, h, c, replaced(params, name, v))

        agrees_with_differences(gparams[name], loss_of, value)


def peephole_lstm(xs, h, c, params):
    """The formulas of the notebook in torch, step by step, for autograd."""
    hs = []
    for x in xs:
        zi, zf, zg, zo = (x @ params["wx"] + h @ params["wh"] + params["b"]).chunk(4, dim=1)
        i = torch.sigmoid(zi + params["peep"][0] * c)
        f = torch.sigmoid(zf + params["peep"][1] * c)
        c = f * c + i * torch.tanh(zg)
        h = torch.sigmoid(zo + params["peep"][2] * c) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs), c


@given(shape=sizes, seed=seeds)
@properties
def test_lstm_with_peepholes_against_autograd(shape, seed):
    """Sequences and single steps, every gradient, peepholes included."""
    x, h, c, params, rng = draw(shape, seed, 4)
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, h, c)]
    weights = {name: torch.tensor(w, requires_grad=True) for name, w in params.items()}
    expected, last_c = peephole_lstm(*tensors, weights)
    grad, grad_c = rng.standard_normal(expected.shape), rng.standard_normal(c.shape)
    torch.autograd.backward([expected, last_c], [torch.tensor(grad), torch.tensor(grad_c)])

    hs, c_after, cache = lstm_forward(x, h, c, params)
    *ours, gparams = lstm_backward(grad, grad_c, cache)
    np.testing.assert_allclose(hs, expected.detach(), **close)
    np.testing.assert_allclose(c_after, last_c.detach(), **close)
    for a, tensor in zip(ours, tensors, strict=True):
        np.testing.assert_allclose(a, tensor.grad, **close)
    for name, w in weights.items():
        np.testing.assert_allclose(gparams[name], w.grad, **close)

    state, caches, grad_h = (h, c), [], 0.0
    for row in x:
        *state, cache = lstm_step(row, *state, params)
        caches.append(cache)
    np.testing.assert_allclose(state, [hs[-1], c_after], **close)
    total = {name: np.zeros_like(w) for name, w in params.items()}
    for row, cache in zip(grad[::-1], caches[::-1], strict=True):
        _, grad_h, grad_c, step = lstm_step_backward(grad_h + row, grad_c, cache)
        total = {name: total[name] + step[name] for name in total}
    np.testing.assert_allclose([grad_h, grad_c], ours[1:], **close)
    for name, value in total.items():
        np.testing.assert_allclose(gparams[name], value, **close)


@given(shape=sizes, seed=seeds, dtype=st.sampled_from([np.float32, np.float64]))
@properties
def test_lstm_without_peepholes_against_torch(shape, seed, dtype):
    x, h, c, params, rng = draw(shape, seed, 4, dtype)
    del params["peep"]
    n, d, units, _ = shape
    twin = torch.nn.LSTM(d, units).to(torch.tensor(x).dtype)
    tensors = [params["wx"].T, params["wh"].T, params["b"], np.zeros(4 * units, dtype)]
    for p, value in zip(twin.parameters(), tensors, strict=True):
        p.data = torch.tensor(value)
    tx = torch.tensor(x, requires_grad=True)
    expected, _ = twin(tx, (torch.tensor(h)[None], torch.tensor(c)[None]))
    grad = rng.standard_normal((len(x), n, units)).astype(dtype)
    expected.backward(torch.tensor(grad))

    hs, _, cache = lstm_forward(x, h, c, params)
    gx, _, _, gparams = lstm_backward(grad, np.zeros_like(c), cache)
    assert hs.dtype == gx.dtype == gparams["wh"].dtype == dtype
    tolerance = close if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(hs, expected.detach(), **tolerance)
    np.testing.assert_allclose(gx, tx.grad, **tolerance)
    assert gparams.keys() == params.keys()
    for name, p in zip(["wx", "wh", "b"], twin.parameters(), strict=False):
        np.testing.assert_allclose(gparams[name], p.grad.numpy().T, **tolerance)


@given(shape=sizes, seed=seeds)
@properties
def test_ids_are_one_hot_rows(shape, seed):
    x, h, c, params, rng = draw(shape, seed, 4)
    ids = rng.integers(0, shape[1], x.shape[:2])
    grad = rng.standard_normal((*x.shape[:2], shape[2]))
    rows = np.eye(shape[1])[ids]
    (a, _, cache_a), (b, _, cache_b) = (lstm_forward(v, h, c, params) for v in (ids, rows))
    np.testing.assert_allclose(a, b, **close)
    gx, *_, from_ids = lstm_backward(grad, c, cache_a)
    *_, from_rows = lstm_backward(grad, c, cache_b)
    assert gx is None
    np.testing.assert_allclose(from_ids["wx"], from_rows["wx"], **close)

    plain = {name: params[name][..., : shape[2]] for name in ("wx", "wh", "b")}
    (a, cache_a), (b, cache_b) = (rnn_forward(v, h, plain) for v in (ids, rows))
    np.testing.assert_allclose(a, b, **close)
    gx, _, from_ids = rnn_backward(grad, cache_a)
    np.testing.assert_allclose(from_ids["wx"], rnn_backward(grad, cache_b)[2]["wx"], **close)
    assert gx is None


def test_backward_may_be_called_again():
    x, h, c, params, _ = draw((2, 3, 4, 5), 0, 4)
    hs, _, cache = lstm_forward(x, h, c, params)
    first, second = (lstm_backward(np.ones_like(hs), c, cache) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[3]["wh"], second[3]["wh"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_saturated_gates_stay_finite(dtype, size):
    x, h, c, params, _ = draw((3, 4, 5, 6), 0, 4, dtype)
    params = {name: w * dtype(size) for name, w in params.items()}
    with np.errstate(all="raise", under="ignore"):
        hs, _, cache = lstm_forward(x, h, c, params)
        *grads, gparams = lstm_backward(np.ones_like(hs), np.ones_like(c), cache)
        h_next, _, step_cache = lstm_step(x[0], h, c, params)
        step = lstm_step_backward(np.ones_like(h), c, step_cache)
    for a in (hs, h_next, *grads, *gparams.values(), *step[:3]):
        assert np.all(np.isfinite(a))


# --- how far a gradient reaches --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_gradient_norms_against_torch(kind, steps):
    """The same draws, with autograd in the place of our backward passes."""
    ours = gradient_norms(steps, kind, np.random.default_rng(3))
    rng, units = np.random.default_rng(3), 16
    if kind == "rnn":
        weights = torch.tensor(0.5 / 4 * rng.standard_normal((2, units, units)))
    else:
        shapes = {"wx": (units, 64), "wh": (units, 64), "b": 64, "peep": (3, units)}
        params = {name: torch.tensor(0.1 * rng.standard_normal(s)) for name, s in shapes.items()}
        params["b"][units : 2 * units] = 3.0
    h = c = torch.zeros(1, units, dtype=torch.float64)
    hs = []
    for x in torch.tensor(rng.standard_normal((steps, 1, units))):
        if kind == "rnn":
            h = torch.tanh(x @ weights[0] + h @ weights[1])
        else:
            _, c = peephole_lstm([x], h, c, params)
            gate = (x @ params["wx"] + h @ params["wh"] + params["b"])[:, 3 * units :]
            h = torch.sigmoid(gate + params["peep"][2] * c) * torch.tanh(c)
        h.requires_grad_()
        hs.append(h)
    grads = torch.autograd.grad(hs[-1].sum(), hs)
    np.testing.assert_allclose(ours, [g.norm() for g in grads], rtol=1e-9)


def test_the_rnn_fades_and_the_lstm_does_not():
    for seed in range(50):
        rnn, lstm = (
            gradient_norms(41, kind, np.random.default_rng(seed)) for kind in ("rnn", "lstm")
        )
        assert rnn[-1] == lstm[-1] == 4.0
        assert 0 < rnn[0] < 1e-8 and lstm.min() > 1e-3


# --- bad input -------------------------------------------------------------------------------

X, H, C, PARAMS, _ = draw((2, 3, 4, 5), 0, 4)
PLAIN = {name: PARAMS[name][..., :4] for name in ("wx", "wh", "b")}
IDS = np.zeros((5, 2), int)
SPOILT = {
    "no steps": (lambda: lstm_forward(X[:0], H, C, PARAMS), r"x must .* \(0, 2, 3\)"),
    "no ids": (lambda: rnn_forward(IDS[:0], H, PLAIN), r"x must .* \(0, 2\)"),
    "NaN": (lambda: lstm_forward(X * np.nan, H, C, PARAMS), "x must be finite"),
    "one step only": (lambda: lstm_forward(X[0], H, C, PARAMS), r"x must be \(T, N, 3\).*\(2, 3\)"),
    "other input": (lambda: lstm_forward(X[..., :2], H, C, PARAMS), r"x must.*3.*\(5, 2, 2\)"),
    "unknown id": (lambda: lstm_forward(IDS + 3, H, C, PARAMS), "x must hold ids 0 to 2.* 3 to 3"),
    "negative id": (lambda: rnn_forward(IDS - 1, H, PLAIN), "x must hold ids 0 to 2, .* -1"),
    "batches": (lambda: lstm_forward(X, H[:1], C, PARAMS), r"h must .* 2, but .* \(1, 4\)"),
    "state": (lambda: lstm_forward(X, H[0], C, PARAMS), r"h must be \(N, H\), .* \(4,\)"),
    "cell": (lambda: lstm_forward(X, H, C[:, :2], PARAMS), r"c must .* \(2, 4\), .* \(2, 2\)"),
    "peepholes": (
        lambda: lstm_step(X[0], H, C, replaced(PARAMS, "peep", np.ones((4, 3)))),
        r"peep must have shape \(3, 4\), but has \(4, 3\)",
    ),
    "weights": (
        lambda: rnn_step(X[0], H, PLAIN["wx"].T, PLAIN["wh"], PLAIN["b"]),
        r"wx must have shape \(3, 4\), but has \(4, 3\)",
    ),
    "gradient": (
        lambda: lstm_backward(X, C, lstm_forward(X, H, C, PARAMS)[2]),
        r"grad_hs must have shape \(5, 2, 4\), but has \(5, 2, 3\)",
    ),
    "gradient of a step": (
        lambda: rnn_step_backward(H.T, rnn_step(X[0], H, **PLAIN)[1]),
        r"grad must have shape \(2, 4\), but has \(4, 2\)",
    ),
    "steps": (lambda: gradient_norms(0, "rnn", np.random.default_rng(0)), "steps must .* is 0"),
    "kind": (lambda: gradient_norms(3, "gru", np.random.default_rng(0)), "kind must .* 'gru'"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_named(name):
    call, message = SPOILT[name]
    with pytest.raises(ValueError, match=message):
        call()
