"""Beam search: width 1 is greedy, a wide beam is as good as trying everything."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytools.scratch import beam_search

START, END, SIZE = 1, 2, 4


def net(seed):
    """A step function: log-probabilities that depend on all that was written."""

    def step(prefix):
        assert prefix[0] == START and END not in prefix
        logits = np.random.default_rng([seed, *prefix]).standard_normal(SIZE)
        return logits - np.log(np.exp(logits).sum())

    return step


def worth(step, ids):
    """The sum of the log-probabilities of ids, start not among them."""
    return sum(step([START, *ids[:t]])[i] for t, i in enumerate(ids))


def everything(max_len):
    """All captions of max_len ids at most, those that did not end only at that length."""
    words = [i for i in range(SIZE) if i != END]
    for n in range(max_len):
        yield from ([*ids, END] for ids in itertools.product(words, repeat=n))
    yield from (list(ids) for ids in itertools.product(words, repeat=max_len))


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_a_beam_that_holds_everything_finds_the_best(seed, max_len):
    step = net(seed)
    best = max(everything(max_len), key=lambda ids: worth(step, ids))
    found = beam_search(step, START, END, 4**max_len, max_len)
    assert found == [i for i in best if i != END]


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_width_1_is_greedy(seed, max_len):
    step, ids = net(seed), []
    while len(ids) < max_len and END not in ids:
        ids.append(int(np.argmax(step([START, *ids]))))
    found = beam_search(step, START, END, 1, max_len)
    assert found == [i for i in ids if i != END]


def test_a_good_word_behind_a_poor_one():
    tree = {(): {4: 0.55, 5: 0.4, END: 0.05}, (4,): {4: 0.3, 5: 0.3, END: 0.4}, (5,): {END: 1.0}}

    def step(prefix):
        p = np.full(6, 1e-9)
        for i, value in tree.get(tuple(prefix[1:]), {END: 1.0}).items():
            p[i] = value
        return np.log(p)

    assert beam_search(step, START, END, 1, 5) == [4]
    assert beam_search(step, START, END, 2, 5) == [5]


def test_start_and_end_may_be_one_id():
    def step(prefix):
        return np.log([0.1, 0.7, 0.2] if len(prefix) < 3 else [0.9, 0.05, 0.05])

    assert beam_search(step, 0, 0, 2, 9) == [1, 1]


@pytest.mark.parametrize("width, max_len", [(0, 5), (3, 0)])
def test_bad_input(width, max_len):
    with pytest.raises(ValueError, match=f"at least 1, but are {width} and {max_len}"):
        beam_search(net(0), START, END, width, max_len)
