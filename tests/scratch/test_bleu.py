"""BLEU: equal to nltk's, to the numbers of the paper, and to what follows from the formula."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu

from pytools.scratch import bleu

sentence = st.lists(st.sampled_from("abcd"), max_size=9)
texts = st.lists(sentence, min_size=1, max_size=3)
corpora = st.lists(st.tuples(sentence, texts), min_size=1, max_size=4)


def by_nltk(candidates, references, max_n):
    """nltk's score, two of its habits undone.

    A candidate of fewer than n words has no n-grams, but nltk counts one for it, so that no sum is
    0: the precisions are scaled back. Where nothing is found it takes the smallest float for 0.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a score is 0, or nearly
        score = corpus_bleu(references, candidates, [1 / max_n] * max_n)
    for n in range(1, max_n + 1):
        counts = [len(candidate) - n + 1 for candidate in candidates]
        total = sum(max(count, 0) for count in counts)
        counted = sum(max(count, 1) for count in counts)
        score *= (counted / total) ** (1 / max_n) if total else 0.0
    return score


@given(corpora, st.integers(1, 5))
def test_equals_nltk(corpus, max_n):
    candidates, references = map(list, zip(*corpus, strict=True))
    ours = bleu(candidates, references, max_n)
    np.testing.assert_allclose(ours, by_nltk(candidates, references, max_n), rtol=1e-9, atol=1e-9)


@given(st.lists(texts, min_size=1, max_size=4))
def test_a_reference_as_candidate_earns_everything(references):
    longest = [max(options, key=len) for options in references]
    expected = 1.0 if any(len(text) > 3 for text in longest) else 0.0
    assert bleu(longest, references) == expected


@given(corpora)
def test_the_order_of_candidates_and_references_does_not_matter(corpus):
    candidates, references = map(list, zip(*corpus, strict=True))
    turned = [options[::-1] for options in references[::-1]]
    np.testing.assert_allclose(
        bleu(candidates[::-1], turned, 2), bleu(candidates, references, 2), rtol=1e-12
    )


def test_the_example_of_the_paper():
    """Papineni et al. (2002), section 2.1: 2 of 7 words, though all seven are found."""
    texts = ("the cat is on the mat", "there is a cat on the mat")
    references = [text.split() for text in texts]
    assert bleu([["the"] * 7], [references], 1) == pytest.approx(2 / 7)


def test_a_corpus_is_no_mean_of_sentences():
    """Found: 6 of 8 words, 4 of 6 pairs. Lengths: 8 words against 2 + 8."""
    candidates, references = (
        [list("ab"), list("cdefxy")],
        [[list("ab")], [list("cdefgh") + ["i"] * 2]],
    )
    expected = np.exp(1 - 10 / 8) * np.sqrt(6 / 8 * 4 / 6)
    assert bleu(candidates, references, 2) == pytest.approx(expected)


@pytest.mark.parametrize("candidates", [[[]], [["a", "b", "c"]], [["d", "c", "b", "a"]]])
def test_zero_where_a_precision_is_zero_or_undefined(candidates):
    assert bleu(candidates, [[["a", "b", "c", "d"]]]) == 0.0
    assert bleu([], []) == 0.0


@pytest.mark.parametrize(
    "candidates, references, max_n, words",
    [
        ([["a"]], [], 4, "1 candidates and 0 lists"),
        ([["a"], ["b"]], [[["a"]], []], 4, "candidate 1 has no reference"),
        (["a b"], [[["a"]]], 4, "number 0 hold a string"),
        ([["a"]], [["a b"]], 4, "number 0 hold a string"),
        ([["a"]], [[["a"]]], 0, "max_n must be at least 1, but is 0"),
    ],
)
def test_bad_input(candidates, references, max_n, words):
    with pytest.raises(ValueError, match=words):
        bleu(candidates, references, max_n)
