"""Backpropagation by hand: gradients of small graphs, their numerical check, the two-layer net.

Sources: Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating errors;
Baydin, Pearlmutter, Radul & Siskind (2018), Automatic differentiation in machine learning: a
survey (its section 3.2 is reverse mode).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def graph_gradients(
    x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Value and gradients of c = sum(x * y + z).

    x, y, z: float arrays of one shape. Returns c (a number) and grad_x, grad_y, grad_z, each of
    that shape: grad_x = y, grad_y = x, grad_z = 1 in every entry (chain rule; Rumelhart, Hinton &
    Williams, 1986).
    """
    return np.sum(x * y + z), y, x, np.ones_like(z)


def numerical_gradient(
    f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5
) -> np.ndarray:
    """Gradient of f at x by central differences, (f(x + h e) - f(x - h e)) / 2h for each entry.

    f maps an array of x's shape to a number; x: array of any shape, taken as float64 and left
    unchanged. Returns float64 of x's shape. The error is O(h²) from the formula plus about
    1e-16 |f| / h from rounding. It calls f twice per entry: for checking, not for training.
    Source: the central difference quotient; Baydin et al. (2018), section 2.1.
    """
    x = np.array(x, dtype=np.float64)
    grad = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        x[index] = value
        grad[index] = (above - below) / (2 * h)
    return grad


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """The largest |a - b| / max(1e-8, |a| + |b|) over all entries; 0 for equal arrays, at most 1.

    a, b: arrays of one shape, or numbers. Below 1e-6 two gradients agree; above 1e-2 one of them
    is wrong. The floor 1e-8 keeps two zeros from dividing by zero.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return float(np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)), initial=0.0))


def check_gradient(
    f: Callable[[np.ndarray], float], x: np.ndarray, grad: np.ndarray, h: float = 1e-5
) -> float:
    """Relative error of `grad`, claimed to be the gradient of f at x, to central differences.

    f, x, h: as in numerical_gradient. Raises ValueError when grad has not the shape of x, which
    broadcasting would hide.
    """
    if np.shape(grad) != np.shape(x):
        raise ValueError(
            f"grad has shape {np.shape(grad)} but x has shape {np.shape(x)}: "
            "a gradient has the shape of what it is taken for"
        )
    return relative_error(grad, numerical_gradient(f, x, h))


def two_layer_loss(
    x: np.ndarray, y: np.ndarray, w1: np.ndarray, w2: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """L2 loss of the two-layer ReLU net relu(x w1) w2, and its gradients, derived by hand.

    x (N, D), y (N, O), w1 (D, H), w2 (H, O), floats; no biases. loss = 1/N Σ_n ‖pred_n - y_n‖²,
    a number: the mean over the batch of the row sums of squares. Returns loss, grad_w1 (D, H),
    grad_w2 (H, O) in the dtype of the inputs; relu'(0) = 0.
    Source: Rumelhart, Hinton & Williams (1986).
    """
    hidden = np.maximum(x @ w1, 0)
    diff = hidden @ w2 - y
    loss = np.sum(diff**2) / len(x)

    grad_pred = 2 * diff / len(x)
    grad_hidden, grad_w2 = matmul_backward(grad_pred, hidden, w2)
    grad_w1 = x.T @ (grad_hidden * (hidden > 0))
    return loss, grad_w1, grad_w2


def train_two_layer(
    x: np.ndarray, y: np.ndarray, w1: np.ndarray, w2: np.ndarray, lr: float, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradient descent on two_layer_loss over the whole batch; the inputs stay unchanged.

    Shapes as in two_layer_loss; lr: step size. Returns losses (steps,), where losses[t] is the
    loss before step t, and the last w1 and w2.
    """
    losses = np.empty(steps)
    for t in range(steps):
        losses[t], grad_w1, grad_w2 = two_layer_loss(x, y, w1, w2)
        w1, w2 = w1 - lr * grad_w1, w2 - lr * grad_w2
    return losses, w1, w2


def topological_order(root: Any) -> list:
    """All nodes of the graph that ends in root, parents before children, each node once.

    A node is any object with `.parents`, the nodes that feed it; nodes are compared by identity.
    Root comes last. A depth-first search with a stack of its own, so that a deep graph does not
    meet Python's recursion limit (Baydin et al., 2018: the order of the reverse sweep, reversed).
    """
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


def unbroadcast(grad: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Sum `grad` over the axes that broadcasting added or stretched, back to `shape`.

    grad: array of any shape that `shape` broadcasts to. Returns an array of `shape`: an entry
    that was used many times collects the gradients of all its uses. Dtype stays.
    """
    added = grad.ndim - len(shape)
    repeated = tuple(
        axis for axis in range(grad.ndim) if axis < added or shape[axis - added] != grad.shape[axis]
    )
    return grad.sum(axis=repeated).reshape(shape) if repeated else grad


def matmul_backward(
    grad: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of a loss for a and b, given `grad`, its gradient for the product a @ b.

    a (N, D), b (D, M), grad (N, M), one float dtype. Returns grad_a (N, D) = grad bᵀ and
    grad_b (D, M) = aᵀ grad. Stacks of matrices work too; vectors raise ValueError.
    """
    return grad @ b.mT, a.mT @ grad
