"""The optimisers against torch.optim, step by step, and L-BFGS against its dense definition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from pytools.scratch import (
    adagrad,
    adam,
    layer_learning_rates,
    lbfgs_direction,
    minimize,
    momentum,
    nesterov,
    rmsprop,
    sgd,
)

seeds = st.integers(0, 2**32 - 1)
properties = settings(max_examples=30, deadline=None)
STEPS = 50

# Ours, torch's, and how ours calls what torch calls by another name.
SGD, ADAGRAD, RMSPROP, ADAM = (
    getattr(torch.optim, name) for name in ("SGD", "Adagrad", "RMSprop", "Adam")
)
FIRST_ORDER = {
    "sgd": (sgd, {}, SGD, {}),
    "momentum": (momentum, {}, SGD, {"momentum": 0.9}),
    "momentum, mu": (momentum, {"mu": 0.5}, SGD, {"momentum": 0.5}),
    "nesterov": (nesterov, {}, SGD, {"momentum": 0.9, "nesterov": True}),
    "nesterov, mu": (nesterov, {"mu": 0.5}, SGD, {"momentum": 0.5, "nesterov": True}),
    "adagrad": (adagrad, {}, ADAGRAD, {}),
    "adagrad, eps": (adagrad, {"eps": 0.1}, ADAGRAD, {"eps": 0.1}),
    "rmsprop": (rmsprop, {}, RMSPROP, {}),
    "rmsprop, all": (rmsprop, {"alpha": 0.7, "eps": 0.1}, RMSPROP, {"alpha": 0.7, "eps": 0.1}),
    "adam": (adam, {}, ADAM, {}),
    "adam, all": (
        adam,
        {"beta1": 0.5, "beta2": 0.7, "eps": 0.1},
        ADAM,
        {"betas": (0.5, 0.7), "eps": 0.1},
    ),
}
every = pytest.mark.parametrize("name", FIRST_ORDER)


def valley(w):
    """A loss that is neither a bowl nor flat anywhere; NumPy's and torch's alike."""
    lib = torch if isinstance(w, torch.Tensor) else np
    return (lib.sin(3 * w) + w**2 + 0.3 * w.sum() * w).sum()


def valley_slope(w):
    return 3 * np.cos(3 * w) + 2 * w + 0.6 * w.sum()


@every
@given(shape=array_shapes(min_dims=0, max_dims=4, max_side=3), seed=seeds)
@properties
def test_fifty_steps_as_torch_takes_them(name, shape, seed):
    ours, hyper, theirs, their_hyper = FIRST_ORDER[name]
    start = np.random.default_rng(seed).standard_normal(shape)
    tensor = torch.tensor(start, requires_grad=True)
    optimizer = theirs([tensor], lr=0.01, **their_hyper)
    w, state = start, {}
    for _ in range(STEPS):
        optimizer.zero_grad()
        valley(tensor).backward()
        optimizer.step()
        w, state = ours(w, valley_slope(w), state, 0.01, **hyper)
        np.testing.assert_allclose(w, tensor.detach().numpy(), rtol=1e-6, atol=1e-6)


@every
def test_float32_stays_and_nothing_given_is_changed(name):
    ours, hyper, theirs, their_hyper = FIRST_ORDER[name]
    rng = np.random.default_rng(0)
    w = rng.standard_normal((3, 2)).astype(np.float32)
    tensor = torch.tensor(w)
    optimizer = theirs([tensor], lr=0.1, **their_hyper)
    state = {}
    for grad in rng.standard_normal((STEPS, 3, 2)).astype(np.float32):
        tensor.grad = torch.tensor(grad)
        optimizer.step()
        given, slope, before = w.copy(), grad.copy(), state
        memory = {key: np.copy(value) for key, value in state.items()}
        w, state = ours(given, slope, before, 0.1, **hyper)
        assert w.dtype == np.float32
        np.testing.assert_array_equal(slope, grad)
        assert before.keys() == memory.keys()
        for key, value in memory.items():
            np.testing.assert_array_equal(before[key], value)
    np.testing.assert_allclose(w, tensor.numpy(), rtol=1e-5, atol=1e-5)


@every
def test_a_weight_whose_gradient_is_always_zero_stays(name):
    ours, hyper, *_ = FIRST_ORDER[name]
    w, state = np.ones(2), {}
    for _ in range(5):
        w, state = ours(w, np.array([0.0, 1.0]), state, 0.1, **hyper)
    assert w[0] == 1.0
    assert w[1] < 1.0


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_first_step_of_adam_and_adagrad_is_the_rate_whatever_the_gradient(scale):
    grad = scale * np.array([1.0, -2.0])
    for ours in (adagrad, adam):
        w, _ = ours(np.zeros(2), grad, {}, 0.1)
        np.testing.assert_allclose(w, [-0.1, 0.1], rtol=1e-4)


# --- L-BFGS ----------------------------------------------------------------------------------


def pairs(rng, size, count):
    """Steps and changes of gradient, each pair of another convex bowl."""
    roots = rng.standard_normal((count, size, size))
    steps = rng.standard_normal((count, size))
    changes = [(root @ root.T + np.eye(size)) @ s for root, s in zip(roots, steps, strict=True)]
    return list(steps), changes


@given(size=st.integers(1, 6), count=st.integers(0, 8), seed=seeds)
@properties
def test_direction_is_that_of_the_dense_matrix(size, count, seed):
    """H of BFGS, updated pair by pair (Nocedal & Wright, 2006, equation 6.17)."""
    rng = np.random.default_rng(seed)
    s_list, y_list = pairs(rng, size, count)
    grad, eye = rng.standard_normal(size), np.eye(size)
    h = eye * (s_list[-1] @ y_list[-1] / (y_list[-1] @ y_list[-1])) if count else eye
    for s, y in zip(s_list, y_list, strict=True):
        rho = 1 / (s @ y)
        left = eye - rho * np.outer(s, y)
        h = left @ h @ left.T + rho * np.outer(s, s)
    np.testing.assert_allclose(lbfgs_direction(grad, s_list, y_list), -h @ grad, rtol=1e-6)


@given(size=st.integers(1, 5), count=st.integers(1, 6), seed=seeds)
@properties
def test_newest_pair_is_explained_and_the_direction_leads_down(size, count, seed):
    """H y = s for the newest pair (the secant equation), and H is positive definite."""
    rng = np.random.default_rng(seed)
    s_list, y_list = pairs(rng, size, count)
    np.testing.assert_allclose(
        lbfgs_direction(-y_list[-1], s_list, y_list), s_list[-1], rtol=1e-6, atol=1e-9
    )
    grad = rng.standard_normal(size)
    assert lbfgs_direction(grad, s_list, y_list) @ grad < 0


def test_directions_as_torch_takes_them():
    """torch's L-BFGS with a fixed step: its move is the direction times that step."""
    rng = np.random.default_rng(0)
    curvature = np.linspace(0.5, 8, 6)
    tensor = torch.tensor(rng.standard_normal(6), requires_grad=True)
    factors = torch.tensor(curvature)
    optimizer = torch.optim.LBFGS([tensor], lr=0.5, max_iter=1, history_size=4)

    def closure():
        optimizer.zero_grad()
        loss = (factors * tensor**2).sum() / 2
        loss.backward()
        return loss

    s_list, y_list, before, grad = [], [], None, None
    for step in range(12):
        w = tensor.detach().numpy().copy()
        if before is not None:
            s_list, y_list = [*s_list, w - before][-4:], [*y_list, curvature * w - grad][-4:]
        before, grad = w, curvature * w
        optimizer.step(closure)
        size = 0.5 if step else 0.5 * min(1, 1 / np.abs(grad).sum())
        ours = w + size * lbfgs_direction(grad, s_list, y_list)
        np.testing.assert_allclose(tensor.detach().numpy(), ours, atol=1e-9)


