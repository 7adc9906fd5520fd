"""Siamese exercises written in any right way pass; wrong ways that nobody listed do not."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.spatial.distance import cdist

from pytools import check

# --- losses ----------------------------------------------------------------------------------


def rows_one_by_one(a, b):
    return torch.stack([torch.sum(torch.abs(x - y)) for x, y in zip(a, b, strict=True)])


def by_norm(a, b):
    return torch.linalg.vector_norm(b - a, ord=1, dim=-1)


def by_cdist(a, b):
    return torch.cdist(a, b, p=1).diagonal()


def larger_minus_smaller(a, b):
    return (torch.maximum(a, b) - torch.minimum(a, b)) @ torch.ones(a.shape[1], dtype=a.dtype)


def largest_entry(a, b):
    return (a - b).abs().amax(dim=1)


def column_of_distances(a, b):
    return (a - b).abs().sum(dim=1, keepdim=True)


def into_numpy(a, b):
    return np.abs(a.detach().numpy() - b.detach().numpy()).sum(axis=1)


def where_same(distance, same, margin):
    return torch.where(same == 1, distance, (margin - distance).clamp(min=0)).mean()


def torch_s_own(distance, same, margin):
    return F.hinge_embedding_loss(distance, 2 * same - 1, margin=margin)


def pair_by_pair(distance, same, margin):
    total = distance.new_zeros(())
    for d, s in zip(distance, same, strict=True):
        total = total + (d if s else max(margin - d, 0 * d))
    return total / len(distance)


def by_masks(distance, same, margin):
    near = same.bool()
    total = distance[near].sum() + torch.relu(margin - distance[~near]).sum()
    return total / distance.numel()


def same_flags_inverted_in_place(distance, same, margin):
    same *= -1
    return where_same(distance, -same, margin)


def margin_for_all(distance, same, margin):
    return (same * distance + (1 - same) * margin - distance * (1 - same)).mean()


def softened(distance, same, margin):
    return (same * distance + (1 - same) * F.softplus(margin - distance)).mean()


def by_torch_s_distances(a, p, n, alpha):
    distance = F.pairwise_distance
    gap = distance(a, p, eps=0) ** 2 - distance(a, n, eps=0) ** 2
    return torch.clamp(gap + alpha, min=0).sum() / len(a)


def by_inner_products(a, p, n, alpha):
    """‖a-p‖² - ‖a-n‖² = (p - n)·(p + n - 2a)."""
    gap = torch.einsum("nd,nd->n", p - n, p + n - 2 * a)
    return torch.maximum(gap + alpha, torch.zeros_like(gap)).mean()


def triplet_by_triplet(a, p, n, alpha):
    costs = []
    for x, y, z in zip(a, p, n, strict=True):
        costs.append(((x - y).square().sum() - (x - z).square().sum() + alpha).relu())
    return torch.stack(costs).mean(dim=0, keepdim=True)


def margin_between_halves(a, p, n, alpha):
    return F.relu(((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + alpha / 2).mean()


def root_of_a_tiny_sum(a, p, n, alpha):
    """Torch's own triplet loss: distances that are not squared."""
    return F.triplet_margin_loss(a, p, n, margin=alpha)


def by_log_softmax(d_same, d_diff):
    return -torch.stack([-d_same, -d_diff]).log_softmax(dim=0)[0].mean()


def by_cross_entropy(d_same, d_diff):
    choice = torch.stack([-d_same, -d_diff], dim=1)
    return F.cross_entropy(choice, torch.zeros(len(d_same), dtype=torch.long))


def by_log_sum_exp(d_same, d_diff):
    return (torch.logsumexp(torch.stack([-d_same, -d_diff]), 0) + d_same).mean()


def by_logsigmoid(d_same, d_diff):
    return -F.logsigmoid(d_diff - d_same).mean()


def by_logaddexp(d_same, d_diff):
    gap = d_same - d_diff
    return torch.logaddexp(torch.zeros_like(gap), gap).sum() / gap.numel()


def floor_and_rest(d_same, d_diff):
    gap = d_same - d_diff
    return (F.relu(gap) + torch.log1p(torch.exp(-gap.abs()))).mean()


def clamped(d_same, d_diff):
    return torch.log1p(torch.exp((d_same - d_diff).clamp(max=80))).mean()


def hinged(d_same, d_diff):
    return F.relu(d_same - d_diff).mean()


# --- pairs -----------------------------------------------------------------------------------


