"""Vocabularies: the order of ids, and captions that come back as they went."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytools.scratch import build_vocab, decode, encode

words = st.sampled_from(["red", "green", "blue", "circle", "square"])
captions = st.lists(st.lists(words, max_size=6).map(" ".join), max_size=6)


def test_frequent_first_then_alphabetical():
    vocab = build_vocab(["A red circle", "a blue  circle", "green"], 1)
    special = {"<pad>": 0, "<start>": 1, "<end>": 2, "<unk>": 3}
    assert vocab == special | {"a": 4, "circle": 5, "blue": 6, "green": 7, "red": 8}
    assert list(build_vocab(["b b a a c"], 2)) == [*special, "a", "b"]
    assert build_vocab([], 1) == special


@given(captions, st.integers(1, 3))
def test_ids_are_0_to_n_and_follow_the_counts(captions, min_count):
    vocab = build_vocab(captions, min_count)
    assert list(vocab.values()) == list(range(len(vocab)))
    every = " ".join(captions).split()
    counts = [every.count(word) for word in list(vocab)[4:]]
    assert counts == sorted(counts, reverse=True) and all(c >= min_count for c in counts)
    assert build_vocab(captions[::-1], min_count) == vocab


@given(captions)
def test_there_and_back(captions):
    vocab = build_vocab(captions, 1)
    for caption in captions:
        ids = encode(caption, vocab)
        assert ids[0] == 1 and ids[-1] == 2
        assert decode([*ids, 0, 0, 4], vocab) == caption


def test_unknown_words():
    vocab = build_vocab(["a red circle"], 1)
    assert encode("A round circle", vocab) == [1, 4, 3, 5, 2]
    assert decode([4, 3, 5], vocab) == "a <unk> circle"
    assert decode([1, 2], vocab) == decode([], vocab) == ""


def test_the_special_words_are_no_words_of_a_caption():
    assert build_vocab(["<end> a <end>"], 1) == build_vocab(["a"], 1)


def test_bad_input():
    with pytest.raises(ValueError, match="captions must be a list of strings, but is one string"):
        build_vocab("a red circle", 1)
    with pytest.raises(ValueError, match="ids must be 0 to 4, as vocab has them, but hold 7"):
        decode([4, 7], build_vocab(["a"], 1))
