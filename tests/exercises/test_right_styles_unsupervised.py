"""A right solution of 07's exercises passes in any style; wrong ones without a name fail."""

import math

import numpy as np
import pytest
import torch
from scipy.special import expit, log1p, logsumexp

from pytools import check

F = torch.nn.functional


# --- autoencoder_loss ------------------------------------------------------------------------


def loss_by_torch(x, w, b, c):
    x, w, b, c = (torch.tensor(a) for a in (x, w, b, c))
    for a in (w, b, c):
        a.requires_grad_()
    loss = 0.5 * (torch.sigmoid(x @ w + b) @ w.T + c - x).square().sum(1).mean()
    return loss.detach(), *torch.autograd.grad(loss, [w, b, c])


def loss_row_by_row(x, w, b, c):
    loss, grads = 0.0, [np.zeros_like(a) for a in (w, b, c)]
    for row in x:
        z = row @ w + b
        code = np.array([1 / (1 + math.exp(-t)) if t > -700 else 0.0 for t in z])
        error = w @ code + c - row
        back = error @ w * code * (1 - code)
        loss += error @ error / (2 * len(x))
        grads[0] += (np.outer(row, back) + np.outer(error, code)) / len(x)
        grads[1] += back / len(x)
        grads[2] += error / len(x)
    return loss, *grads


def loss_in_single_precision(x, w, b, c):
    x, w, b, c = (np.float32(a) for a in (x, w, b, c))
    code = 1 / (1 + np.exp(-(x @ w + b)))
    error = (code @ w.T + c - x) / np.float32(len(x))
    back = error @ w * code * (1 - code)
    loss = 0.5 * len(x) * np.sum(error**2)
    return [loss], x.T @ back + error.T @ code, back.sum(0).tolist(), error.sum(0)


def loss_in_fortran_order(x, w, b, c):
    code = expit(x @ w + b)
    error = code @ w.T + c - x
    back = (error @ w) * code * expit(-(x @ w + b))
    grad_w = np.asfortranarray(
        np.einsum("nd,nh->dh", x, back) + np.einsum("nd,nh->dh", error, code)
    )
    return (
        np.array([np.mean(np.sum(error**2, 1)) / 2]),
        grad_w / len(x),
        back.mean(0),
        error.mean(0),
    )


# --- free energies, reconstruct --------------------------------------------------------------


def energy_by_torch(v, w, b, c):
    v, w, b, c = (torch.tensor(a) for a in (v, w, b, c))
    return -(v @ c) - F.softplus(v @ w + b).sum(1)


def energy_number_by_number(v, w, b, c):
    energies = []
    for row in v:
        energy = -sum(p * q for p, q in zip(row.tolist(), c.tolist(), strict=True))
        for j in range(len(b)):
            z = float(row @ w[:, j] + b[j])
            energy -= max(z, 0.0) + math.log1p(math.exp(-abs(z)))
        energies.append(energy)
    return energies


def energy_by_all_states(v, w, b, c):
    """Exactly as it is defined: minus the log of a sum over every state of the hidden units."""
    states = np.array(np.meshgrid(*[[0, 1]] * len(b))).reshape(len(b), -1).T
    return -logsumexp((v @ w + b) @ states.T + (v @ c)[:, None], axis=1)


def energy_in_single_precision(v, w, b, c):
    v, w, b, c = (np.float32(a) for a in (v, w, b, c))
    z = v @ w + b
    return -(v @ c) - (np.maximum(z, 0) + log1p(np.exp(-np.abs(z)))).sum(1)


def energy_above_thirty(v, w, b, c):
    z = v @ w + b
    softplus = np.where(z > 30, z, np.log1p(np.exp(np.minimum(z, 30))))
    return (-softplus.sum(axis=1, keepdims=True) - v @ c[:, None])[:, 0]


def reconstruct_by_torch(v, w, b, c):
    v, w, b, c = (torch.tensor(a) for a in (v, w, b, c))
    return torch.sigmoid(F.linear(torch.sigmoid(F.linear(v, w.T, b)), w, c))


def reconstruct_plainly(v, w, b, c):
    h = 1 / (1 + np.exp(-(v @ w + b)))
    return (1 / (1 + np.exp(-(h @ w.T + c)))).tolist()


