"""The references of 01's exercises, against torch and against their definitions."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from pytools.scratch import (
    check_gradient,
    graph_gradients,
    matmul_backward,
    numerical_gradient,
    relative_error,
    topological_order,
    train_two_layer,
    two_layer_loss,
    unbroadcast,
)

seeds = st.integers(0, 2**32 - 1)
properties = settings(max_examples=50, deadline=None)


def torch_gradients(f, *arrays):
    """Value of f and its gradient for each array, by torch."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = f(*tensors)
    value.backward()
    return value.item(), *(tensor.grad.numpy() for tensor in tensors)


@given(shape=array_shapes(max_dims=3, max_side=4), seed=seeds)
@properties
def test_graph_gradients(shape, seed):
    arrays = np.random.default_rng(seed).standard_normal((3, *shape))
    expected = torch_gradients(lambda x, y, z: (x * y + z).sum(), *arrays)
    for ours, theirs in zip(graph_gradients(*arrays), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@given(shape=array_shapes(min_dims=0, max_dims=3, max_side=3), seed=seeds)
@properties
def test_numerical_gradient_of_a_cubic(shape, seed):
    """Central differences of a cubic are off by exactly h² times the cubic's factor."""
    rng = np.random.default_rng(seed)
    x, weights, h = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape), 0.01
    grad = numerical_gradient(lambda a: np.sum(weights * a**3), x, h)
    assert grad.shape == x.shape
    np.testing.assert_allclose(grad, weights * (3 * x**2 + h**2), atol=1e-10)


@pytest.mark.parametrize("x", [[1, 2], np.array([[1], [2]]), np.array([1, 2], np.float32), 3.0])
def test_numerical_gradient_works_in_float64_and_leaves_x(x):
    before = np.array(x)
    grad = numerical_gradient(lambda a: np.sum(a**2), x)
    assert grad.dtype == np.float64
    np.testing.assert_allclose(grad, 2 * before, atol=1e-9)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_works_on_views_and_on_read_only_arrays():
    x = np.arange(6.0).reshape(2, 3).T
    x.flags.writeable = False
    grad = numerical_gradient(lambda a: np.sum(a**2), x)
    np.testing.assert_allclose(grad, 2 * x, atol=1e-9)


def test_relative_error_is_the_worst_entry():
    assert relative_error([1.0, 1.0], [1.0, 3.0]) == 0.5
    assert relative_error(2.0, 2.0) == 0.0
    assert relative_error([1.0], [-1.0]) == 1.0
    assert relative_error(0.0, 1e-9) == pytest.approx(0.1)  # the floor of 1e-8
    assert np.isnan(relative_error([1.0, np.nan], [1.0, 1.0]))
    assert isinstance(relative_error(np.float32(1), np.float32(2)), float)


def test_check_gradient_tells_right_from_wrong():
    x = np.linspace(0.5, 1.5, 4)
    assert check_gradient(lambda a: np.sum(np.exp(a)), x, np.exp(x)) < 1e-8
    assert check_gradient(lambda a: np.sum(np.exp(a)), x, 1.1 * np.exp(x)) > 0.04
    with pytest.raises(ValueError, match=r"grad has shape \(1,\) but x has shape \(4,\)"):
        check_gradient(np.sum, x, np.ones(1))