# --- around a step ---------------------------------------------------------------------------


def bowl(w):
    return np.sum(w**2) / 2, w


@given(steps=st.integers(0, 20), seed=seeds)
@properties
def test_minimize_down_a_bowl(steps, seed):
    start = np.random.default_rng(seed).standard_normal((2, 3))
    before = start.copy()
    w, losses = minimize(bowl, start, lambda w, grad, state: sgd(w, grad, state, 0.1), steps)
    np.testing.assert_allclose(w, 0.9**steps * before)
    expected = [np.sum((0.9**t * before) ** 2) / 2 for t in range(steps)]
    np.testing.assert_allclose(losses, expected)
    assert losses.shape == (steps,)
    np.testing.assert_array_equal(start, before)


def test_minimize_calls_the_closure_once_a_step_and_hands_the_state_on():
    places, states = [], []

    def feval(w):
        places.append(float(w[0]))
        return 0.0, w

    def step(w, grad, state):
        states.append(state)
        return w + 1, (len(states),)

    w, _ = minimize(feval, np.zeros(1), step, 4)
    assert (w.tolist(), places) == ([4.0], [0.0, 1.0, 2.0, 3.0])
    assert states == [{}, (1,), (2,), (3,)]


def test_layer_learning_rates():
    rates = layer_learning_rates(["conv1", "conv10", "fc"], 0.1, {"conv1": 0.0, "fc": 10.0})
    assert rates == {"conv1": 0.0, "conv10": 0.1, "fc": 1.0}
    assert layer_learning_rates([], 0.1, {"fc": 2.0}) == {}


