"""Optimisers, one step each: `(w, grad, state, lr, **hyper) -> w, state`.

w and grad are float arrays of one shape, any shape, and stay unchanged; the new w has their dtype.
state is {} before the first step; each optimiser keeps what it needs in a new dict and wants that
back at the next step. lr >= 0 is the learning rate. The rules are those of torch.optim. Every step
raises ValueError for a gradient that is not finite or has not the shape of w, and for hyper
parameters out of range.

`minimize` runs any of them on a closure `feval(w) -> loss, grad`; `lbfgs_direction` needs a line
search around it instead of a learning rate.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

State = dict[str, Any]
Step = tuple[np.ndarray, State]


# --- steps of first order --------------------------------------------------------------------


def sgd(w: np.ndarray, grad: np.ndarray, state: State, lr: float) -> Step:
    """Gradient descent: w - lr grad. It remembers nothing (Robbins & Monro, 1951)."""
    _check_step(w, grad, lr)
    return w - lr * grad, state


def momentum(w: np.ndarray, grad: np.ndarray, state: State, lr: float, mu: float = 0.9) -> Step:
    """The heavy ball: v ← mu v + grad, w ← w - lr v, from v = 0 (Polyak, 1964). mu in [0, 1)."""
    _check_step(w, grad, lr, mu=mu)
    v = mu * state.get("v", 0.0) + grad
    return w - lr * v, {"v": v}


def nesterov(w: np.ndarray, grad: np.ndarray, state: State, lr: float, mu: float = 0.9) -> Step:
    """Momentum with a look ahead: v ← mu v + grad, w ← w - lr (grad + mu v). mu in [0, 1).

    Nesterov (1983) takes the gradient at w - lr mu v. Here w stands at that point already, so
    that the closure is called where w is (Sutskever, Martens, Dahl & Hinton, 2013; torch.optim).
    """
    _check_step(w, grad, lr, mu=mu)
    v = mu * state.get("v", 0.0) + grad
    return w - lr * (grad + mu * v), {"v": v}


def adagrad(w: np.ndarray, grad: np.ndarray, state: State, lr: float, eps: float = 1e-10) -> Step:
    """A rate for each weight: s ← s + grad², w ← w - lr grad / (√s + eps) (Duchi et al., 2011)."""
    _check_step(w, grad, lr, eps=eps)
    s = state.get("s", 0.0) + grad**2
    return w - lr * grad / (np.sqrt(s) + eps), {"s": s}


def rmsprop(
    w: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
) -> Step:
    """Adagrad that forgets: s ← alpha s + (1 - alpha) grad², w ← w - lr grad / (√s + eps).

    alpha in [0, 1). s starts at 0, so that the first steps are long ones. Source: Tieleman &
    Hinton (2012), lecture 6e.
    """
    _check_step(w, grad, lr, eps=eps, alpha=alpha)
    s = alpha * state.get("s", 0.0) + (1 - alpha) * grad**2
    return w - lr * grad / (np.sqrt(s) + eps), {"s": s}


def adam(
    w: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Step:
    """Momentum and a rate for each weight, both corrected for their start at 0.

    With t = 1, 2, … the number of the step:
        m ← beta1 m + (1 - beta1) grad        v ← beta2 v + (1 - beta2) grad²
        w ← w - lr m̂ / (√v̂ + eps),  m̂ = m / (1 - beta1ᵗ),  v̂ = v / (1 - beta2ᵗ)
    beta1, beta2 in [0, 1). Source: Kingma & Ba (2015), algorithm 1.
    """
    _check_step(w, grad, lr, eps=eps, beta1=beta1, beta2=beta2)
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"t": t, "m": m, "v": v}


# --- a direction of second order -------------------------------------------------------------


def lbfgs_direction(
    grad: np.ndarray, s_list: Sequence[np.ndarray], y_list: Sequence[np.ndarray]
) -> np.ndarray:
    """The direction -H grad of L-BFGS, H the inverse Hessian as the last steps show it.

    grad (D,); s_list, y_list: K arrays (D,) each, oldest first, s a step of w and y the change of
    the gradient over it. Returns (D,). Without pairs H is the identity. H starts as sᵀy / yᵀy of
    the newest pair times the identity. Raises ValueError where shapes or lengths do not fit, or a
    pair has not sᵀy > 0 (leave such pairs out). Source: Nocedal (1980), the two-loop recursion.
    """
    if len(s_list) != len(y_list):
        raise ValueError(
            f"s_list and y_list must be of one length, but hold {len(s_list)} and {len(y_list)}"
        )
    for k, pair in enumerate(zip(s_list, y_list, strict=True)):
        shapes = [np.shape(a) for a in pair]
        if shapes != [grad.shape] * 2:
            raise ValueError(f"pair {k} has shapes {shapes}, but must have grad's {grad.shape}")
        if not np.dot(*pair) > 0:
            raise ValueError(f"pair {k} has sᵀy = {np.dot(*pair)}, but needs sᵀy > 0: leave it out")

    pairs = [(s, y, 1 / (s @ y)) for s, y in zip(s_list, y_list, strict=True)]
    q, alphas = grad, []
    for s, y, rho in reversed(pairs):  # newest first
        alphas.append(rho * (s @ q))
        q = q - alphas[-1] * y
    if pairs:
        s, y, _ = pairs[-1]
        q = q * (s @ y) / (y @ y)
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):  # oldest first
        q = q + (alpha - rho * (y @ q)) * s
    return -q


# --- around a step ---------------------------------------------------------------------------


def minimize(
    feval: Callable[[np.ndarray], tuple[float, np.ndarray]],
    w: np.ndarray,
    step: Callable[[np.ndarray, np.ndarray, State], Step],
    num_steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Take num_steps steps from w; the last w, and the losses on the way.

    feval(w) returns the loss (a number) and its gradient, of w's shape. step(w, grad, state) is an
    optimiser with its lr bound. Returns w and losses (num_steps,), losses[t] before step t. The
    closure style of Torch's optim. Raises ValueError where num_steps is negative.
    """
    if num_steps < 0:
        raise ValueError(f"num_steps must be 0 or more, but is {num_steps}")
    state, losses = {}, np.empty(num_steps)
    for t in range(num_steps):
        losses[t], grad = feval(w)
        w, state = step(w, grad, state)
    return w, losses


