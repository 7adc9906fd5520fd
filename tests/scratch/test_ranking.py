"""Pairs, hard negatives, recall and rank correlation: by their definitions, and against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytools import scratch

SEEDS = st.integers(0, 2**32 - 1)
CLASSES = st.lists(st.integers(1, 6), min_size=2, max_size=5).filter(lambda c: max(c) > 1)


def shuffled(rng, counts):
    return rng.permutation(np.repeat(rng.permutation(20)[: len(counts)], counts))


# --- pearson ---------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(2, 30), st.sampled_from([1e-200, 1.0, 1e200]))
def test_pearson_is_that_of_scipy(seed, n, scale):
    x, y = np.random.default_rng(seed).standard_normal((2, n))
    expected = stats.pearsonr(x, y).statistic
    np.testing.assert_allclose(scratch.pearson(scale * x, y + 5), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "x, y, message",
    [
        ([4, 4, 4], [1, 2, 3], "all values of x are 4: the correlation is undefined"),
        ([1, 2, 3], [0.1, 0.1, 0.1], "all values of y are 0.1: the correlation is undefined"),
        ([1, 2], [1, 2, 3], "of one length"),
        ([1], [1], "at least 2 values"),
        ([1, np.nan], [1, 2], "x holds NaN or inf"),
    ],
)
def test_pearson_refuses_what_has_no_correlation(x, y, message):
    with pytest.raises(ValueError, match=message):
        scratch.pearson(np.array(x), np.array(y))


# --- spearman --------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(SEEDS, st.integers(3, 40), st.integers(1, 12), st.integers(1, 12))
def test_spearman_with_ties_equals_scipy_s(seed, n, of_x, of_y):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, of_x + 1, n), rng.integers(0, of_y + 1, n) / 7
    if len(set(x)) == 1 or len(set(y)) == 1:
        return
    expected = stats.spearmanr(x, y).statistic
    assert scratch.spearman(x, y) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(2, 30))
def test_spearman_sees_the_order_only(seed, n):
    x, y = np.random.default_rng(seed).standard_normal((2, n))
    rho = scratch.spearman(x, y)
    assert scratch.spearman(np.exp(3 * x), 5 * y - 100) == pytest.approx(rho, abs=1e-12)
    assert scratch.spearman(-x, y) == pytest.approx(-rho, abs=1e-12)
    assert scratch.spearman(x, x**3) == pytest.approx(1)


@pytest.mark.parametrize("x, y", [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [0.5, 0.5, 0.5])])
def test_of_constant_scores_the_correlation_is_undefined(x, y):
    with pytest.raises(ValueError, match=r"all values of [xy] are .*correlation is undefined"):
        scratch.spearman(x, y)


def test_spearman_refuses_what_has_no_rank():
    with pytest.raises(ValueError, match="x holds NaN or inf"):
        scratch.spearman([1, np.nan, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"one length, but are \(3,\) and \(2,\)"):
        scratch.spearman([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="at least 2 values"):
        scratch.spearman([1], [2])


# --- pairs and triplets ----------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(SEEDS, CLASSES, st.integers(0, 20))
def test_pairs_are_half_of_each_kind(seed, counts, half):
    rng = np.random.default_rng(seed)
    labels = shuffled(rng, counts)
    i, j, same = scratch.sample_pairs(labels, 2 * half, rng)
    assert i.shape == j.shape == same.shape == (2 * half,)
    assert np.all(i != j) and same.sum() == half
    np.testing.assert_array_equal(labels[i] == labels[j], same == 1)


@settings(max_examples=100, deadline=None)
@given(SEEDS, CLASSES, st.integers(0, 20))
def test_triplets_are_of_two_classes(seed, counts, num):
    rng = np.random.default_rng(seed)
    labels = shuffled(rng, counts)
    a, p, n = scratch.sample_triplets(labels, num, rng)
    assert np.all(a != p) and np.all(labels[a] == labels[p]) and np.all(labels[a] != labels[n])


def test_partners_are_drawn_evenly():
    labels = np.array([3, 5, 3, 5, 3, 7])
    i, j, same = scratch.sample_pairs(labels, 60_000, np.random.default_rng(0))
    for kind in (1, 0):
        first, second = i[same == kind], j[same == kind]
        for picture in np.unique(first):
            partners, counts = np.unique(second[first == picture], return_counts=True)
            own = (labels == labels[picture]).sum()
            assert len(partners) == (own - 1 if kind else 6 - own)
            assert np.ptp(counts) < 6 * np.sqrt(counts.mean())


def test_equal_seeds_give_equal_pairs():
    labels = np.repeat([0, 1, 2], 4)
    one, two = (scratch.sample_pairs(labels, 10, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("draw", [scratch.sample_pairs, scratch.sample_triplets])
def test_labels_without_pairs_are_refused(draw):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"one class only \(4\).*add pictures of another class"):
        draw(np.array([4, 4, 4]), 2, rng)
    with pytest.raises(
        ValueError, match=r"each of the 3 classes has one picture only.*add a second"
    ):
        draw(np.array([0, 1, 2]), 2, rng)
    with pytest.raises(ValueError, match=r"labels must be \(N,\)"):
        draw(np.zeros((2, 2)), 2, rng)


@pytest.mark.parametrize("num", [3, -2])
def test_an_odd_or_negative_number_of_pairs_is_refused(num):
    with pytest.raises(ValueError, match=f"num must be an even number of pairs.*{num}"):
        scratch.sample_pairs(np.array([0, 0, 1]), num, np.random.default_rng(0))


# --- points ----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(SEEDS, CLASSES, st.integers(1, 4))
def test_hardest_negatives_by_definition(seed, counts, d):
    rng = np.random.default_rng(seed)
    labels = shuffled(rng, counts)
    emb = rng.standard_normal((len(labels), d))
    for point, chosen in enumerate(scratch.hardest_negatives(emb, labels)):
        away = np.linalg.norm(emb - emb[point], axis=1)
        assert labels[chosen] != labels[point]
        assert away[chosen] == pytest.approx(away[labels != labels[point]].min())


@settings(max_examples=60, deadline=None)
@given(SEEDS, CLASSES, st.integers(1, 4))
def test_recall_by_definition(seed, counts, d):
    rng = np.random.default_rng(seed)
    labels = shuffled(rng, counts)
    emb = rng.standard_normal((len(labels), d))
    for k in range(1, len(labels)):
        found = 0
        for point in range(len(labels)):
            others = np.delete(np.arange(len(labels)), point)
            away = np.linalg.norm(emb[others] - emb[point], axis=1)
            found += labels[point] in labels[others[away.argsort()[:k]]]
        assert scratch.recall_at_k(emb, labels, k) == pytest.approx(found / len(labels))


def test_a_point_is_not_its_own_neighbour_even_where_two_lie_on_one_place():
    emb, labels = np.zeros((2, 3)), np.array([0, 1])
    assert scratch.recall_at_k(emb, labels, 1) == 0
    np.testing.assert_array_equal(scratch.hardest_negatives(emb, labels), [1, 0])


def test_points_that_do_not_fit_are_refused():
    emb = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"one class only .*add points of another class"):
        scratch.hardest_negatives(emb, np.zeros(4, int))
    with pytest.raises(ValueError, match=r"emb must be \(N, D\)"):
        scratch.hardest_negatives(emb, np.arange(3))
    with pytest.raises(ValueError, match=r"emb must be \(N, D\)"):
        scratch.recall_at_k(emb, np.arange(3), 1)
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"k must be 1 to 3.*but is {k}"):
            scratch.recall_at_k(emb, np.arange(4), k)
