"""How far a text is from another one: edits, where they are, and the error rates that count them.

Source: Levenshtein (1966), Binary codes capable of correcting deletions, insertions and reversals;
by the rows of Wagner & Fischer (1974), The string-to-string correction problem.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def edit_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """The fewest insertions, deletions and substitutions that turn a into b.

    a, b: strings, or sequences of anything that can be told apart (words, ids); each edit costs 1.

    A row of the table holds the distances of one beginning of a to all of b. Within a row, an entry
    depends on its left neighbour (an insertion): d[j] = min over i <= j of d[i] + j - i. That is a
    running minimum of d[i] - i, one call for the row.
    """
    codes: dict[Hashable, int] = {}
    first, second = ([codes.setdefault(item, len(codes)) for item in text] for text in (a, b))
    second = np.array(second, dtype=int)
    place = np.arange(len(second) + 1)
    row = place
    for number, item in enumerate(first, start=1):
        new = row + 1  # item deleted
        new[1:] = np.minimum(new[1:], row[:-1] + (second != item))  # kept, or substituted
        new[0] = number
        row = np.minimum.accumulate(new - place) + place
    return int(row[-1])


def edit_alignment(
    a: Sequence[Hashable], b: Sequence[Hashable]
) -> list[tuple[Hashable | None, Hashable | None]]:
    """The two texts item by item: pairs of which as few differ as the edit distance says.

    a, b: as in edit_distance, without None: that stands where the other text alone has an item.
    The whole table is filled, and the pairs are read on a way back from its last corner.
    """
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, first in enumerate(a, start=1):
        for j, second in enumerate(b, start=1):
            swap = table[i - 1, j - 1] + (first != second)
            table[i, j] = min(swap, table[i - 1, j] + 1, table[i, j - 1] + 1)
    pairs, i, j = [], len(a), len(b)
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (a[i - 1] != b[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((a[i], b[j]))
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            pairs.append((a[i], None))
        else:
            j -= 1
            pairs.append((None, b[j]))
    return pairs[::-1]


def error_rates(pred: Sequence[str], true: Sequence[str]) -> tuple[float, float]:
    """The character and the word error rate of texts that were read.

    pred, true: as many strings each. The edits of all pairs are summed and divided by the summed
    length of the true texts, in characters and in words (split on white space): so a long line
    counts for more than a short one, and a rate may exceed 1. Texts without any characters or words
    have the rate 0 where nothing was read either, else inf. Raises ValueError where pred and true
    are no lists of strings of one length.
    """
    for name, texts in (("pred", pred), ("true", true)):
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{name} must be a list of strings, but is {texts!r:.80}")
    if len(pred) != len(true):
        raise ValueError(f"pred and true must be pairs, but they are {len(pred)} and {len(true)}")
    words = [text.split() for text in pred], [text.split() for text in true]
    return _rate(pred, true), _rate(*words)


def _rate(pred: Sequence[Sequence[str]], true: Sequence[Sequence[str]]) -> float:
    edits = sum(map(edit_distance, pred, true))
    length = sum(map(len, true))
    return edits / length if length else float("inf") if edits else 0.0