def layer_learning_rates(
    names: Sequence[str], base_lr: float, multipliers: Mapping[str, float]
) -> dict[str, float]:
    """The learning rate of each layer: base_lr times its multiplier, 1 where none is given.

    A multiplier belongs to the layer of exactly that name; 0 freezes it; one for a layer that is
    not in names is left alone. Raises ValueError where a rate would be negative.
    """
    rates = {name: base_lr * multipliers.get(name, 1.0) for name in names}
    for name, rate in rates.items():
        if not rate >= 0:
            raise ValueError(f"the learning rate of {name!r} must be >= 0, but is {rate}")
    return rates


def _check_step(
    w: np.ndarray, grad: np.ndarray, lr: float, eps: float = 1.0, **decays: float
) -> None:
    """ValueError for what a step cannot take; decays are the factors that must be in [0, 1)."""
    if np.shape(grad) != np.shape(w):
        raise ValueError(f"grad has shape {np.shape(grad)}, but must have w's, {np.shape(w)}")
    if not np.all(np.isfinite(grad)):
        bad = np.sum(~np.isfinite(grad))
        raise ValueError(
            f"grad must be finite, but {bad} of {np.size(grad)} entries are not: "
            "if the loss has diverged, try a smaller lr"
        )
    for name, value in {"lr": lr, "eps": eps}.items():
        if not value >= 0:
            raise ValueError(f"{name} must be >= 0, but is {value}")
    for name, value in decays.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be in [0, 1), but is {value}")