def reconstruct_in_single_precision(v, w, b, c):
    v, w, b, c = (np.float32(a) for a in (v, w, b, c))
    h = (1 + np.tanh((v @ w + b) / 2)) / 2
    return (1 + np.tanh((h @ w.T + c) / 2)) / 2


# --- cd1_gradients ---------------------------------------------------------------------------


def cd1_plainly(v, w, b, c, rng):
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    p = sigmoid(v @ w + b)
    h = rng.random(p.shape) < p
    q = sigmoid(h @ w.T + c)
    v1 = rng.random(q.shape) < q
    p1 = sigmoid(v1 @ w + b)
    gw = -(v.T @ p - v1.T @ p1) / len(v)
    return gw, -(p - p1).mean(axis=0), -(v - v1).mean(axis=0)


def cd1_by_binomial(v, w, b, c, rng):
    p = expit(v @ w + b)
    v1 = rng.binomial(1, expit(rng.binomial(1, p) @ w.T + c))
    p1 = expit(v1 @ w + b)
    return [
        np.einsum("nd,nh->dh", v1, p1) / len(v) - np.einsum("nd,nh->dh", v, p) / len(v),
        (p1.mean(0) - p.mean(0)).tolist(),
        list(v1.mean(0) - v.mean(0)),
    ]


def cd1_picture_by_picture(v, w, b, c, rng):
    gw, gb, gc = np.zeros_like(w), np.zeros_like(b), np.zeros_like(c)
    for row in v:
        p = expit(row @ w + b)
        h = np.array([1.0 if rng.random() <= x else 0.0 for x in p])
        v1 = np.array([1.0 if rng.uniform() <= x else 0.0 for x in expit(w @ h + c)])
        p1 = expit(v1 @ w + b)
        gw -= (np.outer(row, p) - np.outer(v1, p1)) / len(v)
        gb -= (p - p1) / len(v)
        gc -= (row - v1) / len(v)
    return gw, gb, gc


def cd1_in_single_precision(v, w, b, c, rng):
    v, w, b, c = (np.float32(a) for a in (v, w, b, c))
    p = expit(v @ w + b)
    h = (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)
    q = expit(h @ w.T + c)
    v1 = (rng.random(q.shape, dtype=np.float32) < q).astype(np.float32)
    p1 = expit(v1 @ w + b)
    n = np.float32(len(v))
    return -(v.T @ p - v1.T @ p1) / n, -(p - p1).sum(0) / n, -(v - v1).sum(0) / n


def cd1_in_half_the_draws(v, w, b, c, rng):
    """All the uniform numbers at once, those of the pictures first."""
    n, d, h = len(v), len(c), len(b)
    u = 1 - rng.random((n, d + h))
    p = expit(v @ w + b)
    v1 = (expit((u[:, d:] <= p) @ w.T + c) >= u[:, :d]) * 1
    p1 = expit(v1 @ w + b)
    return (v1.T @ p1 - v.T @ p) / n, np.mean(p1 - p, 0), np.mean(v1 - v, 0)


def cd1_by_torch(v, w, b, c, rng):
    """The slope of mean F(v) - mean F(v₁), by autograd."""
    source = torch.Generator().manual_seed(int(rng.integers(2**62)))
    v, w, b, c = (torch.tensor(a) for a in (v, w, b, c))
    params = [a.requires_grad_() for a in (w, b, c)]
    with torch.no_grad():
        h = torch.bernoulli(torch.sigmoid(v @ w + b), generator=source)
        v1 = torch.bernoulli(torch.sigmoid(h @ w.T + c), generator=source)

    def energy(a):
        return -(a @ c) - F.softplus(a @ w + b).sum(1)

    return torch.autograd.grad((energy(v) - energy(v1)).mean(), params)


def cd1_with_normal_numbers(v, w, b, c, rng):
    """By the logistic noise of a threshold unit: on where z + noise > 0."""
    z = v @ w + b
    h = z + rng.logistic(size=z.shape) > 0
    z1 = h @ w.T + c
    v1 = np.where(z1 + rng.logistic(size=z1.shape) > 0, 1, 0)
    p, p1 = expit(z), expit(v1 @ w + b)
    return (np.dot(v1.T, p1) - np.dot(v.T, p)) / len(v), (p1 - p).mean(0), (v1 - v).mean(0)


# --- class_free_energy -----------------------------------------------------------------------


