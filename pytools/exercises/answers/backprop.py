"""What the checks of 01_backprop know: the references, and the wrong solutions people write.

A wrong solution is complete and plausible; its hint points at the thought that went astray and
does not say the line to write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pytools.exercise import Answer, Misconception
from pytools.scratch import backprop

# --- graph_gradients -------------------------------------------------------------------------


def own_factor(x, y, z):
    return np.sum(x * y + z), x, y, np.ones_like(z)


def scalar_for_z(x, y, z):
    return np.sum(x * y + z), y, x, 1.0


def mean_for_sum(x, y, z):
    n = x.size
    return np.mean(x * y + z), y / n, x / n, np.ones_like(z) / n


def summed_gradient(x, y, z):
    ones = np.ones_like(z)
    return np.sum(x * y + z), np.sum(y) * ones, np.sum(x) * ones, ones


def constant_z(x, y, z):
    return np.sum(x * y + z), y, x, np.zeros_like(z)


def z_itself(x, y, z):
    return np.sum(x * y + z), y, x, z


# --- numerical_gradient ----------------------------------------------------------------------


def _entry_by_entry(quotient: Callable) -> Callable:
    """A gradient from `quotient(f, x, step, h)`, where step is h in one entry and 0 elsewhere."""

    def gradient(f, x, h=1e-5):
        x = np.array(x, dtype=np.float64)
        grad = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[index] = h
            grad[index] = quotient(f, x, step, h)
        return grad

    return gradient


one_sided = _entry_by_entry(lambda f, x, step, h: (f(x + step) - f(x)) / h)
divided_by_one_step = _entry_by_entry(lambda f, x, step, h: (f(x + step) - f(x - step)) / h)


def step_fixed(f, x, h=1e-5):
    return backprop.numerical_gradient(f, x, 1e-5)


def every_entry_moved(f, x, h=1e-5):
    slope = (f(x + h) - f(x - h)) / (2 * h)
    return np.full(np.shape(x), slope)


def not_restored(f, x, h=1e-5):
    x = np.asarray(x, dtype=np.float64)  # the caller's own array where it is float64 already
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        grad[index] = (above - f(x)) / (2 * h)
    return grad


def dtype_kept(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += np.asarray(h).astype(x.dtype)
        below[index] -= np.asarray(h).astype(x.dtype)
        grad[index] = (f(above) - f(below)) / (2 * h)
    return grad


def times_h(f, x, h=1e-5):
    return backprop.numerical_gradient(f, x, h) * h * h


def nothing_copied(f, x, h=1e-5):
    grad = np.zeros(np.shape(x))
    for index in np.ndindex(grad.shape):
        above = below = np.array(x, dtype=np.float64)  # one array under two names
        above[index] += h
        below[index] -= h
        grad[index] = (f(above) - f(below)) / (2 * h)
    return grad


# --- relative_error --------------------------------------------------------------------------


def ratio_of_maxima(a, b):
    return np.max(np.abs(a - b)) / max(1e-8, np.max(np.abs(a) + np.abs(b)))


def absolute_error(a, b):
    return np.max(np.abs(a - b))


def guard_forgotten(a, b):
    return np.max(np.abs(a - b) / (np.abs(a) + np.abs(b)))


def guard_added(a, b):
    return np.max(np.abs(a - b) / (1e-8 + np.abs(a) + np.abs(b)))


def sign_kept(a, b):
    return np.max((a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))


def mean_for_max(a, b):
    return np.mean(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))


def scale_of_a_alone(a, b):
    return np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a)))


def scale_of_b_alone(a, b):
    return np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(b)))


def scale_of_signed_sum(a, b):
    return np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a + b)))


# --- two_layer_loss --------------------------------------------------------------------------


def _two_layer(
    divisor: Callable = lambda pred: len(pred),
    slope: float = 2.0,
    relu: Callable = lambda before: np.maximum(before, 0),
    mask: Callable = lambda before, grad: before > 0,
    sign: float = 1.0,
    mean_of_gradient: bool = True,
) -> Callable:
    """The right net, with one of its parts replaced."""

    def two_layer_loss(x, y, w1, w2):
        before = x @ w1
        hidden = relu(before)
        pred = hidden @ w2
        error = pred - y
        loss = np.sum(error**2) / divisor(pred)
        grad_pred = sign * slope * error / (divisor(pred) if mean_of_gradient else 1)
        grad_hidden = grad_pred @ w2.T
        grad_before = grad_hidden * mask(before, grad_hidden)
        return loss, x.T @ grad_before, hidden.T @ grad_pred

    return two_layer_loss


sum_over_batch = _two_layer(divisor=lambda pred: 1)
mean_over_entries = _two_layer(divisor=lambda pred: pred.size)
factor_two_forgotten = _two_layer(slope=1.0)
relu_not_passed_back = _two_layer(mask=lambda before, grad: 1.0)
mask_from_gradient = _two_layer(mask=lambda before, grad: grad > 0)
slope_one_at_zero = _two_layer(mask=lambda before, grad: before >= 0)
relu_missing = _two_layer(relu=lambda before: before, mask=lambda before, grad: 1.0)


hidden_for_mask = _two_layer(mask=lambda before, grad: np.maximum(before, 0))
target_minus_prediction = _two_layer(sign=-1.0)
gradient_of_sum = _two_layer(mean_of_gradient=False)


# --- topological_order -----------------------------------------------------------------------


def children_first(root):
    return backprop.topological_order(root)[::-1]


def visited_forgotten(root):
    order = []
    for parent in root.parents:
        order += visited_forgotten(parent)
    return [*order, root]


def breadth_first(root):
    order, queue, seen = [], [root], {id(root)}
    while queue:
        node = queue.pop(0)
        order.append(node)
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                queue.append(parent)
    return order[::-1]


def root_left_out(root):
    return backprop.topological_order(root)[:-1]


def node_before_parents(root):
    order, seen = [], set()

    def visit(node: Any) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            order.append(node)
            for parent in node.parents:
                visit(parent)

    visit(root)
    return order


def marked_for_good(root):
    order = []

    def visit(node: Any) -> None:
        if not getattr(node, "seen", False):
            node.seen = True
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


def depth_first_reversed(root):
    return node_before_parents(root)[::-1]


# --- unbroadcast -----------------------------------------------------------------------------


def _reduced(grad: np.ndarray, shape: tuple, reduce: Callable, keepdims: bool = True) -> Any:
    """Reduce the leading axes, then the axes where shape has 1."""
    grad = reduce(grad, axis=tuple(range(grad.ndim - len(shape))))
    ones = tuple(i for i, n in enumerate(shape) if n == 1 and grad.shape[i] != 1)
    return reduce(grad, axis=ones, keepdims=keepdims)


def mean_for_sum_of_copies(grad, shape):
    return _reduced(grad, shape, np.mean)


def kept_axes_dropped(grad, shape):
    return _reduced(grad, shape, np.sum, keepdims=False)


def only_leading_axes(grad, shape):
    return np.sum(grad, axis=tuple(range(grad.ndim - len(shape))))


def only_axes_of_one(grad, shape):
    ones = tuple(i for i, n in enumerate(shape) if n == 1 and i < grad.ndim)
    return np.sum(grad, axis=ones, keepdims=True)


def first_copy_only(grad, shape):
    grad = grad[(0,) * (grad.ndim - len(shape))]
    return grad[tuple(slice(n) for n in shape)]


def only_first_axis(grad, shape):
    return grad if grad.shape == tuple(shape) else grad.sum(axis=0)


# --- matmul_backward -------------------------------------------------------------------------


def transposes_forgotten(grad, a, b):
    return grad @ b, a @ grad


def results_swapped(grad, a, b):
    return a.T @ grad, grad @ b.T


def result_transposed(grad, a, b):
    return b @ grad.T, grad.T @ a


def averaged_over_rows(grad, a, b):
    return grad @ b.T / len(a), a.T @ grad / len(a)


def factors_not_exchanged(grad, a, b):
    return grad @ a.T, b.T @ grad


def sides_exchanged(grad, a, b):
    return b.T @ grad, grad @ a.T


ANSWERS = {
    "graph_gradients": Answer(
        backprop.graph_gradients,
        [
            Misconception(
                "own_factor",
                "Move one entry of x a little: by how much does c move? Is it x that decides that?",
                own_factor,
            ),
            Misconception(
                "scalar_for_z",
                "A gradient has one entry for each entry of what it belongs to, equal or not.",
                scalar_for_z,
            ),
            Misconception(
                "mean_for_sum",
                "Read the last step of the graph again: nothing there divides.",
                mean_for_sum,
            ),
            Misconception(
                "summed_gradient",
                "Entry i of x meets entry i of y only: why should the other entries matter to it?",
                summed_gradient,
            ),
            Misconception(
                "constant_z",
                "z is added, not left out: what does c do when one entry of z grows by 1?",
                constant_z,
            ),
            Misconception(
                "z_itself",
                "By how much does c grow when an entry of z grows by 1, large or small?",
                z_itself,
            ),
        ],
    ),
    "numerical_gradient": Answer(
        backprop.numerical_gradient,
        [
            Misconception(
                "one_sided",
                "Which points does the central difference look at? Yours looks at x itself.",
                one_sided,
            ),
            Misconception(
                "divided_by_one_step",
                "How far apart are the two points at which you call f?",
                divided_by_one_step,
            ),
            Misconception(
                "times_h",
                "Python divides first and multiplies then: what does your last line do with h?",
                times_h,
            ),
            Misconception(
                "step_fixed",
                "Your caller chose a step. Do you use it?",
                step_fixed,
            ),
            Misconception(
                "every_entry_moved",
                "A partial derivative moves one entry while all others stand still.",
                every_entry_moved,
            ),
            Misconception(
                "not_restored",
                "When the second entry moves, where does the first one stand? And after the end?",
                not_restored,
            ),
            Misconception(
                "nothing_copied",
                "Two names for one array: when one steps to the left, where is the other?",
                nothing_copied,
            ),
            Misconception(
                "dtype_kept",
                "Can the array that you move hold a number as small as h beside its entries?",
                dtype_kept,
            ),
        ],
    ),
    "relative_error": Answer(
        backprop.relative_error,
        [
            Misconception(
                "ratio_of_maxima",
                "Each entry has its own scale. When is the largest looked for: before or after?",
                ratio_of_maxima,
            ),
            Misconception(
                "absolute_error",
                "An error of 0.1 is small beside 1000 and large beside 0.1: where does that enter?",
                absolute_error,
            ),
            Misconception(
                "guard_forgotten",
                "What does your quotient give where both entries are 0?",
                guard_forgotten,
            ),
            Misconception(
                "guard_added",
                "The guard replaces a denominator that is too small; it does not shift the others.",
                guard_added,
            ),
            Misconception(
                "sign_kept",
                "An error of -5 is not smaller than one of 1.",
                sign_kept,
            ),
            Misconception(
                "mean_for_max",
                "One wrong entry among a thousand right ones must not disappear.",
                mean_for_max,
            ),
            Misconception(
                "scale_of_a_alone",
                "Exchange a and b: the error should stay what it is.",
                scale_of_a_alone,
            ),
            Misconception(
                "scale_of_b_alone",
                "Exchange a and b: the error should stay what it is.",
                scale_of_b_alone,
            ),
            Misconception(
                "scale_of_signed_sum",
                "What is your scale where the two have opposite signs?",
                scale_of_signed_sum,
            ),
        ],
    ),
    "two_layer_loss": Answer(
        backprop.two_layer_loss,
        [
            Misconception(
                "sum_over_batch",
                "Double the batch by repeating it: the loss should stay what it is.",
                sum_over_batch,
            ),
            Misconception(
                "mean_over_entries",
                "Over what is the mean taken, and over what the sum? Count both for your batch.",
                mean_over_entries,
            ),
            Misconception(
                "factor_two_forgotten",
                "Differentiate the square once more, slowly.",
                factor_two_forgotten,
            ),
            Misconception(
                "target_minus_prediction",
                "Where the prediction is too large, the loss grows with it: which sign is that?",
                target_minus_prediction,
            ),
            Misconception(
                "gradient_of_sum",
                "The loss is a mean. Is the gradient that of a mean, too?",
                gradient_of_sum,
            ),
            Misconception(
                "relu_not_passed_back",
                "A hidden unit that the ReLU set to 0 did not change the loss. Does its gradient?",
                relu_not_passed_back,
            ),
            Misconception(
                "mask_from_gradient",
                "The ReLU decides on the way forward who is silent. What did it look at then?",
                mask_from_gradient,
            ),
            Misconception(
                "hidden_for_mask",
                "The ReLU passes a gradient on or stops it; it does not make it larger.",
                hidden_for_mask,
            ),
            Misconception(
                "slope_one_at_zero",
                "Here the slope of the ReLU at exactly 0 is agreed to be 0.",
                slope_one_at_zero,
            ),
            Misconception(
                "relu_missing",
                "Without something between them, two matrices are one. What stands between yours?",
                relu_missing,
            ),
        ],
    ),
    "topological_order": Answer(
        backprop.topological_order,
        [
            Misconception(
                "children_first",
                "Who must be computed first: a node, or the nodes that feed it?",
                children_first,
            ),
            Misconception(
                "visited_forgotten",
                "A node that is used twice is reached twice. How do you notice?",
                visited_forgotten,
            ),
            Misconception(
                "breadth_first",
                "A node may be near the root on one path and far on another: which one decides?",
                breadth_first,
            ),
            Misconception(
                "root_left_out",
                "The root is a node as well.",
                root_left_out,
            ),
            Misconception(
                "node_before_parents",
                "At which moment of the visit may a node be written down?",
                node_before_parents,
            ),
            Misconception(
                "marked_for_good",
                "The same graph is walked again at the next step. What does your second call find?",
                marked_for_good,
            ),
            Misconception(
                "depth_first_reversed",
                "A node that is used twice: does it stand before both of its users?",
                depth_first_reversed,
            ),
        ],
    ),
    "unbroadcast": Answer(
        backprop.unbroadcast,
        [
            Misconception(
                "mean_for_sum_of_copies",
                "An entry that was used five times has five ways to change the result.",
                mean_for_sum_of_copies,
            ),
            Misconception(
                "kept_axes_dropped",
                "An axis of length 1 is an axis: it has to be there in the end.",
                kept_axes_dropped,
            ),
            Misconception(
                "only_leading_axes",
                "Broadcasting adds axes on the left, and it does one thing more.",
                only_leading_axes,
            ),
            Misconception(
                "only_axes_of_one",
                "Broadcasting stretches axes of length 1, and it does one thing more.",
                only_axes_of_one,
            ),
            Misconception(
                "only_first_axis",
                "Compare the two shapes axis by axis: which axes are new, which were stretched?",
                only_first_axis,
            ),
            Misconception(
                "first_copy_only",
                "All copies of an entry send a gradient back. You listen to one of them.",
                first_copy_only,
            ),
        ],
    ),
    "matmul_backward": Answer(
        backprop.matmul_backward,
        [
            Misconception(
                "transposes_forgotten",
                "Write the three shapes down: which product of two of them has the third's shape?",
                transposes_forgotten,
            ),
            Misconception(
                "results_swapped",
                "Which of the two does the caller take first?",
                results_swapped,
            ),
            Misconception(
                "result_transposed",
                "A gradient has the shape of what it belongs to.",
                result_transposed,
            ),
            Misconception(
                "averaged_over_rows",
                "A product has no mean in it. If the loss had one, grad brings it along already.",
                averaged_over_rows,
            ),
            Misconception(
                "factors_not_exchanged",
                "How far the product moves with one factor is decided by the other one.",
                factors_not_exchanged,
            ),
            Misconception(
                "sides_exchanged",
                "A matrix product is not symmetric: on which side did each factor stand?",
                sides_exchanged,
            ),
        ],
    ),
}