# --- bad input -------------------------------------------------------------------------------

W = np.zeros(3)
BAD_STEPS = [
    (np.zeros((3, 1)), {}, r"grad has shape \(3, 1\), but must have w's, \(3,\)"),
    (np.array([0, np.nan, np.inf]), {}, r"grad must be finite, but 2 of 3 entries are not"),
    (W, {"lr": -0.1}, r"lr must be >= 0, but is -0.1"),
    (W, {"lr": math.nan}, r"lr must be >= 0, but is nan"),
]


@every
@pytest.mark.parametrize(("grad", "changed", "message"), BAD_STEPS)
def test_a_step_refuses(name, grad, changed, message):
    step = FIRST_ORDER[name][0]
    with pytest.raises(ValueError, match=message):
        step(W, grad, {}, **{"lr": 0.1, **changed})


@pytest.mark.parametrize(
    ("step", "hyper", "message"),
    [
        (momentum, {"mu": 1.0}, r"mu must be in \[0, 1\), but is 1.0"),
        (nesterov, {"mu": -0.1}, r"mu must be in \[0, 1\), but is -0.1"),
        (adagrad, {"eps": -1e-9}, r"eps must be >= 0, but is -1e-09"),
        (rmsprop, {"alpha": 1.5}, r"alpha must be in \[0, 1\), but is 1.5"),
        (adam, {"beta1": 1.0}, r"beta1 must be in \[0, 1\), but is 1.0"),
        (adam, {"beta2": 2.0}, r"beta2 must be in \[0, 1\), but is 2.0"),
        (adam, {"eps": -1.0}, r"eps must be >= 0, but is -1.0"),
    ],
)
def test_hyper_parameters_out_of_range(step, hyper, message):
    with pytest.raises(ValueError, match=message):
        step(W, W, {}, 0.1, **hyper)


@pytest.mark.parametrize(
    ("s_list", "y_list", "message"),
    [
        ([W], [], r"of one length, but hold 1 and 0"),
        ([np.ones(3)], [np.ones(2)], r"pair 0 has shapes .*, but must have grad's \(3,\)"),
        ([np.ones(3), W], [np.ones(3), W], r"pair 1 has sᵀy = 0.0, but needs sᵀy > 0"),
        ([np.ones(3)], [np.full(3, np.nan)], r"pair 0 has sᵀy = nan"),
    ],
)
def test_pairs_that_do_not_fit(s_list, y_list, message):
    with pytest.raises(ValueError, match=message):
        lbfgs_direction(np.ones(3), s_list, y_list)


def test_other_bad_input():
    with pytest.raises(ValueError, match="num_steps must be 0 or more, but is -1"):
        minimize(bowl, W, lambda w, grad, state: (w, state), -1)
    with pytest.raises(ValueError, match=r"rate of 'fc' must be >= 0, but is -0.2"):
        layer_learning_rates(["conv", "fc"], 0.1, {"fc": -2.0})