def class_by_class(labels, num, rng):
    """First a class, then two of it; first two classes, then one of each; lone ones left out."""
    members = {name: np.flatnonzero(labels == name) for name in np.unique(labels)}
    pairs = []
    large = [name for name, rows in members.items() if len(rows) > 1]
    for _ in range(num // 2):
        pairs.append((*rng.choice(members[rng.choice(large)], 2, replace=False), 1))
        one, two = rng.choice(list(members), 2, replace=False)
        pairs.append((rng.choice(members[one]), rng.choice(members[two]), 0))
    return tuple(zip(*pairs, strict=True))


def from_all_pairs(labels, num, rng):
    every = list(itertools.combinations(range(len(labels)), 2))
    kinds = [[], []]
    for i, j in every:
        kinds[int(labels[i] == labels[j])].append((i, j))
    chosen = [kinds[s][k] for s in (1, 0) for k in rng.integers(len(kinds[s]), size=num // 2)]
    i, j = np.array(chosen).T
    return i, j, np.array([True] * (num // 2) + [False] * (num // 2))


def by_rejection(labels, num, rng):
    found = {True: [], False: []}
    while min(map(len, found.values())) < num // 2:
        i, j = rng.integers(0, len(labels), 2)
        if i != j:
            found[bool(labels[i] == labels[j])].append((i, j))
    pairs = found[True][: num // 2] + found[False][: num // 2]
    order = rng.permutation(num)
    i, j = np.array(pairs, dtype=np.int32)[order].T
    return [i, j, (labels[i] == labels[j]).astype(np.float32)]


def without_repeats(labels, num, rng):
    i, j = np.triu_indices(len(labels), 1)
    alike = labels[i] == labels[j]
    rows = [rng.permutation(np.flatnonzero(alike == kind))[: num // 2] for kind in (True, False)]
    rows = np.concatenate(rows)
    return torch.tensor(j[rows]), torch.tensor(i[rows]), torch.tensor(alike[rows])


def one_anchor_for_both(labels, num, rng):
    i, j, same = from_all_pairs(labels, num, rng)
    half = num // 2
    for k in range(half):
        others = np.flatnonzero(labels != labels[i[k]])
        i[half + k], j[half + k] = i[k], rng.choice(others)
    return i, j, same


def neighbours_in_the_list(labels, num, rng):
    order = np.argsort(labels, kind="stable")
    alike = labels[order][:-1] == labels[order][1:]
    near, far = np.flatnonzero(alike), np.flatnonzero(~alike)
    rows = np.concatenate([rng.choice(near, num // 2), rng.choice(far, num // 2)])
    return order[rows], order[rows + 1], np.repeat([1, 0], num // 2)


def lone_pictures_paired_with_themselves(labels, num, rng):
    i, j, same = from_all_pairs(labels, num, rng)
    lone = [k for k in range(len(labels)) if np.sum(labels == labels[k]) == 1]
    if lone:
        i[0] = j[0] = lone[0]
    return i, j, same


def shuffles_the_labels(labels, num, rng):
    rng.shuffle(labels)
    return from_all_pairs(labels, num, rng)


# --- points ----------------------------------------------------------------------------------


def negatives_by_cdist(emb, labels):
    distance = cdist(emb, emb)
    distance[np.equal.outer(labels, labels)] = np.inf
    return np.argmin(distance, axis=-1).astype(np.int32)


def negatives_in_a_loop(emb, labels):
    result = []
    for point, label in zip(emb, labels, strict=True):
        others = [k for k in range(len(emb)) if labels[k] != label]
        result.append(min(others, key=lambda k: math.dist(point, emb[k])))
    return result


def negatives_in_torch(emb, labels):
    emb, labels = torch.tensor(emb, dtype=torch.float64), torch.tensor(labels)
    distance = torch.cdist(emb, emb, compute_mode="donot_use_mm_for_euclid_dist")
    return distance.masked_fill(labels[:, None] == labels, torch.inf).argmin(dim=1)


def negatives_by_squares(emb, labels):
    emb = np.asarray(emb, float)
    square = (emb**2).sum(1)
    distance = np.ma.masked_array(
        square[:, None] + square - 2 * emb @ emb.T, labels[:, None] == labels
    )
    return distance.argmin(axis=1)


def nearest_but_of_next_label(emb, labels):
    wanted = np.unique(labels)
    following = dict(zip(wanted, np.roll(wanted, -1), strict=True))
    other = np.array([following[name] for name in labels])
    distance = cdist(emb, emb)
    distance[other[:, None] != labels] = np.inf
    return distance.argmin(axis=1)


def recall_by_sorting(emb, labels, k):
    order = cdist(emb, emb).argsort(axis=1)[:, 1 : k + 1]
    return float((labels[order] == labels[:, None]).any(1).mean())


def recall_in_a_loop(emb, labels, k):
    found = 0
    for i in range(len(emb)):
        away = [(math.dist(emb[i], emb[j]), labels[j]) for j in range(len(emb)) if j != i]
        found += any(label == labels[i] for _, label in sorted(away)[:k])
    return [found / len(emb)]


def recall_in_torch(emb, labels, k):
    emb, labels = torch.from_numpy(np.array(emb, float)), torch.from_numpy(labels)
    distance = ((emb[:, None] - emb[None]) ** 2).sum(-1).fill_diagonal_(torch.inf)
    near = distance.topk(k, largest=False).indices
    return (labels[near] == labels[:, None]).any(dim=1).double().mean()


def by_best_of_own(emb, labels, k):
    """Found, where fewer than k strangers are nearer than the nearest of the own label."""
    distance, kin = cdist(emb, emb), labels[:, None] == labels
    np.fill_diagonal(distance, np.inf)
    best = np.where(kin, distance, np.inf).min(axis=1)
    return np.mean(((~kin & (distance < best[:, None])).sum(axis=1) < k) & np.isfinite(best))


def majority_of_k(emb, labels, k):
    distance = cdist(emb, emb)
    np.fill_diagonal(distance, np.inf)
    near = labels[distance.argsort(axis=1)[:, :k]]
    return np.mean([stats.mode(row).mode == own for row, own in zip(near, labels, strict=True)])


def one_neighbour_too_many(emb, labels, k):
    return recall_by_sorting(emb, labels, k + 1)


# --- spearman --------------------------------------------------------------------------------


def by_scipy(x, y):
    return stats.spearmanr(x, y).statistic


def by_ranked_pearson(x, y):
    return np.corrcoef([stats.rankdata(x), stats.rankdata(y)])[1, 0]


def by_counting(x, y):
    def ranks(values):
        smaller = (values[:, None] > values).sum(axis=1)
        return smaller + ((values[:, None] == values).sum(axis=1) + 1) / 2

    a, b = stats.zscore(ranks(np.asarray(x))), stats.zscore(ranks(np.asarray(y)))
    return np.array([np.mean(a * b)], dtype=np.float32)


def by_walking_along(x, y):
    def ranks(values):
        order, result, start = sorted(range(len(values)), key=lambda k: values[k]), {}, 0
        while start < len(order):
            end = start
            while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
                end += 1
            for k in order[start : end + 1]:
                result[k] = (start + end) / 2  # from 0 on: a shift changes nothing
            start = end + 1
        return torch.tensor([result[k] for k in range(len(values))])

    return torch.corrcoef(torch.stack([ranks(x), ranks(y)]).double())[0, 1]


def kendall(x, y):
    return stats.kendalltau(x, y).statistic


def sorted_in_place(x, y):
    rho = by_scipy(x, y)
    x.sort()
    return rho


RIGHT = {
    "l1_distance": [rows_one_by_one, by_norm, by_cdist, larger_minus_smaller],
    "hinge_embedding": [where_same, torch_s_own, pair_by_pair, by_masks],
    "triplet_loss": [by_torch_s_distances, by_inner_products, triplet_by_triplet],
    "distance_ratio": [
        by_log_softmax,
        by_cross_entropy,
        by_log_sum_exp,
        by_logsigmoid,
        by_logaddexp,
        floor_and_rest,
    ],
    "sample_pairs": [
        class_by_class,
        from_all_pairs,
        by_rejection,
        without_repeats,
        one_anchor_for_both,
    ],
    "hardest_negatives": [
        negatives_by_cdist,
        negatives_in_a_loop,
        negatives_in_torch,
        negatives_by_squares,
    ],
    "recall_at_k": [recall_by_sorting, recall_in_a_loop, recall_in_torch, by_best_of_own],
    "spearman": [by_scipy, by_ranked_pearson, by_counting, by_walking_along],
}
WRONG = {
    "l1_distance": [largest_entry, column_of_distances, into_numpy],
    "hinge_embedding": [same_flags_inverted_in_place, margin_for_all, softened],
    "triplet_loss": [margin_between_halves, root_of_a_tiny_sum],
    "distance_ratio": [clamped, hinged],
    "sample_pairs": [
        neighbours_in_the_list,
        lone_pictures_paired_with_themselves,
        shuffles_the_labels,
    ],
    "hardest_negatives": [nearest_but_of_next_label],
    "recall_at_k": [majority_of_k, one_neighbour_too_many],
    "spearman": [kendall, sorted_in_place],
}


def listed(styles):
    return [
        pytest.param(f"siamese.{name}", attempt, id=f"{name}:{attempt.__name__}")
        for name, attempts in styles.items()
        for attempt in attempts
    ]


@pytest.mark.parametrize("exercise, attempt", listed(RIGHT))
def test_right_styles_pass(exercise, attempt):
    for seed in range(5):
        assert check(exercise, attempt, points=4, seed=seed) == 4


@pytest.mark.parametrize("exercise, attempt", listed(WRONG))
def test_wrong_styles_fail(exercise, attempt):
    for seed in range(5):
        assert check(exercise, attempt, points=4, seed=seed) < 4