def class_energy_by_torch(v, label, w, u, b, c, d):
    label = torch.as_tensor(label)
    v, w, u, b, c, d = (torch.tensor(a) for a in (v, w, u, b, c, d))
    return -(v @ c) - d[label] - F.softplus(v @ w + b + u[label]).sum(-1)


def class_energy_with_one_hot(v, label, w, u, b, c, d):
    y = np.eye(len(d))[np.broadcast_to(label, len(v))]
    return -(v @ c + y @ d + np.logaddexp(0, v @ w + b + y @ u).sum(axis=1))


def class_energy_picture_by_picture(v, label, w, u, b, c, d):
    labels = [label] * len(v) if isinstance(label, int) else label
    return [
        energy_number_by_number(row[None], w, b + u[k], c)[0] - d[k]
        for row, k in zip(v, labels, strict=True)
    ]


def class_energy_in_single_precision(v, label, w, u, b, c, d):
    v, w, u, b, c, d = (np.float32(a) for a in (v, w, u, b, c, d))
    return -(v @ c) - np.logaddexp(0, v @ w + (b + u[label])).sum(1) - d[label]


def class_energy_chosen_from_all(v, label, w, u, b, c, d):
    table = -(v @ c)[:, None] - d - np.logaddexp(0, (v @ w + b)[:, None] + u).sum(axis=2)
    return table[np.arange(len(v)), label]


