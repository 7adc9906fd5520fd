"""A right solution of 02's exercises passes however it is written: loops, lists, torch, float32."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import expit, log_softmax, softmax
from sklearn.neighbors import KNeighborsClassifier

from pytools import check

# --- pairwise_distance -----------------------------------------------------------------------


def pair_by_pair(a, b, metric):
    out = np.zeros((len(a), len(b)), order="F")
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            out[i, j] = np.abs(p - q).sum() if metric == "l1" else np.sqrt(((p - q) ** 2).sum())
    return out


def row_by_row(a, b, metric):
    return [list(np.linalg.norm(b - row, ord=int(metric[1]), axis=1)) for row in a]


def column_by_column(a, b, metric):
    total = np.zeros((len(a), len(b)))
    for d in range(a.shape[1]):
        apart = np.abs(a[:, d, None] - b[None, :, d])
        total += apart if metric == "l1" else apart**2
    return total if metric == "l1" else np.sqrt(total)


def in_blocks_of_a_hundred(a, b, metric):
    blocks = []
    for start in range(0, len(a), 100):
        apart = np.abs(a[start : start + 100, None] - b)
        blocks.append(apart.sum(-1) if metric == "l1" else np.sqrt((apart**2).sum(-1)))
    return np.concatenate(blocks)


def in_blocks_of_256_mb(a, b, metric):
    rows = max(1, int(256e6 // (8 * b.size)))
    out = np.empty((len(a), len(b)))
    for start in range(0, len(a), rows):
        apart = a[start : start + rows, None] - b[None]
        if metric == "l1":
            out[start : start + rows] = np.abs(apart).sum(2)
        else:
            out[start : start + rows] = np.linalg.norm(apart, axis=2)
    return out


def expanded(a, b, metric):
    if metric == "l1":
        return cdist(a, b, "cityblock")
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


def expanded_in_single_precision(a, b, metric):
    return expanded(np.float32(a), np.float32(b), metric).astype(np.float32)


def number_by_number(a, b, metric):
    """Slow, not wrong: nothing is held."""
    power, rows, others = int(metric[1]), a.tolist(), b.tolist()
    out = [[0.0] * len(b) for _ in a]
    for i, row in enumerate(rows):
        for j, other in enumerate(others):
            out[i][j] = sum(abs(p - q) ** power for p, q in zip(row, other, strict=True))
    return np.array(out) ** (1 / power)


def distance_by_torch(a, b, metric):
    return torch.cdist(torch.tensor(a), torch.tensor(b), p=int(metric[1]))


# --- knn_predict -----------------------------------------------------------------------------


def with_a_counter(train_x, train_y, test_x, k, metric):
    labels = []
    for row in test_x.tolist():
        far = []
        for other in train_x.tolist():
            apart = [abs(p - q) for p, q in zip(row, other, strict=True)]
            far.append(sum(apart) if metric == "l1" else math.hypot(*apart))
        near = [int(train_y[i]) for i in sorted(range(len(far)), key=far.__getitem__)[:k]]
        count = Counter(near)
        labels.append(next(label for label in near if count[label] == max(count.values())))
    return labels


def by_dropping_the_farthest(train_x, train_y, test_x, k, metric):
    """Fewer neighbours until the vote is clear: another rule, unless it starts from the tied."""
    distance = cdist(test_x, train_x, "cityblock" if metric == "l1" else "euclidean")
    out = np.empty(len(test_x))
    for n, row in enumerate(distance):
        near = np.argsort(row)[:k]
        values, counts = np.unique(train_y[near], return_counts=True)
        tied = values[counts == counts.max()]
        among = near[np.isin(train_y[near], tied)]
        out[n] = train_y[among[0]]
    return out


def with_half_a_vote_of_bonus(train_x, train_y, test_x, k, metric):
    """Votes, plus less than half a vote for the nearest, less for the next."""
    distance = torch.cdist(torch.tensor(test_x), torch.tensor(train_x), p=int(metric[1]))
    near = torch.tensor(train_y)[distance.topk(k, largest=False).indices]
    votes = torch.zeros(len(test_x), int(train_y.max()) + 1, dtype=torch.float64)
    for place in range(k):
        weight = torch.full((len(test_x), 1), 1 + 2.0 ** (-place - 2), dtype=torch.float64)
        first = ~(near[:, :place] == near[:, place : place + 1]).any(1, keepdim=True)
        votes.scatter_add_(1, near[:, place : place + 1], torch.where(first, weight, 1.0))
    return votes.argmax(1)


def neighbours_of_sklearn(train_x, train_y, test_x, k, metric):
    name = "manhattan" if metric == "l1" else "euclidean"
    found = KNeighborsClassifier(k, metric=name).fit(train_x, train_y)
    near = train_y[found.kneighbors(test_x, return_distance=False)]
    votes = (near[:, :, None] == near[:, None, :]).sum(2)
    return np.take_along_axis(near, votes.argmax(1)[:, None], 1)[:, 0]


def neighbours_in_single_precision(train_x, train_y, test_x, k, metric):
    return with_a_counter(np.float32(train_x), train_y, np.float32(test_x), k, metric)


# --- mean_center, softmax_cross_entropy ------------------------------------------------------


def centred_in_place_on_copies(train, test):
    train, test = train.copy(), test.copy()
    mean = sum(train) / len(train)
    train -= mean
    test -= mean
    return [train, test]


def centred_by_torch(train, test):
    mean = torch.tensor(train).mean(0, keepdim=True)
    return torch.tensor(train) - mean, torch.tensor(test) - mean


def centred_in_single_precision(train, test):
    mean = np.float32(train).mean(0)
    return np.float32(train) - mean, np.float32(test) - mean


def cross_entropy_by_torch(scores, labels):
    scores = torch.tensor(scores, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
    loss.backward()
    return loss, scores.grad


def cross_entropy_by_scipy(scores, labels):
    hot = np.eye(scores.shape[1])[labels]
    loss = -np.sum(hot * log_softmax(scores, axis=1), axis=1).mean()
    return [loss], (softmax(scores, axis=1) - hot) / len(hot)


def cross_entropy_in_loops(scores, labels):
    loss, grad = 0.0, []
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        top = max(row)
        total = sum(math.exp(s - top) for s in row)
        loss += top + math.log(total) - row[label]
        probs = [math.exp(s - top) / total for s in row]
        grad.append([(p - (c == label)) / len(scores) for c, p in enumerate(probs)])
    return loss / len(scores), grad


def cross_entropy_in_single_precision(scores, labels):
    scores = np.float32(scores)
    shifted = scores - scores.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    grad = np.exp(logs)
    grad[np.arange(len(labels)), labels] -= 1
    return -logs[np.arange(len(labels)), labels].mean(), grad / np.float32(len(labels))


# --- activations -----------------------------------------------------------------------------


def activation_by_torch(name, x):
    x = torch.tensor(x)
    return getattr(torch.nn.functional, name)(x)


def activation_grad_by_torch(name, x):
    x = torch.tensor(x, requires_grad=True)
    getattr(torch.nn.functional, name)(x).sum().backward()
    return x.grad


def activation_number_by_number(name, x):
    def one(v):
        if name == "sigmoid":
            return 1 / (1 + math.exp(-v)) if v > 0 else 1 - 1 / (1 + math.exp(v))
        if name == "tanh":
            return math.tanh(v)
        low = {"relu": lambda: 0, "leaky_relu": lambda: 0.01 * v, "elu": lambda: math.exp(v) - 1}
        return v if v > 0 else low[name]()

    return np.array([one(v) for v in x.ravel()]).reshape(x.shape).tolist()


def activation_in_single_precision(name, x):
    x = np.float32(x)
    if name in ("sigmoid", "tanh"):
        return 1 / (1 + np.exp(-x)) if name == "sigmoid" else np.tanh(x)
    out = x.copy()
    low = {"relu": 0 * x, "leaky_relu": np.float32(0.01) * x, "elu": np.expm1(x)}[name]
    out[x < 0] = low[x < 0]
    return out


def activation_grad_by_masks(name, x):
    if name == "sigmoid":
        return expit(x) * expit(-x)
    if name == "tanh":
        return 1 / np.cosh(x) ** 2
    if name == "relu":
        return x > 0
    if name == "leaky_relu":
        return (x > 0) + 0.01 * (x <= 0)
    return np.where(x > 0, 1, np.exp(x))


def activation_grad_in_single_precision(name, x):
    return np.float32(activation_grad_by_masks(name, np.float32(x)))


# --- init_weights, dead_relu_fraction --------------------------------------------------------


def weights_by_normal(n_in, n_out, scheme, rng):
    std = {"zeros": 0, "xavier": 1 / math.sqrt(n_in), "he": math.sqrt(2 / n_in)}.get(scheme, scheme)
    return rng.normal(0, std, (n_in, n_out))


def weights_one_unit_at_a_time(n_in, n_out, scheme, rng):
    if scheme == "zeros":
        return [[0] * n_out for _ in range(n_in)]
    std = scheme if isinstance(scheme, float) else np.sqrt((2 if scheme == "he" else 1) / n_in)
    return np.stack([std * rng.standard_normal(n_in) for _ in range(n_out)], axis=1)


def weights_in_single_precision(n_in, n_out, scheme, rng):
    std = {"zeros": 0, "xavier": n_in**-0.5, "he": (n_in / 2) ** -0.5}.get(scheme, scheme)
    return np.float32(std) * rng.standard_normal((n_in, n_out), dtype=np.float32)


def weights_by_torch(n_in, n_out, scheme, rng):
    source = torch.Generator().manual_seed(int(rng.integers(2**32)))
    std = {"zeros": 0.0, "xavier": n_in**-0.5, "he": (2 / n_in) ** 0.5}.get(scheme, scheme)
    return (
        torch.empty(n_in, n_out).normal_(0, std, generator=source)
        if std
        else torch.zeros(n_in, n_out)
    )


def dead_unit_by_unit(h):
    return sum(1 for column in h.T if not any(v > 0 for v in column)) / h.shape[1]


def dead_by_sum(h):
    return np.array([1 - np.count_nonzero(np.float32(h).sum(axis=0)) / h.shape[1]])


def dead_by_torch(h):
    return (torch.tensor(h).amax(0) <= 0).double().mean()


RIGHT = [
    ("pairwise_distance", pair_by_pair),
    ("pairwise_distance", row_by_row),
    ("pairwise_distance", column_by_column),
    ("pairwise_distance", in_blocks_of_a_hundred),
    ("pairwise_distance", in_blocks_of_256_mb),
    ("pairwise_distance", expanded),
    ("pairwise_distance", expanded_in_single_precision),
    ("pairwise_distance", distance_by_torch),
    ("pairwise_distance", number_by_number),
    ("knn_predict", with_a_counter),
    ("knn_predict", by_dropping_the_farthest),
    ("knn_predict", with_half_a_vote_of_bonus),
    ("knn_predict", neighbours_of_sklearn),
    ("knn_predict", neighbours_in_single_precision),
    ("mean_center", centred_in_place_on_copies),
    ("mean_center", centred_by_torch),
    ("mean_center", centred_in_single_precision),
    ("softmax_cross_entropy", cross_entropy_by_torch),
    ("softmax_cross_entropy", cross_entropy_by_scipy),
    ("softmax_cross_entropy", cross_entropy_in_loops),
    ("softmax_cross_entropy", cross_entropy_in_single_precision),
    ("activation", activation_by_torch),
    ("activation", activation_number_by_number),
    ("activation", activation_in_single_precision),
    ("activation_grad", activation_grad_by_torch),
    ("activation_grad", activation_grad_by_masks),
    ("activation_grad", activation_grad_in_single_precision),
    ("init_weights", weights_by_normal),
    ("init_weights", weights_one_unit_at_a_time),
    ("init_weights", weights_in_single_precision),
    ("init_weights", weights_by_torch),
    ("dead_relu_fraction", dead_unit_by_unit),
    ("dead_relu_fraction", dead_by_sum),
    ("dead_relu_fraction", dead_by_torch),
]
SLOW = {"pairwise_distance": 3}  # seeds; else 20


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[f.__name__ for _, f in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(SLOW.get(function, 20)):
        earned = check(f"classifiers.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, capsys.readouterr().out


# --- wrong ones that no misconception names --------------------------------------------------


def one_large_array(a, b, metric):
    apart = a[:, None] - b[None]
    return np.abs(apart).sum(2) if metric == "l1" else np.sqrt((apart**2).sum(2))


def large_for_one_metric(a, b, metric):
    return np.abs(a[:, None] - b[None]).sum(2) if metric == "l1" else expanded(a, b, metric)


def large_but_in_place(a, b, metric):
    apart = a[:, None] - b[None]
    np.abs(apart, out=apart) if metric == "l1" else np.multiply(apart, apart, out=apart)
    return apart.sum(2) if metric == "l1" else np.sqrt(apart.sum(2))


def large_in_single_precision(a, b, metric):
    return large_but_in_place(np.float32(a), np.float32(b), metric)


def large_by_torch(a, b, metric):
    apart = torch.tensor(a)[:, None] - torch.tensor(b)
    return apart.abs_().sum(2) if metric == "l1" else apart.square_().sum(2).sqrt()


GIANTS = [
    one_large_array,
    large_for_one_metric,
    large_but_in_place,
    large_in_single_precision,
    large_by_torch,
]


@pytest.mark.parametrize("attempt", GIANTS)
def test_a_giant_temporary_is_found(attempt, capsys):
    earned = check("classifiers.pairwise_distance", attempt, points=4)
    assert earned == 3.4  # all but the numerical group
    assert "N x M x D" in capsys.readouterr().out


def neighbours(break_tie):
    """kNN by a vote; break_tie(tied labels, labels of the k nearest, their distances) -> label."""

    def knn_predict(train_x, train_y, test_x, k, metric):
        out = []
        for row in cdist(test_x, train_x, "cityblock" if metric == "l1" else "euclidean"):
            near = np.argsort(row)[:k]
            values, counts = np.unique(train_y[near], return_counts=True)
            out.append(break_tie(values[counts == counts.max()], train_y[near], row[near]))
        return np.array(out)

    return knn_predict


def ties_to_the_first_of_a_partition(train_x, train_y, test_x, k, metric):
    """The right k neighbours, in no order."""
    distance = cdist(test_x, train_x, "cityblock" if metric == "l1" else "euclidean")
    near = train_y[np.argpartition(distance, k - 1, axis=1)[:, :k]]
    votes = (near[:, :, None] == near[:, None, :]).sum(2)
    return near[np.arange(len(near)), votes.argmax(1)]


ties_by_mean_distance = neighbours(
    lambda tied, labels, far: min(tied, key=lambda label: far[labels == label].mean())
)
ties_by_farthest = neighbours(lambda tied, labels, far: labels[np.isin(labels, tied)][-1])
ties_to_the_largest = neighbours(lambda tied, labels, far: tied[-1])


def ties_by_fewer_neighbours(tied, labels, far):
    while len(tied) > 1:
        labels = labels[:-1]
        values, counts = np.unique(labels, return_counts=True)
        tied = values[counts == counts.max()]
    return tied[0]


def centred_in_place(train, test):
    mean = train.mean(axis=0)
    train -= mean
    test -= mean
    return train, test


def weights_cut_at_two_deviations(n_in, n_out, scheme, rng):
    w = weights_by_normal(n_in, n_out, scheme, rng)
    return np.clip(w, -w.std(), w.std())


def weights_off_centre(n_in, n_out, scheme, rng):
    w = weights_by_normal(n_in, n_out, scheme, rng)
    return w + 0.2 * w.std()


def tiny_weights_for_zeros(n_in, n_out, scheme, rng):
    return weights_by_normal(n_in, n_out, 1e-4 if scheme == "zeros" else scheme, rng)


def weights_truncated_and_stretched(n_in, n_out, scheme, rng):
    drawn = weights_by_normal(3 * n_in, n_out, 1.0, rng)
    ends_cut = drawn[np.abs(drawn) < 2][: n_in * n_out].reshape(n_in, n_out)
    std = {"zeros": 0, "xavier": 1 / math.sqrt(n_in), "he": math.sqrt(2 / n_in)}.get(scheme, scheme)
    return std * ends_cut / ends_cut.std()


def weights_four_percent_too_wide(n_in, n_out, scheme, rng):
    return 1.04 * weights_by_normal(n_in, n_out, scheme, rng)


def hardly_any_weights_for_zeros(n_in, n_out, scheme, rng):
    return weights_by_normal(n_in, n_out, 1e-8 if scheme == "zeros" else scheme, rng)


def ignores_small_scores(scores, labels):
    return cross_entropy_by_scipy(np.clip(scores, -1000, 1000), labels)


WRONG = [
    ("knn_predict", ties_by_mean_distance),
    ("knn_predict", ties_by_farthest),
    ("knn_predict", ties_to_the_first_of_a_partition),
    ("knn_predict", ties_to_the_largest),
    ("knn_predict", neighbours(ties_by_fewer_neighbours)),
    ("mean_center", centred_in_place),
    ("init_weights", weights_cut_at_two_deviations),
    ("init_weights", weights_off_centre),
    ("init_weights", tiny_weights_for_zeros),
    ("init_weights", hardly_any_weights_for_zeros),
    ("init_weights", weights_truncated_and_stretched),
    ("init_weights", weights_four_percent_too_wide),
    ("softmax_cross_entropy", ignores_small_scores),
]


@pytest.mark.parametrize("function, attempt", WRONG, ids=[f.__name__ for _, f in WRONG])
def test_other_wrong_solutions_fail(function, attempt, capsys):
    for seed in range(5):
        assert check(f"classifiers.{function}", attempt, points=4, seed=seed) < 4.0
