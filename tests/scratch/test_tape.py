"""The tape against central differences and against torch, on shapes that hypothesis draws."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from pytools.data import digits
from pytools.scratch import Tensor, cross_entropy, numerical_gradient, two_layer_loss

seeds = st.integers(0, 2**32 - 1)
shapes = array_shapes(min_dims=0, max_dims=3, max_side=3)
shape_pairs = mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
properties = settings(max_examples=50, deadline=None)

BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "used twice": lambda a, b: a * b + a,
}
UNARY = {
    "neg": lambda a: -a,
    "power": lambda a: a**3,
    "root": lambda a: a**0.5,
    "exp": lambda a: a.exp(),
    "log": lambda a: a.log(),
    "relu": lambda a: (a - 1.0).relu(),
    "number first": lambda a: 2.0 - 3.0 / a + 1.0 * a,
    "squared by product": lambda a: a * a,
}


def positive(rng, *shape):
    """Numbers that may be divided by and have a logarithm, away from the kink of relu(a - 1)."""
    return rng.uniform(0.5, 0.9, shape) + rng.integers(0, 2, shape)


def check_gradients(f, *arrays):
    """Value and gradients of f on the tape agree with torch's and with central differences."""
    weights = np.cos(np.arange(f(*map(Tensor, arrays)).data.size))  # no two entries count alike

    def loss_on_tape(*tensors):
        out = f(*tensors)
        return (out * weights.reshape(out.data.shape)).sum()

    tensors = [Tensor(array) for array in arrays]
    loss = loss_on_tape(*tensors)
    loss.backward()

    twins = [torch.tensor(array, requires_grad=True) for array in arrays]
    out = f(*twins)
    torch_loss = (out * torch.tensor(weights).reshape(out.shape)).sum()
    torch_loss.backward()

    np.testing.assert_allclose(loss.data, torch_loss.detach().numpy(), rtol=1e-12, atol=1e-12)
    for i, (tensor, twin) in enumerate(zip(tensors, twins, strict=True)):
        assert tensor.grad.shape == arrays[i].shape
        np.testing.assert_allclose(tensor.grad, twin.grad.numpy(), rtol=1e-12, atol=1e-12)
        numeric = numerical_gradient(
            lambda array, i=i: (
                loss_on_tape(*map(Tensor, [*arrays[:i], array, *arrays[i + 1 :]])).data
            ),
            arrays[i],
        )
        np.testing.assert_allclose(tensor.grad, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", BINARY)
@given(pair=shape_pairs, seed=seeds)
@properties
def test_operations_on_two_tensors_broadcast(name, pair, seed):
    rng = np.random.default_rng(seed)
    check_gradients(BINARY[name], *(positive(rng, *shape) for shape in pair.input_shapes))


@pytest.mark.parametrize("name", UNARY)
@given(shape=shapes, seed=seeds)
@properties
def test_operations_on_one_tensor(name, shape, seed):
    check_gradients(UNARY[name], positive(np.random.default_rng(seed), *shape))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@given(shape=shapes, seed=seeds, keepdims=st.booleans(), data=st.data())
@properties
def test_reductions(reduction, shape, seed, keepdims, data):
    axes = st.integers(-len(shape), len(shape) - 1) if shape else st.none()
    axis = data.draw(st.none() | axes, label="axis")
    assume(axis is not None or not keepdims)  # torch has no such call
    options = {} if axis is None else {"axis": axis, "keepdims": keepdims}
    array = positive(np.random.default_rng(seed), *shape)
    check_gradients(lambda a: getattr(a, reduction)(**options) ** 2, array)


def test_reduction_over_two_axes_and_over_all_with_keepdims():
    array = positive(np.random.default_rng(0), 2, 3, 4)
    check_gradients(lambda a: a.sum(axis=(0, -1)) ** 2, array)
    tensor = Tensor(array)
    total = tensor.sum(keepdims=True)
    assert total.data.shape == (1, 1, 1)
    (total**2).sum().backward()
    np.testing.assert_allclose(tensor.grad, 2 * array.sum() * np.ones(array.shape))


@given(sizes=st.tuples(*[st.integers(1, 4)] * 3), seed=seeds)
@properties
def test_matrix_product(sizes, seed):
    rng, (n, d, m) = np.random.default_rng(seed), sizes
    check_gradients(lambda a, b: a @ b, rng.standard_normal((n, d)), rng.standard_normal((d, m)))


def test_matrix_product_of_stacks_broadcasts():
    rng = np.random.default_rng(0)
    check_gradients(lambda a, b: a @ b, rng.standard_normal((3, 3, 3)), rng.standard_normal((3, 3)))


@given(sizes=st.tuples(*[st.integers(1, 6)] * 4), seed=seeds)
@properties
def test_two_layer_net_equals_the_gradient_by_hand(sizes, seed):
    rng, (n, d, h, o) = np.random.default_rng(seed), sizes
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, o))
    w1, w2 = Tensor(rng.standard_normal((d, h))), Tensor(rng.standard_normal((h, o)))
    loss = (((x @ w1).relu() @ w2 - y) ** 2).sum(axis=1).mean()
    loss.backward()
    by_hand = two_layer_loss(x, y, w1.data, w2.data)
    for ours, theirs in zip((loss.data, w1.grad, w2.grad), by_hand, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@given(n=st.integers(1, 5), c=st.integers(1, 5), scale=st.sampled_from([1.0, 1e4]), seed=seeds)
@properties
def test_cross_entropy_equals_torch(n, c, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = Tensor(scale * rng.standard_normal((n, c))), rng.integers(0, c, n)
    loss = cross_entropy(scores, labels)
    loss.backward()
    twin = torch.tensor(scores.data, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(twin, torch.tensor(labels))
    expected.backward()
    np.testing.assert_allclose(loss.data, expected.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(scores.grad, twin.grad.numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(dtype):
    rng = np.random.default_rng(0)
    w1, b1 = Tensor(rng.random((3, 4), dtype)), Tensor(rng.random(4, dtype))
    x = rng.random((5, 3))  # float64: a constant takes the Tensor's dtype
    hidden = 0.5 - (x @ w1 + b1).relu() / 2 + np.float64(1)
    loss = cross_entropy(hidden, np.array([0, 1, 2, 3, 0]))
    loss.backward()
    nodes = [hidden, loss, w1, b1]
    assert {node.data.dtype for node in nodes} | {node.grad.dtype for node in nodes} == {
        np.dtype(dtype)
    }


def test_integers_become_float64_and_arrays_are_not_copied():
    assert Tensor([1, 2]).data.dtype == np.float64
    array = np.zeros(3, np.float32)
    assert Tensor(array).data is array


def test_unsigned_constants_are_not_wrapped_around():
    a = Tensor(np.array([1.0, 2.0]))
    np.testing.assert_array_equal((a - np.array([3, 4], np.uint8)).data, [-2.0, -2.0])
    np.testing.assert_array_equal((a / np.array([2, 4])).data, [0.5, 0.5])


def test_backward_starts_afresh():
    a = Tensor([1.0, 2.0])
    loss = (a * a).sum()
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(a.grad, [2.0, 4.0])


def test_a_graph_deeper_than_the_recursion_limit():
    a = Tensor(1.0)
    deep = a
    for _ in range(20_000):
        deep = deep + a
    deep.backward()
    assert a.grad == 20_001


def test_backward_needs_a_single_number():
    with pytest.raises(ValueError, match=r"shape \(2,\): take \.sum\(\) or \.mean\(\) first"):
        (Tensor([1.0, 2.0]) * 2).backward()


def test_vectors_in_a_matrix_product_are_refused():
    with pytest.raises(ValueError):
        (Tensor([1.0, 2.0]) @ Tensor([3.0, 4.0])).backward()


@pytest.mark.parametrize("seed", range(5))
def test_the_tape_learns_digits(seed):
    """A net 64-64-10 reaches 0.94 on digits that it has not seen: 20 epochs of batches of 32."""
    (x, y), (test_x, test_y) = digits("train"), digits("test")
    x, test_x = x.reshape(len(x), 64), test_x.reshape(len(test_x), 64)
    rng = np.random.default_rng(seed)
    w1, b1 = Tensor(rng.normal(0, np.sqrt(2 / 64), (64, 64))), Tensor(np.zeros(64))
    w2, b2 = Tensor(rng.normal(0, np.sqrt(2 / 64), (64, 10))), Tensor(np.zeros(10))
    for _ in range(20):
        for batch in np.array_split(rng.permutation(len(x)), len(x) // 32):
            cross_entropy((x[batch] @ w1 + b1).relu() @ w2 + b2, y[batch]).backward()
            for parameter in (w1, b1, w2, b2):
                parameter.data -= 0.3 * parameter.grad
    scores = (test_x @ w1 + b1).relu() @ w2 + b2
    assert np.mean(scores.data.argmax(axis=1) == test_y) >= 0.94
