"""An RBM that also knows the label: it reads digits, and draws the one that it is asked for.

To the units of rbm.py come C label units, of which exactly one is on: u (C, H) joins them to the
hidden units, d (C,) are their biases. For a given label y, u[y] only adds to the hidden biases:
what is left is an ordinary RBM with b + u[y].

Source: Larochelle & Bengio (2008), Classification using discriminative restricted Boltzmann
machines.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit, log_softmax, softmax

from pytools.scratch.inputs import class_labels, finite_batch
from pytools.scratch.rbm import (
    Arrays,
    bernoulli,
    hidden_probability,
    positive,
    probabilities,
    rbm_free_energy,
    start_rbm,
    visible,
    visible_probability,
)
from pytools.scratch.shapes import fits


def class_free_energy(
    v: np.ndarray,
    label: int | np.ndarray,
    w: np.ndarray,
    u: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    d: np.ndarray,
) -> np.ndarray:
    """F(v, y) = -v·c - d_y - Σ_j softplus(v w + b + u_y)_j, one a row: (N,).

    label: one integer for all rows, or (N,) integers, from 0 to C - 1. Raises ValueError for other
    labels, and as rbm_free_energy does.
    """
    v, label = finite_batch("v", v, ndim=2), np.asarray(label)
    fits(u=(u, (len(d), len(b))))
    label = np.full(len(v), label) if label.ndim == 0 else label
    label = _labels("label", label, len(v), len(d))
    return rbm_free_energy(v, w, b + u[label], c) - d[label]


def class_log_posterior(
    v: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> np.ndarray:
    """log p(y | v) for every label, (N, C): log softmax of -F(v, y). Z is not needed.

    Raises as class_free_energy does.
    """
    energies = [class_free_energy(v, label, w, u, b, c, d) for label in range(len(d))]
    return log_softmax(-np.stack(energies, axis=1), axis=1)


def class_loss(
    v: np.ndarray,
    labels: np.ndarray,
    w: np.ndarray,
    u: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    d: np.ndarray,
) -> Arrays:
    """Mean of -log p(y | v), and its exact gradients: loss, gw, gu, gb, gc, gd.

    v (N, D), labels (N,). gc is 0: the term v·c is the same for all labels. Raises as
    class_free_energy does.
    """
    v, labels = finite_batch("v", v, ndim=2), _labels("labels", labels, len(v), len(d))
    logs = class_log_posterior(v, w, u, b, c, d)
    rows = np.arange(len(v))
    loss = -np.mean(logs[rows, labels])
    error = np.exp(logs)
    error[rows, labels] -= 1
    error /= len(v)
    on = expit((v @ w + b)[:, None] + u)  # (N, C, H): p(h = 1 | v, y) for each label
    per_label = error[:, :, None] * on
    per_row = per_label.sum(axis=1)
    grads = v.T @ per_row, per_label.sum(axis=0), per_row.sum(axis=0), np.zeros_like(c)
    return loss, *grads, error.sum(axis=0)


def class_cd1_gradients(
    v: np.ndarray,
    labels: np.ndarray,
    w: np.ndarray,
    u: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    d: np.ndarray,
    rng: np.random.Generator,
) -> Arrays:
    """CD-1 for pictures and labels together: gw, gu, gb, gc, gd, to be descended.

    h is sampled given v and label, then v₁ and a label y₁ given h, p(y | h) = softmax(u hᵀ + d);
    the last h stays a probability. Raises as class_free_energy does.
    """
    v = visible(v, w, b, c)
    fits(u=(u, (len(d), len(b))))
    y = np.eye(len(d), dtype=w.dtype)[_labels("labels", labels, len(v), len(d))]
    first = hidden_probability(v, w, b + y @ u)
    h = bernoulli(first, rng)
    v1 = bernoulli(visible_probability(h, w, c), rng)
    y1 = _one_hot_sample(softmax(h @ u.T + d, axis=1), rng)
    last = hidden_probability(v1, w, b + y1 @ u)
    pairs = (v1.T @ last - v.T @ first, y1.T @ last - y.T @ first)
    sums = ((last - first).sum(0), (v1 - v).sum(0), (y1 - y).sum(0))
    return tuple(a / len(v) for a in (*pairs, *sums))


def train_class_rbm(
    v: np.ndarray,
    labels: np.ndarray,
    num_hidden: int,
    epochs: int,
    rng: np.random.Generator,
    lr: float = 0.1,
    batch: int = 32,
    mu: float = 0.9,
    share: float = 0.1,
) -> Iterator[Arrays]:
    """Descend class_loss plus `share` times CD-1's gradients; yields w, u, b, c, d each epoch.

    v (N, D) in [0, 1], labels (N,) with each of 0 to C - 1. Momentum mu; lr falls to 0 in a
    straight line; grey pixels are drawn anew as 0 or 1, as in train_rbm. The first part learns to
    tell the labels apart, the second to draw (Larochelle & Bengio's hybrid). Raises ValueError for
    v outside [0, 1], labels that do not fit, num_hidden, epochs or batch below 1.
    """
    v = probabilities("v", v)
    positive(num_hidden=num_hidden, epochs=epochs, batch=batch)
    num_classes = int(np.max(labels, initial=0)) + 1
    labels = _labels("labels", labels, len(v), num_classes)
    w, b, c = start_rbm(v, num_hidden, rng)
    u = (0.01 * rng.standard_normal((num_classes, num_hidden))).astype(v.dtype)
    params = [w, u, b, c, np.zeros(num_classes, v.dtype)]
    velocity = [np.zeros_like(p) for p in params]
    per_epoch, step = -(-len(v) // batch), 0
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(v)), per_epoch):
            drawn = bernoulli(v[rows], rng)
            _, *tell = class_loss(drawn, labels[rows], *params)
            draw = class_cd1_gradients(drawn, labels[rows], *params, rng)
            rate = lr * (1 - step / (epochs * per_epoch))
            velocity = [
                mu * s + a + share * g for s, a, g in zip(velocity, tell, draw, strict=True)
            ]
            params = [p - rate * s for p, s in zip(params, velocity, strict=True)]
            step += 1
        yield tuple(params)


def _labels(name: str, labels: np.ndarray, count: int, num_classes: int) -> np.ndarray:
    """`labels` as an array, if it holds `count` integers from 0 to num_classes - 1."""
    labels = class_labels(name, labels, count)
    low, high = labels.min(), labels.max()
    if low < 0 or high >= num_classes:
        raise ValueError(f"{name} must be 0 to {num_classes - 1}, but reach from {low} to {high}")
    return labels


def _one_hot_sample(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One class a row, drawn with the probabilities p (N, C); (N, C) with a single 1 a row."""
    chosen = (p.cumsum(axis=1) < rng.random((len(p), 1), dtype=p.dtype)).sum(axis=1)
    return np.eye(p.shape[1], dtype=p.dtype)[np.minimum(chosen, p.shape[1] - 1)]
