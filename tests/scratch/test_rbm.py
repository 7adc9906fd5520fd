"""RBM and class RBM: energies and gradients by listing all states, chains by counting."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logsumexp, softmax

from pytools.data import digits
from pytools.scratch import (
    cd1_gradients,
    class_cd1_gradients,
    class_free_energy,
    class_log_posterior,
    class_loss,
    gibbs,
    hidden_probability,
    log_partition,
    numerical_gradient,
    rbm_free_energy,
    reconstruct,
    start_rbm,
    train_class_rbm,
    train_rbm,
    visible_probability,
)

close = {"rtol": 1e-9, "atol": 1e-10}
near = {"rtol": 1e-5, "atol": 1e-7}  # what central differences in float64 can tell
properties = settings(max_examples=40, deadline=None)
few = settings(max_examples=10, deadline=None)
small = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))  # N, D, H
seeds = st.integers(0, 10**6)
MANY = 40_000  # draws; a mean over them is off by 5 / sqrt(MANY) once in a million at most


def states(n):
    return np.array(list(product([0.0, 1.0], repeat=n)))


def draw(shape, seed, size=1.0):
    """v of 0 and 1, w, b, c; and the generator."""
    n, d, h = shape
    rng = np.random.default_rng(seed)
    v = rng.integers(0, 2, (n, d)).astype(float)
    return v, *(size * rng.standard_normal(s) for s in ((d, h), h, d)), rng


def draw_with_labels(shape, classes, seed, size=1.0):
    """v, labels, and w, u, b, c, d; and the generator."""
    v, w, b, c, rng = draw(shape, seed, size)
    u, d = size * rng.standard_normal((classes, shape[2])), size * rng.standard_normal(classes)
    return v, rng.integers(0, classes, shape[0]), (w, u, b, c, d), rng


def energies(v, w, b, c):
    """E(v, h) of each row and every state of the hidden units, (N, 2^H), as it is defined."""
    h = states(len(b))
    return -(v @ w @ h.T) - h @ b - (v @ c)[:, None]


def model(w, b, c):
    """All pictures (2^D, D) and their probabilities."""
    every = states(len(c))
    return every, softmax(logsumexp(-energies(every, w, b, c), axis=1))


def exact_gradient(v, w, b, c):
    """Of the mean of -log p(v): what is seen against what the model would draw."""
    every, p = model(w, b, c)
    seen, dreamt = expit(v @ w + b), expit(every @ w + b)
    return (
        every.T @ (p[:, None] * dreamt) - v.T @ seen / len(v),
        p @ dreamt - seen.mean(axis=0),
        p @ every - v.mean(axis=0),
    )


def one_step(v, w, b, c):
    """The probability of each of all pictures after one round from each row of v."""
    h = states(len(b))

    def chance(p, of):
        return np.prod(np.where(of == 1, p[:, None], 1 - p[:, None]), axis=2)

    return chance(expit(v @ w + b), h) @ chance(expit(h @ w.T + c), states(len(c)))


def expected_cd1(v, w, b, c):
    """The mean of CD-1 over all h and v₁, by enumeration."""
    every, after = states(len(c)), one_step(v, w, b, c).mean(axis=0)
    first, last = expit(v @ w + b), expit(every @ w + b)
    return (
        every.T @ (after[:, None] * last) - v.T @ first / len(v),
        after @ last - first.mean(axis=0),
        after @ every - v.mean(axis=0),
    )


# --- energies --------------------------------------------------------------------------------


@given(shape=small, seed=seeds)
@properties
def test_free_energy_sums_the_hidden_states_out(shape, seed):
    v, w, b, c, _ = draw(shape, seed)
    expected = -logsumexp(-energies(v, w, b, c), axis=1)
    np.testing.assert_allclose(rbm_free_energy(v, w, b, c), expected, **close)


@given(shape=small, seed=seeds)
@properties
def test_partition_by_listing_every_pair_of_states(shape, seed):
    _, w, b, c, _ = draw(shape, seed)
    every = states(len(c))
    expected = logsumexp(-energies(every, w, b, c))
    assert log_partition(w, b, c) == pytest.approx(expected, rel=1e-9)
    total = logsumexp(-rbm_free_energy(every, w, b, c) - log_partition(w, b, c))
    assert total == pytest.approx(0, abs=1e-9)


def test_partition_of_many_hidden_states_in_parts():
    """13 units have 8192 states, two parts; without weights, Z is known."""
    b, c = np.random.default_rng(0).standard_normal((2, 13))
    expected = np.logaddexp(0, b).sum() + np.logaddexp(0, c).sum()
    assert log_partition(np.zeros((13, 13)), b, c) == pytest.approx(expected, rel=1e-12)


@given(shape=small, seed=seeds)
@properties
def test_conditionals_are_ratios_of_pairs(shape, seed):
    v, w, b, c, _ = draw(shape, seed)
    h = states(len(b))
    p = softmax(-energies(v, w, b, c), axis=1)
    np.testing.assert_allclose(hidden_probability(v, w, b), p @ h, **close)
    every = states(len(c))
    q = softmax(-energies(every, w, b, c), axis=0)
    np.testing.assert_allclose(visible_probability(h, w, c), q.T @ every, **close)
    there_and_back = visible_probability(hidden_probability(v, w, b), w, c)
    np.testing.assert_array_equal(reconstruct(v, w, b, c), there_and_back)


@given(shape=small, seed=seeds)
@properties
def test_free_energy_and_its_slope_against_torch(shape, seed):
    v, *params, _ = draw(shape, seed)
    w, b, c = (torch.tensor(p, requires_grad=True) for p in params)
    tv = torch.tensor(v)
    energy = -(tv @ c) - torch.nn.functional.softplus(tv @ w + b, threshold=1e3).sum(1)
    np.testing.assert_allclose(rbm_free_energy(v, *params), energy.detach(), **close)
    slope = torch.autograd.grad(energy.sum(), w)[0]
    np.testing.assert_allclose(-v.T @ hidden_probability(v, *params[:2]), slope, **close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_huge_inputs_stay_finite(dtype, size):
    v, w, b, c, rng = draw((3, 4, 5), 0)
    v[0, 0], args = 1, [a.astype(dtype) for a in (v, w, b + size, c)]
    with np.errstate(over="raise", invalid="raise"):
        energy, p, grads = rbm_free_energy(*args), reconstruct(*args), cd1_gradients(*args, rng)
    assert {a.dtype for a in (energy, p, *grads)} == {np.dtype(dtype)}
    assert all(np.isfinite(a).all() for a in (energy, p, *grads))
    on = (args[0] @ args[1] + args[2]).sum(axis=1) if size > 0 else 0
    np.testing.assert_allclose(energy, -(args[0] @ args[3]) - on, rtol=1e-5)


# --- contrastive divergence ------------------------------------------------------------------


@given(shape=small, seed=seeds)
@few
def test_exact_gradient_against_central_differences(shape, seed):
    """What the tests below lean on."""
    v, *params, _ = draw(shape, seed)
    for i, grad in enumerate(exact_gradient(v, *params)):

        def loss(p, i=i):
            machine = [*params[:i], p, *params[i + 1 :]]
            return np.mean(rbm_free_energy(v, *machine)) + log_partition(*machine)

        np.testing.assert_allclose(grad, numerical_gradient(loss, params[i]), **near)


@given(shape=st.tuples(st.just(1), st.integers(1, 5), st.integers(1, 5)), seed=seeds)
@properties
def test_cd1_is_the_slope_of_two_free_energies(shape, seed):
    """With one picture, gc gives v₁ away; the slope of F(v) - F(v₁) by central differences."""
    v, *params, rng = draw(shape, seed)
    grads = cd1_gradients(v, *params, rng)
    v1 = v + grads[2]
    assert set(v1.ravel()) <= {0.0, 1.0}
    for i, grad in enumerate(grads):

        def loss(p, i=i):
            machine = [*params[:i], p, *params[i + 1 :]]
            return np.mean(rbm_free_energy(v, *machine) - rbm_free_energy(v1, *machine))

        np.testing.assert_allclose(grad, numerical_gradient(loss, params[i]), **near)


@given(shape=st.tuples(st.just(2), st.integers(1, 3), st.integers(1, 3)), seed=seeds)
@few
def test_the_mean_of_cd1_is_its_expectation(shape, seed):
    v, *params, rng = draw(shape, seed, 2.0)
    grads = cd1_gradients(np.repeat(v, MANY // 2, axis=0), *params, rng)
    for grad, expected in zip(grads, expected_cd1(v, *params), strict=True):
        np.testing.assert_allclose(grad, expected, atol=6 / np.sqrt(MANY))


@given(shape=small, seed=seeds)
@properties
def test_without_weights_the_expectation_is_the_exact_gradient(shape, seed):
    """One round reaches the model's own distribution there, so that CD-1 is not biased."""
    v, w, b, c, _ = draw(shape, seed)
    for a, e in zip(expected_cd1(v, 0 * w, b, c), exact_gradient(v, 0 * w, b, c), strict=True):
        np.testing.assert_allclose(a, e, **close)


