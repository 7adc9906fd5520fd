"""The references of 02 against torch, SciPy and central differences, and what they refuse."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from pytools.scratch import (
    activation,
    activation_grad,
    dead_relu_fraction,
    init_weights,
    knn_predict,
    mean_center,
    numerical_gradient,
    pairwise_distance,
    softmax_cross_entropy,
)

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 8)
properties = settings(max_examples=50, deadline=None)
NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
SCIPY = {"l1": "cityblock", "l2": "euclidean"}
NAN = np.full((2, 3), np.nan)


# --- pairwise_distance -----------------------------------------------------------------------


@given(n=sizes, m=sizes, d=sizes, metric=st.sampled_from(["l1", "l2"]), seed=seeds)
@properties
def test_distance_is_scipys(n, m, d, metric, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    expected = cdist(a, b, SCIPY[metric])
    np.testing.assert_allclose(pairwise_distance(a, b, metric), expected, rtol=1e-9, atol=1e-12)
    single = pairwise_distance(np.float32(a), np.float32(b), metric)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-5)


@given(n=sizes, d=sizes, scale=st.sampled_from([1e-8, 1.0, 1e8]), seed=seeds)
@properties
def test_equal_rows_are_at_distance_0_wherever_they_lie(n, d, scale, seed):
    a = np.random.default_rng(seed).standard_normal((n, d)) * scale + 1e3 * scale
    for metric in SCIPY:
        distance = pairwise_distance(a, a.copy(), metric)
        np.testing.assert_array_equal(np.diag(distance), 0)
        np.testing.assert_allclose(distance, cdist(a, a, SCIPY[metric]), rtol=1e-6)


def test_nearly_equal_rows_keep_their_digits():
    a = 1e4 + np.random.default_rng(0).standard_normal((5, 40))
    b = a + 1e-6
    expected = 1e-6 * np.sqrt(40)
    np.testing.assert_allclose(np.diag(pairwise_distance(a, b, "l2")), expected, rtol=1e-4)


def test_whole_numbers_and_bytes_do_not_wrap():
    a, b = np.array([[250, 3]], np.uint8), np.array([[3, 250]], np.uint8)
    assert pairwise_distance(a, b, "l1") == 494.0
    assert pairwise_distance(a, b, "l2") == pytest.approx(247 * np.sqrt(2))


@pytest.mark.parametrize(
    "a, b, metric, text",
    [
        (np.ones((2, 3)), np.ones((2, 4)), "l2", "rows of a and b .* 3 and 4 entries"),
        (np.ones(3), np.ones((2, 3)), "l2", r"a must have 2 axes, but has shape \(3,\)"),
        (np.ones((0, 3)), np.ones((2, 3)), "l2", r"a must have at least one entry .* \(0, 3\)"),
        (np.ones((2, 3)), NAN, "l1", "b must be finite, but has 6 of 6 entries NaN"),
        (np.ones((2, 3)), np.ones((2, 3)), "L2", "metric must be 'l1' or 'l2', but is 'L2'"),
        (np.array([["x"]]), np.ones((1, 1)), "l1", "a must hold real numbers, but has dtype <U1"),
    ],
)
def test_distance_refuses(a, b, metric, text):
    with pytest.raises(ValueError, match=text):
        pairwise_distance(a, b, metric)


# --- knn_predict -----------------------------------------------------------------------------


def by_definition(train_x, train_y, test_x, k, metric):
    labels = []
    for row in cdist(test_x, train_x, SCIPY[metric]):
        near = train_y[np.argsort(row)[:k]]
        votes = [np.sum(near == label) for label in near]
        labels.append(near[votes.index(max(votes))])
    return labels


@given(n=st.integers(1, 20), m=sizes, metric=st.sampled_from(["l1", "l2"]), seed=seeds)
@properties
def test_neighbours_by_definition(n, m, metric, seed):
    rng = np.random.default_rng(seed)
    train_x, test_x = rng.standard_normal((n, 4)), rng.standard_normal((m, 4))
    train_y = rng.choice([-3, 0, 7], n)
    for k in {1, (n + 1) // 2, n}:
        got = knn_predict(train_x, train_y, test_x, k, metric)
        assert got.dtype == train_y.dtype
        np.testing.assert_array_equal(got, by_definition(train_x, train_y, test_x, k, metric))


def test_a_tie_goes_to_the_nearest_among_the_tied():
    train_x = np.array([[0.0], [1.1], [2.2], [3.3], [4.4]])
    train_y = np.array([9, 5, 5, 1, 1])  # 9 is nearest, but has one vote
    assert knn_predict(train_x, train_y, np.array([[-1.0]]), 5, "l2") == 5
    assert knn_predict(train_x, train_y, np.array([[5.0]]), 5, "l2") == 1


def test_blocks_of_test_rows_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    train_x, train_y = rng.standard_normal((50, 3)), rng.integers(0, 4, 50)
    test_x = rng.standard_normal((23, 3))
    whole = knn_predict(train_x, train_y, test_x, 4, "l2")
    for block in (1, 120, 500):
        monkeypatch.setattr("pytools.scratch.neighbours.BLOCK", block)
        np.testing.assert_array_equal(knn_predict(train_x, train_y, test_x, 4, "l2"), whole)


@pytest.mark.parametrize("k", [0, -1, 4])
def test_neighbours_refuse_a_k_that_does_not_fit(k):
    with pytest.raises(ValueError, match=f"k must be 1 to 3, the number of .*, but is {k}"):
        knn_predict(np.ones((3, 2)), np.arange(3), np.ones((1, 2)), k, "l2")


@pytest.mark.parametrize("labels", [np.arange(2), np.arange(3.0), np.ones((3, 1), int)])
def test_neighbours_refuse_labels_that_do_not_fit(labels):
    with pytest.raises(ValueError, match="train_y must be 3 integers, one a row, but has shape"):
        knn_predict(np.ones((3, 2)), labels, np.ones((1, 2)), 1, "l2")


def test_neighbours_name_their_own_arguments():
    with pytest.raises(ValueError, match="rows of train_x and test_x"):
        knn_predict(np.ones((3, 2)), np.arange(3), np.ones((1, 3)), 1, "l2")
    with pytest.raises(ValueError, match="test_x must be finite"):
        knn_predict(np.ones((3, 3)), np.arange(3), NAN, 1, "l2")


# --- mean_center -----------------------------------------------------------------------------


@given(n=sizes, m=sizes, rest=st.lists(st.integers(1, 3), max_size=3), seed=seeds)
@properties
def test_only_the_training_mean_becomes_0(n, m, rest, seed):
    rng = np.random.default_rng(seed)
    train, test = rng.standard_normal((n, *rest)), rng.standard_normal((m, *rest))
    train_c, test_c = mean_center(train, test)
    np.testing.assert_allclose(train_c.mean(axis=0), 0, atol=1e-12)
    # Both moved by the same array
    np.testing.assert_allclose(test - test_c, np.broadcast_to((train - train_c)[0], test.shape))


def test_many_float32_rows_keep_their_mean():
    train = np.full((200_000, 2), 0.1, np.float32)
    train_c, test_c = mean_center(train, train[:3])
    assert train_c.dtype == test_c.dtype == np.float32
    np.testing.assert_array_equal(train_c, 0)


def test_bytes_become_floats():
    train_c, test_c = mean_center(np.array([[0], [255]], np.uint8), np.array([[1]], np.uint8))
    np.testing.assert_array_equal(train_c, [[-127.5], [127.5]])
    np.testing.assert_array_equal(test_c, [[-126.5]])


@pytest.mark.parametrize(
    "train, test, text",
    [
        (np.ones((2, 3)), np.ones((2, 4)), r"one shape behind axis 0, .*\(2, 3\) and \(2, 4\)"),
        (np.ones((0, 3)), np.ones((2, 3)), "train must have at least one entry"),
        (np.ones((2, 3)), NAN, "test must be finite"),
    ],
)
def test_centering_refuses(train, test, text):
    with pytest.raises(ValueError, match=text):
        mean_center(train, test)


# --- softmax_cross_entropy -------------------------------------------------------------------


@given(n=sizes, c=sizes, scale=st.sampled_from([1e-3, 1.0, 1e4]), seed=seeds)
@properties
def test_cross_entropy_is_torchs(n, c, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.standard_normal((n, c)), rng.integers(0, c, n)
    loss, grad = softmax_cross_entropy(scores, labels)
    twin = torch.tensor(scores, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(twin, torch.tensor(labels))
    expected.backward()
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(grad, twin.grad.numpy(), rtol=1e-9, atol=1e-12)


@given(n=sizes, c=sizes, seed=seeds)
@properties
def test_cross_entropy_has_the_slope_of_central_differences(n, c, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((n, c)), rng.integers(0, c, n)
    numeric = numerical_gradient(lambda s: softmax_cross_entropy(s, labels)[0], scores)
    np.testing.assert_allclose(softmax_cross_entropy(scores, labels)[1], numeric, atol=1e-8)


def test_cross_entropy_keeps_float32():
    loss, grad = softmax_cross_entropy(np.zeros((2, 4), np.float32), np.array([0, 3]))
    assert grad.dtype == np.float32
    assert loss == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    "scores, labels, text",
    [
        (np.ones((2, 3)), [0, 3], "labels must be 0 to 2, .* but reach from 0 to 3"),
        (np.ones((2, 3)), [-1, 0], "labels must be 0 to 2, .* but reach from -1 to 0"),
        (np.ones((2, 3)), [0], r"labels must be 2 integers, one a row, but has shape \(1,\)"),
        (np.ones((2, 3)), [0.0, 1.0], "labels must be 2 integers, .* dtype float64"),
        (np.ones((0, 3)), [], "scores must have at least one entry"),
        (np.ones(3), [0], "scores must have 2 axes"),
        (NAN, [0, 1], "scores must be finite"),
    ],
)
def test_cross_entropy_refuses(scores, labels, text):
    with pytest.raises(ValueError, match=text):
        softmax_cross_entropy(scores, np.array(labels))


# --- activations -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@given(scale=st.sampled_from([1e-3, 1.0, 1e4]), seed=seeds)
@properties
def test_activation_is_torchs_up_to_10000(name, scale, seed):
    x = scale * np.random.default_rng(seed).standard_normal((3, 4))
    twin = torch.tensor(x, requires_grad=True)
    out = getattr(torch.nn.functional, name)(twin)
    out.sum().backward()
    with np.errstate(all="raise", under="ignore"):
        got, grad = activation(name, x), activation_grad(name, x)
    np.testing.assert_allclose(got, out.detach().numpy(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(grad, twin.grad.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
@properties
def test_slope_is_that_of_central_differences(name, seed):
    x = np.random.default_rng(seed).standard_normal(6)
    assume(np.all(np.abs(x) > 1e-3))  # away from the kink
    numeric = numerical_gradient(lambda x: activation(name, x).sum(), x)
    np.testing.assert_allclose(activation_grad(name, x), numeric, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_activation_keeps_dtype_and_nan(name):
    x = np.array([-1.0, 0.0, np.nan, 2.0], np.float32)
    for f in (activation, activation_grad):
        assert f(name, x).dtype == np.float32
    assert np.isnan(activation(name, x)[2])


def test_slopes_at_0():
    at_0 = {name: activation_grad(name, np.zeros(1)).item() for name in NAMES}
    assert at_0 == {"sigmoid": 0.25, "tanh": 1.0, "relu": 0.0, "leaky_relu": 0.01, "elu": 1.0}


@pytest.mark.parametrize("f", [activation, activation_grad])
def test_another_name_is_refused(f):
    with pytest.raises(ValueError, match=r"name must be one of 'sigmoid', .*, but is 'swish'"):
        f("swish", np.ones(2))


# --- init_weights, dead_relu_fraction --------------------------------------------------------


@pytest.mark.parametrize(
    "scheme, std", [("xavier", np.sqrt(1 / 300)), ("he", np.sqrt(2 / 300)), (0.03, 0.03)]
)
def test_weights_have_their_standard_deviation(scheme, std):
    w = init_weights(300, 200, scheme, np.random.default_rng(0))
    assert w.shape == (300, 200)
    assert w.std() == pytest.approx(std, rel=0.02)
    assert abs(w.mean()) < 0.02 * std


def test_the_generator_is_the_only_source():
    draws = [init_weights(3, 2, "he", np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.all(draws[0] != draws[2])
    np.testing.assert_array_equal(init_weights(3, 2, "zeros", np.random.default_rng(0)), 0)


@pytest.mark.parametrize(
    "n_in, n_out, scheme, text",
    [
        (0, 2, "he", "n_in must be at least 1, but is 0"),
        (2, -1, "he", "n_out must be at least 1, but is -1"),
        (2, 2, "glorot", "scheme must be 'zeros', .* but is 'glorot'"),
        (2, 2, -0.1, "or a standard deviation, but is -0.1"),
        (2, 2, np.nan, "but is nan"),
    ],
)
def test_weights_refuse(n_in, n_out, scheme, text):
    with pytest.raises(ValueError, match=text):
        init_weights(n_in, n_out, scheme, np.random.default_rng(0))


@given(n=sizes, units=sizes, seed=seeds)
@properties
def test_dead_units_by_definition(n, units, seed):
    rng = np.random.default_rng(seed)
    h = np.maximum(rng.standard_normal((n, units)), 0) * rng.integers(0, 2, units)
    dead = [unit for unit in range(units) if not any(h[:, unit] > 0)]
    assert dead_relu_fraction(h) == pytest.approx(len(dead) / units)


def test_dead_units_refuse_an_empty_batch():
    with pytest.raises(ValueError, match="h must have at least one entry"):
        dead_relu_fraction(np.ones((0, 3)))
    with pytest.raises(ValueError, match="h must be finite"):
        dead_relu_fraction(NAN)