RIGHT = [
    ("autoencoder_loss", loss_by_torch),
    ("autoencoder_loss", loss_row_by_row),
    ("autoencoder_loss", loss_in_single_precision),
    ("autoencoder_loss", loss_in_fortran_order),
    ("rbm_free_energy", energy_by_torch),
    ("rbm_free_energy", energy_number_by_number),
    ("rbm_free_energy", energy_by_all_states),
    ("rbm_free_energy", energy_in_single_precision),
    ("rbm_free_energy", energy_above_thirty),
    ("reconstruct", reconstruct_by_torch),
    ("reconstruct", reconstruct_plainly),
    ("reconstruct", reconstruct_in_single_precision),
    ("cd1_gradients", cd1_plainly),
    ("cd1_gradients", cd1_by_binomial),
    ("cd1_gradients", cd1_picture_by_picture),
    ("cd1_gradients", cd1_in_single_precision),
    ("cd1_gradients", cd1_in_half_the_draws),
    ("cd1_gradients", cd1_by_torch),
    ("cd1_gradients", cd1_with_normal_numbers),
    ("class_free_energy", class_energy_by_torch),
    ("class_free_energy", class_energy_with_one_hot),
    ("class_free_energy", class_energy_picture_by_picture),
    ("class_free_energy", class_energy_in_single_precision),
    ("class_free_energy", class_energy_chosen_from_all),
]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[f.__name__ for _, f in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(20):
        earned = check(f"unsupervised.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, f"seed {seed}: {capsys.readouterr().out}"


# --- wrong ones that no misconception names --------------------------------------------------


def loss_changes_x(x, w, b, c):
    grads = loss_row_by_row(x.copy(), w, b, c)
    x -= 1
    return grads


def loss_without_hidden_gradient(x, w, b, c):
    loss, grad_w, grad_b, grad_c = loss_row_by_row(x, w, b, c)
    return loss, grad_w, 0 * grad_b, grad_c


def biases_exchanged(x, w, b, c):
    loss, grad_w, grad_b, grad_c = loss_row_by_row(x, w, b, c)
    return loss, grad_w, grad_c, grad_b


def energy_with_a_guard(v, w, b, c):
    return -v @ c - np.log(np.exp(np.minimum(v @ w + b, 20)) + 1).sum(1)


def energy_of_hidden_means(v, w, b, c):
    p = expit(v @ w + b)
    return -np.sum(v @ w * p, 1) - p @ b - v @ c


def energy_with_b_outside(v, w, b, c):
    return -v @ c - np.logaddexp(0, v @ w).sum(1) - b.sum()


def reconstruct_by_chance(v, w, b, c):
    h = np.random.random((len(v), len(b))) < expit(v @ w + b)  # noqa: NPY002
    return expit(h @ w.T + c)


def reconstruct_twice(v, w, b, c):
    return np.array(reconstruct_plainly(np.array(reconstruct_plainly(v, w, b, c)), w, b, c))


def cd1(hidden=None, visible=None, tail=None):
    """CD-1 with another way to draw h or v₁, or another end."""

    def draw(p, rng):
        return (rng.random(p.shape) < p) * 1.0

    def cd1_gradients(v, w, b, c, rng):
        p = expit(v @ w + b)
        h = (hidden or draw)(p, rng)
        v1 = (visible or draw)(expit(h @ w.T + c), rng)
        p1 = expit(v1 @ w + b)
        if tail:
            return tail(v, h, p, v1, p1, rng, w, b, c)
        return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(0), (v1 - v).mean(0)

    return cd1_gradients


def by_the_global_generator(p, rng):
    return (np.random.random(p.shape) < p) * 1.0  # noqa: NPY002


def by_a_seeded_global_generator(p, rng):
    np.random.seed(0)  # noqa: NPY002
    return (np.random.random(p.shape) < p) * 1.0  # noqa: NPY002


def rounded(p, rng):
    return np.round(p)


def one_number_for_a_row(p, rng):
    return (rng.random((len(p), 1)) < p) * 1.0


def at_a_third(p, rng):
    return (rng.random(p.shape) * 1.5 < p) * 1.0


def of_minus_one_and_one(p, rng):
    return np.where(rng.random(p.shape) < p, 1.0, -1.0)


def like_a_coin(p, rng):
    return rng.integers(0, 2, p.shape) * 1.0


def upside_down(p, rng):
    return (rng.random(p.shape) > p) * 1.0


def gaussian(p, rng):
    return p + rng.standard_normal(p.shape) * 0.1


def same_numbers_again(p, rng):
    """Both layers get the same uniform numbers: h and v₁ are no longer independent."""
    state = rng.bit_generator.state
    drawn = (rng.random(p.shape) < p) * 1.0
    rng.bit_generator.state = state
    return drawn


def ends(tail):
    return cd1(tail=tail)


def exchanged(v, h, p, v1, p1, rng, w, b, c):
    return (v1.T @ p1 - v.T @ p) / len(v), (v1 - v).mean(0), (p1 - p).mean(0)


def mean_over_units(v, h, p, v1, p1, rng, w, b, c):
    n = v.size
    return (v1.T @ p1 - v.T @ p) / n, (p1 - p).mean(0), (v1 - v).mean(0)


def sign_of_biases(v, h, p, v1, p1, rng, w, b, c):
    return (v1.T @ p1 - v.T @ p) / len(v), (p - p1).mean(0), (v - v1).mean(0)


def sign_of_the_visible_bias(v, h, p, v1, p1, rng, w, b, c):
    return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(0), (v - v1).mean(0)


def smooth_visible_statistics(v, h, p, v1, p1, rng, w, b, c):
    q = expit(h @ w.T + c)
    return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(0), (q - v).mean(0)


def old_hidden_with_new_visible(v, h, p, v1, p1, rng, w, b, c):
    return (v1.T @ p - v.T @ p) / len(v), (p1 - p).mean(0), (v1 - v).mean(0)


def sample_with_new_visible(v, h, p, v1, p1, rng, w, b, c):
    return (v1.T @ h - v.T @ p) / len(v), (h - p).mean(0), (v1 - v).mean(0)


def decayed(v, h, p, v1, p1, rng, w, b, c):
    return (v1.T @ p1 - v.T @ p) / len(v) + 1e-3 * w, (p1 - p).mean(0), (v1 - v).mean(0)


def another_drawn_for_the_bias(v, h, p, v1, p1, rng, w, b, c):
    v2 = (rng.random(v.shape) < expit(h @ w.T + c)) * 1.0
    return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(0), (v2 - v).mean(0)


def expectation(v, w, b, c, rng):
    """The mean of CD-1 over all v₁: without chance, though its mean is right."""
    return tuple(
        np.mean([cd1_plainly(v, w, b, c, rng)[i] for _ in range(50)], axis=0) for i in range(3)
    )


def only_the_first_row(v, w, b, c, rng):
    return cd1_plainly(v[:1], w, b, c, rng)


def class_energy_of_last_label(v, label, w, u, b, c, d):
    return class_energy_with_one_hot(v, int(np.ravel(label)[-1]), w, u, b, c, d)


def class_energy_in_double_softplus(v, label, w, u, b, c, d):
    shared = -(v @ c) - d[label]
    return shared - np.logaddexp(0, v @ w + b).sum(1) - np.logaddexp(0, u[label]).sum(-1)


def class_energy_normalised(v, label, w, u, b, c, d):
    every = np.stack([class_energy_with_one_hot(v, k, w, u, b, c, d) for k in range(len(d))])
    return class_energy_with_one_hot(v, label, w, u, b, c, d) + logsumexp(-every, axis=0)


def class_energy_with_u_transposed(v, label, w, u, b, c, d):
    return class_energy_with_one_hot(v, label, w, u.T if u.shape[0] == u.shape[1] else u, b, c, d)


def class_energy_for_one_picture(v, label, w, u, b, c, d):
    result = class_energy_with_one_hot(v, label, w, u, b, c, d)
    return result if np.ndim(label) else result[0]


WRONG = [
    ("autoencoder_loss", "changes x", loss_changes_x),
    ("autoencoder_loss", "no gradient for b", loss_without_hidden_gradient),
    ("autoencoder_loss", "grad_b and grad_c exchanged", biases_exchanged),
    ("rbm_free_energy", "guard at 20", energy_with_a_guard),
    ("rbm_free_energy", "mean energy", energy_of_hidden_means),
    ("rbm_free_energy", "b outside", energy_with_b_outside),
    ("reconstruct", "by chance", reconstruct_by_chance),
    ("reconstruct", "twice", reconstruct_twice),
    ("cd1_gradients", "h from the global generator", cd1(hidden=by_the_global_generator)),
    ("cd1_gradients", "v1 from the global generator", cd1(visible=by_the_global_generator)),
    (
        "cd1_gradients",
        "the global generator, seeded",
        cd1(by_a_seeded_global_generator, by_a_seeded_global_generator),
    ),
    ("cd1_gradients", "v1 rounded", cd1(visible=rounded)),
    ("cd1_gradients", "h rounded", cd1(hidden=rounded)),
    ("cd1_gradients", "both rounded", cd1(rounded, rounded)),
    ("cd1_gradients", "one number a row", cd1(one_number_for_a_row, one_number_for_a_row)),
    ("cd1_gradients", "one number a row for v1", cd1(visible=one_number_for_a_row)),
    ("cd1_gradients", "wrong threshold", cd1(at_a_third, at_a_third)),
    ("cd1_gradients", "h of -1 and 1", cd1(hidden=of_minus_one_and_one)),
    ("cd1_gradients", "h like a coin", cd1(hidden=like_a_coin)),
    ("cd1_gradients", "v1 like a coin", cd1(visible=like_a_coin)),
    ("cd1_gradients", "h upside down", cd1(hidden=upside_down)),
    ("cd1_gradients", "v1 upside down", cd1(visible=upside_down)),
    ("cd1_gradients", "gaussian v1", cd1(visible=gaussian)),
    ("cd1_gradients", "gaussian h", cd1(hidden=gaussian)),
    ("cd1_gradients", "the same numbers for both layers", cd1(hidden=same_numbers_again)),
    *(("cd1_gradients", tail.__name__, ends(tail)) for tail in (exchanged, mean_over_units)),
    *(("cd1_gradients", t.__name__, ends(t)) for t in (sign_of_biases, sign_of_the_visible_bias)),
    ("cd1_gradients", "smooth visible statistics", ends(smooth_visible_statistics)),
    ("cd1_gradients", "old h with new v", ends(old_hidden_with_new_visible)),
    ("cd1_gradients", "sample of h with new v", ends(sample_with_new_visible)),
    ("cd1_gradients", "weight decay", ends(decayed)),
    ("cd1_gradients", "v1 drawn again for the bias", ends(another_drawn_for_the_bias)),
    ("cd1_gradients", "a mean over many v1", expectation),
    ("cd1_gradients", "only the first row", only_the_first_row),
    ("class_free_energy", "the last label for all", class_energy_of_last_label),
    ("class_free_energy", "two softplus", class_energy_in_double_softplus),
    ("class_free_energy", "normalised", class_energy_normalised),
    ("class_free_energy", "u transposed", class_energy_with_u_transposed),
    ("class_free_energy", "one energy for one label", class_energy_for_one_picture),
]


@pytest.mark.parametrize("function, name, attempt", WRONG, ids=[name for _, name, _ in WRONG])
def test_other_wrong_solutions_fail(function, name, attempt):
    for seed in range(3):
        assert check(f"unsupervised.{function}", attempt, points=4, seed=seed) < 4.0, seed
