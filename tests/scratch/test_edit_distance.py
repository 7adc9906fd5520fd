"""Edit distances against the plain recursion; rates are sums divided once."""

from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import edit_alignment, edit_distance, error_rates

TEXTS = st.text("ab ", max_size=9)


def by_recursion(a, b):
    @lru_cache(None)
    def d(i, j):
        if 0 in (i, j):
            return i + j
        return min(d(i - 1, j) + 1, d(i, j - 1) + 1, d(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return d(len(a), len(b))


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
def test_equals_the_recursion(a, b):
    assert edit_distance(a, b) == by_recursion(a, b)
    assert edit_distance(list(a), list(b)) == edit_distance(a, b)


@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_is_a_distance(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


@pytest.mark.parametrize(
    "a, b, distance",
    [("kitten", "sitting", 3), ("", "abc", 3), ("ab", "ba", 2), ("a", "A", 1), ([], [], 0)],
)
def test_known_distances(a, b, distance):
    assert edit_distance(a, b) == distance


@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS)
def test_alignment_spells_both_and_differs_as_little_as_can_be(a, b):
    pairs = edit_alignment(a, b)
    assert "".join(x for x, _ in pairs if x is not None) == a
    assert "".join(y for _, y in pairs if y is not None) == b
    assert (None, None) not in pairs
    assert sum(x != y for x, y in pairs) == edit_distance(a, b)


def test_known_alignments():
    assert edit_alignment("cat", "cart") == [("c", "c"), ("a", "a"), (None, "r"), ("t", "t")]
    assert edit_alignment(["the", "cat"], ["cat"]) == [("the", None), ("cat", "cat")]
    assert edit_alignment("", "") == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_rates(pairs):
    pred, true = zip(*pairs, strict=True)
    for rate, cut in zip(error_rates(pred, true), (list, str.split), strict=True):
        edits = sum(by_recursion(tuple(cut(p)), tuple(cut(t))) for p, t in pairs)
        length = sum(len(cut(t)) for t in true)
        assert rate == (edits / length if length else float("inf") if edits else 0.0)


def test_known_rates():
    assert error_rates(["the cat", "x"], ["the cats sat", "a"]) == (6 / 13, 3 / 4)
    assert error_rates(["a b c"], ["a"]) == (4.0, 2.0)
    assert error_rates([], []) == (0.0, 0.0)


@pytest.mark.parametrize(
    "pred, true, words",
    [
        (["a"], ["a", "b"], "pred and true must be pairs, but they are 1 and 2"),
        ("ab", ["a", "b"], "pred must be a list of strings, but is 'ab'"),
        (["a"], [1], r"true must be a list of strings, but is \[1\]"),
    ],
)
def test_bad_input_is_refused(pred, true, words):
    with pytest.raises(ValueError, match=words):
        error_rates(pred, true)