@given(sizes=st.tuples(*[st.integers(1, 6)] * 4), seed=seeds)
@properties
def test_two_layer_loss_against_torch(sizes, seed):
    rng, (n, d, h, o) = np.random.default_rng(seed), sizes
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, o))
    w1, w2 = rng.standard_normal((d, h)), rng.standard_normal((h, o))

    def loss(w1, w2):
        pred = (torch.tensor(x) @ w1).relu() @ w2
        return ((pred - torch.tensor(y)) ** 2).sum(dim=1).mean()

    for ours, theirs in zip(
        two_layer_loss(x, y, w1, w2), torch_gradients(loss, w1, w2), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_two_layer_loss_against_central_differences():
    rng = np.random.default_rng(0)
    x, y, w1, w2 = (rng.standard_normal(s) for s in [(5, 4), (5, 2), (4, 3), (3, 2)])
    _, grad_w1, grad_w2 = two_layer_loss(x, y, w1, w2)
    assert check_gradient(lambda w: two_layer_loss(x, y, w, w2)[0], w1, grad_w1) < 1e-6
    assert check_gradient(lambda w: two_layer_loss(x, y, w1, w)[0], w2, grad_w2) < 1e-6


def test_the_slope_of_relu_at_zero_is_zero():
    _, grad_w1, _ = two_layer_loss(
        np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 2)), np.ones((2, 1))
    )
    np.testing.assert_array_equal(grad_w1, np.zeros((1, 2)))


def test_float32_stays_float32():
    arrays = [np.ones(shape, np.float32) for shape in [(5, 4), (5, 2), (4, 3), (3, 2)]]
    assert {np.asarray(result).dtype for result in two_layer_loss(*arrays)} == {np.dtype("float32")}


def test_train_two_layer_descends_and_leaves_its_inputs():
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(s) for s in [(64, 1000), (64, 10), (1000, 100), (100, 10)]]
    before = [array.copy() for array in inputs]
    losses, w1, w2 = train_two_layer(*inputs, lr=3e-5, steps=100)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert losses.shape == (100,)
    assert losses[0] == two_layer_loss(*inputs)[0]
    assert two_layer_loss(*inputs[:2], w1, w2)[0] < losses[-1] < 1e-3 * losses[0]


def node(*parents):
    return SimpleNamespace(parents=parents)


def check_order(order, nodes):
    """Each node once, each after its parents; compared by identity."""
    position = {id(each): i for i, each in enumerate(order)}
    assert len(order) == len(position)
    assert position.keys() == {id(each) for each in nodes}
    for each in order:
        assert all(position[id(parent)] < position[id(each)] for parent in each.parents)


@given(data=st.data())
@properties
def test_topological_order_of_random_graphs(data):
    nodes = [node()]
    for _ in range(data.draw(st.integers(0, 15))):
        nodes.append(node(*data.draw(st.lists(st.sampled_from(nodes), max_size=3))))
    root = node(*nodes)
    order = topological_order(root)
    check_order(order, [*nodes, root])
    assert order[-1] is root


def test_topological_order_compares_by_identity():
    """SimpleNamespaces with equal contents are equal, and yet two nodes."""
    left, right = node(), node()
    assert left == right
    root = node(left, right, left)
    check_order(topological_order(root), [left, right, root])


def test_topological_order_is_quick_where_paths_are_many_and_deep():
    """5,000 diamonds in a row: 2**5000 paths, and deeper than Python's recursion limit."""
    last, count = node(), 1
    for _ in range(5_000):
        last, count = node(node(last), node(last)), count + 3
    assert len(topological_order(last)) == count


@given(
    pair=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0),
    seed=seeds,
)
@properties
def test_unbroadcast_is_the_adjoint_of_broadcasting(pair, seed):
    """<broadcast(a), grad> = <a, unbroadcast(grad)> for every a."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(pair.input_shapes[0])
    grad = rng.standard_normal(pair.result_shape)
    back = unbroadcast(grad, a.shape)
    assert back.shape == a.shape
    np.testing.assert_allclose(
        np.sum(np.broadcast_to(a, grad.shape) * grad), np.sum(a * back), atol=1e-12
    )


@given(sizes=st.tuples(*[st.integers(1, 4)] * 3), seed=seeds)
@properties
def test_matmul_backward(sizes, seed):
    rng, (n, d, m) = np.random.default_rng(seed), sizes
    a, b, grad = (rng.standard_normal(s) for s in [(n, d), (d, m), (n, m)])
    expected = torch_gradients(lambda a, b: ((a @ b) * torch.tensor(grad)).sum(), a, b)
    for ours, theirs in zip(matmul_backward(grad, a, b), expected[1:], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