@given(shape=small, seed=seeds)
@properties
def test_on_the_models_own_pictures_the_expectation_is_zero(shape, seed):
    """And so is the exact gradient: a machine that fits its data has nothing left to learn."""
    _, *params, _ = draw(shape, seed)
    every, p = model(*params)
    each = [expected_cd1(row[None], *params) for row in every]
    for grads in zip(*each, strict=True):
        np.testing.assert_allclose(np.tensordot(p, np.array(grads), axes=1), 0, atol=1e-9)


def test_the_bias_of_cd1_grows_with_the_weights():
    """With small weights it points where the exact gradient does; with large ones less so."""
    cosines = []
    for size in (0.05, 0.5, 4.0):
        found = []
        for seed in range(20):
            v, w, b, c, _ = draw((3, 5, 4), seed, size)
            ours, exact = expected_cd1(v, w, b, c)[0], exact_gradient(v, w, b, c)[0]
            found.append(np.sum(ours * exact) / np.linalg.norm(ours) / np.linalg.norm(exact))
        cosines.append(np.mean(found))
    assert cosines[0] > 0.999 and cosines[0] > cosines[1] > cosines[2] > 0.3


def test_gibbs_sampling_reaches_the_models_distribution():
    v, w, b, c, rng = draw((1, 3, 3), 0)
    every, p = model(w, b, c)
    samples = gibbs(np.repeat(v, MANY, axis=0), w, b, c, 60, rng)
    found = np.mean(np.all(samples[:, None] == every, axis=2), axis=0)
    np.testing.assert_allclose(found, p, atol=5 / np.sqrt(MANY))
    np.testing.assert_array_equal(gibbs(v, w, b, c, 0, rng), v)
    far = every.T @ (p[:, None] * expit(every @ w + b))
    long_run = samples.T @ expit(samples @ w + b) / MANY
    np.testing.assert_allclose(long_run, far, atol=6 / np.sqrt(MANY))  # CD-∞ is the gradient


