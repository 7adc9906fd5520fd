"""A restricted Boltzmann machine: every picture has an energy, and likely ones have a low one.

v (N, D) visible units, h (N, H) hidden ones, all 0 or 1 (v may also hold probabilities); w (D, H),
b hidden (H,), c visible (D,). The energy of a pair is E(v, h) = -v w hᵀ - b hᵀ - c vᵀ, and
p(v, h) = exp(-E) / Z. There is no connection within a layer, so that, given the one layer, the
units of the other are independent. float32 stays float32.

Sources: Smolensky (1986), Information processing in dynamical systems (as "harmonium"); Hinton
(2002), Training products of experts by minimizing contrastive divergence.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import expit, logsumexp

from pytools.scratch.inputs import finite_batch
from pytools.scratch.shapes import fits

Arrays = tuple[np.ndarray, ...]
LARGEST = 20  # units of a layer all of whose 2^n states log_partition goes through


# --- the two layers, one given the other -----------------------------------------------------


def hidden_probability(v: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p(h = 1 | v) = σ(v w + b), (N, H)."""
    return expit(v @ w + b)


def visible_probability(h: np.ndarray, w: np.ndarray, c: np.ndarray) -> np.ndarray:
    """p(v = 1 | h) = σ(h wᵀ + c), (N, D)."""
    return expit(h @ w.T + c)


