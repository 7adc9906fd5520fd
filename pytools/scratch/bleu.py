"""BLEU: how many runs of words a sentence shares with what people wrote.

Source: Papineni, Roukos, Ward & Zhu (2002), BLEU: a method for automatic evaluation of machine
translation.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

Tokens = Sequence[str]


def bleu(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]], max_n: int = 4
) -> float:
    """BLEU of a whole corpus, 0 to 1: BP · exp(mean over n of log p_n), n = 1 … max_n.

    candidates: a list of words each; references: for each candidate a list of such lists, one or
    more. p_n is the share of the candidates' n-grams that are found in their references, both
    numbers summed over the corpus; an n-gram counts at most as often as the one reference that has
    it most often. BP = min(1, e^(1 - r/c)), c the words of all candidates, r those of the reference
    nearest in length to each, the shorter one where two are as near. There is no smoothing: 0 where
    a p_n is 0, or no candidate has n words. Raises ValueError where candidates and references do
    not fit, a candidate has no reference, or max_n is below 1.
    """
    _check(candidates, references, max_n)
    found, total = np.zeros(max_n), np.zeros(max_n)
    c = r = 0
    for candidate, texts in zip(candidates, references, strict=True):
        c += len(candidate)
        r += min((abs(len(text) - len(candidate)), len(text)) for text in texts)[1]
        for n in range(1, max_n + 1):
            mine = ngrams(candidate, n)
            allowed = Counter()
            for text in texts:
                allowed |= ngrams(text, n)  # the larger count of the two
            found[n - 1] += (mine & allowed).total()  # the smaller one
            total[n - 1] += mine.total()
    if not found.all():
        return 0.0
    return float(np.exp(min(0.0, 1 - r / c) + np.log(found / total).mean()))


def ngrams(tokens: Tokens, n: int) -> Counter:
    """How often each run of n words occurs."""
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _check(candidates: Sequence, references: Sequence, max_n: int) -> None:
    if max_n < 1:
        raise ValueError(f"max_n must be at least 1, but is {max_n}")
    if len(candidates) != len(references):
        raise ValueError(
            f"each candidate needs a list of references, but there are {len(candidates)} "
            f"candidates and {len(references)} lists"
        )
    for number, (candidate, texts) in enumerate(zip(candidates, references, strict=True)):
        if isinstance(candidate, str) or any(isinstance(text, str) for text in texts):
            raise ValueError(
                f"sentences must be lists of words, but those of number {number} hold a string: "
                "split it"
            )
        if not len(texts):
            raise ValueError(f"candidate {number} has no reference: leave it out")