def test_the_generator_is_the_only_source():
    v, *params, _ = draw((6, 5, 4), 0)
    one, two, other = (cd1_gradients(v, *params, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# --- training --------------------------------------------------------------------------------


def test_training_makes_digits_likelier():
    """Exactly, with twelve hidden units; and far likelier than pixels by themselves."""
    x = digits("train")[0].reshape(-1, 64)
    rng = np.random.default_rng(0)
    v = (rng.random(x.shape) < x).astype(np.float32)
    machines = [tuple(start_rbm(x, 12, rng)), *train_rbm(x, 12, 12, rng)]
    likely = [-rbm_free_energy(v, *m).mean() - log_partition(*m) for m in machines]
    assert likely[-1] > likely[0] + 2.5
    assert all(p.dtype == np.float32 for p in machines[-1])


def test_training_repeats_with_its_seed_and_uses_the_gradients_given():
    x = digits("train")[0].reshape(-1, 64)[:50]
    runs = [list(train_rbm(x, 5, 2, np.random.default_rng(3))) for _ in range(2)]
    for a, b in zip(runs[0][-1], runs[1][-1], strict=True):
        np.testing.assert_array_equal(a, b)

    def nothing(v, w, b, c, rng):
        return 0 * w, 0 * b, 0 * c

    rng = np.random.default_rng(3)
    *_, (_, b, c) = train_rbm(x, 5, 2, rng, decay=0, gradients=nothing)
    start = start_rbm(x, 5, np.random.default_rng(3))
    np.testing.assert_array_equal(b, start[1])
    np.testing.assert_array_equal(c, start[2])


# --- with labels -----------------------------------------------------------------------------

labelled = st.tuples(small, st.integers(1, 4), seeds)


@given(labelled)
@properties
def test_a_class_rbm_is_an_rbm_with_a_longer_picture(drawn):
    """The label's units are visible ones: v and a one-hot row side by side."""
    v, labels, (w, u, b, c, d), _ = draw_with_labels(*drawn)
    longer = np.hstack([v, np.eye(len(d))[labels]])
    expected = rbm_free_energy(longer, np.vstack([w, u]), b, np.concatenate([c, d]))
    np.testing.assert_allclose(class_free_energy(v, labels, w, u, b, c, d), expected, **close)
    for label in range(len(d)):
        same = np.full(len(v), label)
        one = class_free_energy(v, label, w, u, b, c, d)
        np.testing.assert_array_equal(one, class_free_energy(v, same, w, u, b, c, d))


@given(labelled)
@properties
def test_class_loss_against_torch(drawn):
    v, labels, params, _ = draw_with_labels(*drawn)
    w, u, b, _, d = (torch.tensor(p, requires_grad=True) for p in params)
    z = (torch.tensor(v) @ w + b)[:, None] + u
    scores = torch.nn.functional.softplus(z, threshold=1e3).sum(2) + d
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
    loss, gw, gu, gb, gc, gd = class_loss(v, labels, *params)
    assert loss == pytest.approx(expected.item(), rel=1e-9, abs=1e-10)
    grads = torch.autograd.grad(expected, [w, u, b, d])
    for ours, theirs in zip((gw, gu, gb, gd), grads, strict=True):
        np.testing.assert_allclose(ours, theirs, **close)
    np.testing.assert_array_equal(gc, np.zeros_like(params[3]))
    logs = class_log_posterior(v, *params)
    np.testing.assert_allclose(logs, torch.log_softmax(scores, 1).detach(), **close)


def test_the_mean_of_class_cd1_is_its_expectation():
    """Over all h, v₁ and y₁, by enumeration."""
    v, labels, (w, u, b, c, d), rng = draw_with_labels((1, 3, 3), 3, 5, 1.5)
    h, every, y = states(3), states(3), np.eye(3)[labels]
    first = expit(v @ w + b + u[labels])
    p_h = np.prod(np.where(h == 1, first, 1 - first), axis=1)
    q = expit(h @ w.T + c)
    p_v = np.prod(np.where(every == 1, q[:, None], 1 - q[:, None]), axis=2)
    p_y = softmax(h @ u.T + d, axis=1)
    joint = np.einsum("h,hv,hy->vy", p_h, p_v, p_y)
    last = expit((every @ w + b)[:, None] + u)  # (v, y, H)
    expected = (
        np.einsum("vy,vd,vyh->dh", joint, every, last) - v.T @ first,
        np.einsum("vy,vyh->yh", joint, last) - y.T @ first,
        np.einsum("vy,vyh->h", joint, last) - first[0],
        joint.sum(axis=1) @ every - v[0],
        joint.sum(axis=0) - y[0],
    )
    many = np.repeat(v, MANY, axis=0), np.repeat(labels, MANY)
    found = class_cd1_gradients(*many, w, u, b, c, d, rng)
    for ours, exact in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, exact, atol=6 / np.sqrt(MANY))


def test_a_class_rbm_reads_digits():
    x, labels = digits("train")
    x = x.reshape(-1, 64)
    *_, params = train_class_rbm(x, labels, 32, 8, np.random.default_rng(0))
    right = class_log_posterior(x, *params).argmax(axis=1) == labels
    assert np.mean(right) > 0.85
    assert all(p.dtype == np.float32 for p in params)


# --- bad input -------------------------------------------------------------------------------

V, W, B, C, RNG = draw((4, 3, 2), 0)
Y, U, D = np.array([0, 2, 1, 2]), np.ones((3, 2)), np.zeros(3)
BAD = {
    r"w must have shape \(3, 2\), but has \(2, 2\)": lambda: rbm_free_energy(V, W[1:], B, C),
    r"b must have shape \(2,\), but has \(3,\)": lambda: reconstruct(V, W, C, C),
    r"c must have shape \(3,\), but has \(2,\)": lambda: cd1_gradients(V, W, B, B, RNG),
    r"v must have 2 axes, but has shape \(3,\)": lambda: rbm_free_energy(V[0], W, B, C),
    r"v must have at least one entry .* \(0, 3\)": lambda: cd1_gradients(V[:0], W, B, C, RNG),
    "v must be finite, but has 12 of 12": lambda: reconstruct(V * np.nan, W, B, C),
    "steps must be 0 or more, but is -1": lambda: gibbs(V, W, B, C, -1, RNG),
    r"w must have a side of 20 or fewer units, but is \(21, 22\)": lambda: log_partition(
        np.zeros((21, 22)), np.zeros(22), np.zeros(21)
    ),
    r"v must lie in \[0, 1\], but reaches from 0.0 to 2.0": lambda: next(
        train_rbm(np.arange(3.0)[None], 2, 1, RNG)
    ),
    "num_hidden must be at least 1, but is 0": lambda: next(train_rbm(V, 0, 1, RNG)),
    "epochs must be at least 1, but is 0": lambda: next(train_class_rbm(V, Y, 2, 0, RNG)),
    r"u must have shape \(3, 2\), but has \(2, 2\)": lambda: class_free_energy(
        V, Y, W, U[1:], B, C, D
    ),
    "label must be 0 to 2, but reach from 3 to 3": lambda: class_free_energy(V, 3, W, U, B, C, D),
    "label must be 4 integers, .* dtype float64": lambda: class_free_energy(V, 1.0, W, U, B, C, D),
    r"label must be 4 integers, .* shape \(3,\)": lambda: class_free_energy(
        V, Y[1:], W, U, B, C, D
    ),
    "labels must be 0 to 2, but reach from -1 to 1": lambda: class_loss(V, Y - 1, W, U, B, C, D),
    "labels must be 0 to 2, but reach from 1 to 3": lambda: class_cd1_gradients(
        V, Y + 1, W, U, B, C, D, RNG
    ),
    "labels must be 0 to 1, but reach from -1 to 1": lambda: next(
        train_class_rbm(V, Y - 1, 2, 1, RNG)
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