def bernoulli(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each entry 1 with its own probability, else 0; the shape and dtype of p."""
    return (rng.random(p.shape, dtype=p.dtype) < p).astype(p.dtype)


# --- energies --------------------------------------------------------------------------------


def rbm_free_energy(v: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """F(v) = -log Σ_h exp(-E(v, h)) = -v·c - Σ_j softplus(v w + b)_j, one a row: (N,).

    The sum over all 2^H hidden states factors into a product over the units. b may also be (N, H),
    a bias of its own for each row. Stable: softplus is log(1 + exp z) without its overflow. Raises
    ValueError for shapes that do not fit, an empty or non-finite v.
    """
    v = visible(v, w, b, c)
    return -(v @ c) - np.logaddexp(0, v @ w + b).sum(axis=1)


def log_partition(w: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """log Z, exactly: over all states of the smaller layer, the other one summed out.

    With it, log p(v) = -F(v) - log Z. Raises ValueError where both layers have more than 20 units:
    the number of states doubles with each.
    """
    n = min(len(b), len(c))
    if n > LARGEST:
        raise ValueError(f"w must have a side of {LARGEST} or fewer units, but is {np.shape(w)}")
    if len(c) < len(b):  # the machine seen from the other side is the same machine
        w, b, c = np.transpose(w), c, b
    parts = []
    for first in range(0, 2**n, 4096):  # bit i of a number is the state of unit i
        numbers = np.arange(first, min(first + 4096, 2**n))
        states = (numbers[:, None] >> np.arange(n) & 1).astype(np.float64)
        parts.append(logsumexp(-rbm_free_energy(states, np.transpose(w), c, b)))
    return float(logsumexp(parts))


# --- pictures --------------------------------------------------------------------------------


def reconstruct(v: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """There and back without chance: σ(σ(v w + b) wᵀ + c), (N, D).

    The hidden units' probabilities take the place of samples (mean field). Raises as
    rbm_free_energy does.
    """
    v = visible(v, w, b, c)
    return visible_probability(hidden_probability(v, w, b), w, c)


def gibbs(
    v: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """v after so many rounds of sampling h given v and v given h, (N, D) of 0 and 1.

    In the long run these are samples of p(v), whatever v was at first (Geman & Geman, 1984).
    Raises as rbm_free_energy does, and for steps < 0.
    """
    v = visible(v, w, b, c)
    if steps < 0:
        raise ValueError(f"steps must be 0 or more, but is {steps}")
    for _ in range(steps):
        h = bernoulli(hidden_probability(v, w, b), rng)
        v = bernoulli(visible_probability(h, w, c), rng)
    return v


# --- learning --------------------------------------------------------------------------------


def cd1_gradients(
    v: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray, rng: np.random.Generator
) -> Arrays:
    """Contrastive divergence with one step of sampling: gw, gb, gc, to be descended.

    h is sampled from p(h | v), v₁ from p(v | h); the last h stays a probability:
        gw = -(vᵀ p(h | v) - v₁ᵀ p(h | v₁)) / N
    and so on for the biases. It is the gradient of mean F(v) - mean F(v₁) with v₁ held fixed. The
    likelihood's gradient has samples of the model in v₁'s place; one step does not reach them, so
    that CD-1 is biased (Carreira-Perpiñán & Hinton, 2005). Raises as rbm_free_energy does.
    """
    v = visible(v, w, b, c)
    first = hidden_probability(v, w, b)
    v1 = bernoulli(visible_probability(bernoulli(first, rng), w, c), rng)
    last = hidden_probability(v1, w, b)
    n = len(v)
    return (v1.T @ last - v.T @ first) / n, (last - first).sum(0) / n, (v1 - v).sum(0) / n


def train_rbm(
    v: np.ndarray,
    num_hidden: int,
    epochs: int,
    rng: np.random.Generator,
    lr: float = 0.1,
    batch: int = 32,
    mu: float = 0.9,
    decay: float = 1e-4,
    gradients: Callable[..., Arrays] = cd1_gradients,
) -> Iterator[Arrays]:
    """CD-1 with momentum on v (N, D) in [0, 1]; yields w, b, c after each epoch.

    Grey pixels are probabilities: each epoch draws pictures of 0 and 1 anew. lr falls to 0 in a
    straight line. w starts at N(0, 0.01), b at 0, and c where each pixel alone has its mean over v
    (Hinton, 2010, A practical guide to training restricted Boltzmann machines). decay is added for
    w only. gradients(v, w, b, c, rng) may be another way than cd1_gradients. Raises ValueError for
    v outside [0, 1], for num_hidden, epochs or batch below 1, and as rbm_free_energy does.
    """
    v = probabilities("v", v)
    positive(num_hidden=num_hidden, epochs=epochs, batch=batch)
    params = start_rbm(v, num_hidden, rng)
    velocity = [np.zeros_like(p) for p in params]
    per_epoch, step = -(-len(v) // batch), 0
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(v)), per_epoch):
            grads = list(gradients(bernoulli(v[rows], rng), *params, rng))
            grads[0] += decay * params[0]
            rate = lr * (1 - step / (epochs * per_epoch))
            velocity = [mu * s + grad for s, grad in zip(velocity, grads, strict=True)]
            params = [p - rate * s for p, s in zip(params, velocity, strict=True)]
            step += 1
        yield tuple(params)


def start_rbm(v: np.ndarray, num_hidden: int, rng: np.random.Generator) -> list[np.ndarray]:
    """w, b, c before the first step, of v's dtype, for pictures v (N, D) in [0, 1]."""
    mean = np.clip(v.mean(axis=0, dtype=np.float64), 0.01, 0.99)
    w = 0.01 * rng.standard_normal((v.shape[1], num_hidden))
    return [a.astype(v.dtype) for a in (w, np.zeros(num_hidden), np.log(mean / (1 - mean)))]


# --- helpers ---------------------------------------------------------------------------------


def probabilities(name: str, v: np.ndarray) -> np.ndarray:
    """`v` as a float array (N, D), if all its entries are in [0, 1]; else ValueError."""
    v = finite_batch(name, v, ndim=2)
    v = v if v.dtype.kind == "f" else v.astype(np.float64)
    if v.min() < 0 or v.max() > 1:
        raise ValueError(f"{name} must lie in [0, 1], but reaches from {v.min()} to {v.max()}")
    return v


def positive(**counts: int) -> None:
    """ValueError names the first of these whole numbers that is below 1."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, but is {count}")


def visible(v: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """v as an array (N, D), if it is finite and the shapes fit it; else ValueError."""
    v = finite_batch("v", v, ndim=2)
    hidden = np.shape(w)[-1] if np.ndim(w) else 0
    fits(w=(w, (v.shape[1], hidden)), c=(c, (v.shape[1],)))
    if np.shape(b) != (len(v), hidden):
        fits(b=(b, (hidden,)))
    return v
