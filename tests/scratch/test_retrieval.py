"""Recall of what belongs together, and accuracy among people who do not agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytools.scratch import answer_accuracy, recall_at_k_retrieval


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10**6))
def test_recall_counts_queries_row_by_row(n, k, seed):
    sim = np.random.default_rng(seed).standard_normal((n, n))
    found = sum(i in sorted(range(n), key=lambda j: -sim[i, j])[:k] for i in range(n))
    assert recall_at_k_retrieval(sim, k) == found / n
    assert recall_at_k_retrieval(sim, n) == 1.0


def test_a_model_to_which_all_are_alike_finds_as_much_as_chance():
    for k in (1, 2, 5):
        assert recall_at_k_retrieval(np.zeros((5, 5)), k) == k / 5


def test_accuracy():
    answers = [["red"] * 7 + ["blue"] * 3, ["yes"] * 8 + ["no"] * 2, ["2"] * 9 + ["two"]]
    assert answer_accuracy(["red", "no", "two"], answers) == pytest.approx((1 + 2 / 3 + 1 / 3) / 3)
    assert answer_accuracy(["Red"], answers[:1]) == 0.0
    assert answer_accuracy(["a"], [[]]) == 0.0


@pytest.mark.parametrize(
    "sim, k, words",
    [
        (np.zeros((2, 3)), 1, r"sim must be \(N, N\).*\(2, 3\)"),
        (np.zeros((0, 0)), 1, "sim must be"),
        (np.full((2, 2), np.nan), 1, "sim holds NaN or inf"),
        (np.zeros((2, 2)), 0, "k must be at least 1, but is 0"),
    ],
)
def test_bad_sim(sim, k, words):
    with pytest.raises(ValueError, match=words):
        recall_at_k_retrieval(sim, k)


@pytest.mark.parametrize("pred, answers", [(["a"], []), ([], []), (["a", "b"], [["a"]])])
def test_bad_answers(pred, answers):
    with pytest.raises(ValueError, match="pred and answers must be of one length"):
        answer_accuracy(pred, answers)
