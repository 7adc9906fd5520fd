"""A right solution passes however it is written: loops, lists, float32, torch, generators."""

import numpy as np
import pytest
import torch

from pytools import check


def in_single_precision(x, y, z):
    x, y, z = np.float32(x), np.float32(y), np.float32(z)
    return [float((x * y + z).sum()), y.tolist(), x, np.ones(z.shape, np.float32)]


def in_loops(x, y, z):
    c = 0.0
    for index in np.ndindex(x.shape):
        c += x[index] * y[index] + z[index]
    return np.array([c]), np.asfortranarray(y), x.copy(), np.ones(x.shape, int)


def by_torch(x, y, z):
    tensors = [torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in (x, y, z)]
    c = (tensors[0] * tensors[1] + tensors[2]).sum()
    c.backward()
    return c, *[t.grad for t in tensors]


def two_layer_in_single_precision(x, y, w1, w2):
    x, y, w1, w2 = (a.astype(np.float32) for a in (x, y, w1, w2))
    hidden = np.maximum(x @ w1, 0)
    error = hidden @ w2 - y
    grad = 2 * error / len(x)
    return [(error**2).sum(1).mean(), x.T @ ((grad @ w2.T) * (hidden > 0)), hidden.T @ grad]


def moves_the_array_and_restores_it(f, x, h=1e-5):
    x = np.asarray(x, float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        grad[index] = (above - f(x)) / (2 * h)
        x[index] += h  # off by rounding: that is no change
    return grad


def one_unit_vector_at_a_time(f, x, h=1e-5):
    x = np.array(x, float)
    units = np.eye(x.size).reshape(-1, *x.shape)
    slopes = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in units]
    return np.array(slopes).reshape(x.shape).tolist()


def in_plain_python(a, b):
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    return max(abs(p - q) / max(1e-8, abs(p) + abs(q)) for p, q in pairs)


def with_a_dict_of_nodes(root):
    done = {}

    def visit(node):
        if node not in done:
            for parent in node.parents:
                visit(parent)
            done[node] = True

    visit(root)
    return tuple(done)


def as_a_generator(root):
    def visit(node, seen):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                yield from visit(parent, seen)
            yield node

    return visit(root, set())


def by_counting_children(root):
    """Kahn's algorithm, from the root backwards."""
    nodes, uses = [root], {id(root): 0}
    for node in nodes:
        for parent in node.parents:
            if id(parent) not in uses:
                uses[id(parent)] = 0
                nodes.append(parent)
            uses[id(parent)] += 1
    order, free = [], [root]
    while free:
        node = free.pop()
        order.insert(0, node)
        for parent in node.parents:
            uses[id(parent)] -= 1
            if uses[id(parent)] == 0:
                free.append(parent)
    return order


def axis_by_axis(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, length in enumerate(shape):
        if length == 1:
            grad = grad.sum(axis, keepdims=True)
    return grad


def by_einsum(grad, a, b):
    grad_b = np.einsum("ji,jk->ik", a, grad)
    return np.einsum("ij,kj->ik", grad, b), [list(row) for row in grad_b]


RIGHT = [
    ("graph_gradients", in_single_precision),
    ("graph_gradients", in_loops),
    ("graph_gradients", by_torch),
    ("numerical_gradient", moves_the_array_and_restores_it),
    ("numerical_gradient", one_unit_vector_at_a_time),
    ("relative_error", in_plain_python),
    ("two_layer_loss", two_layer_in_single_precision),
    ("topological_order", with_a_dict_of_nodes),
    ("topological_order", as_a_generator),
    ("topological_order", by_counting_children),
    ("unbroadcast", axis_by_axis),
    ("matmul_backward", by_einsum),
]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[f.__name__ for _, f in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(20):
        earned = check(f"backprop.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, capsys.readouterr().out
