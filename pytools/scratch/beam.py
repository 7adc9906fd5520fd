"""Beam search: the most probable sentence, looked for in a few places at once.

Sources: Lowerre (1976), The Harpy speech recognition system; Graves (2012), Sequence transduction
with recurrent neural networks (for nets that write).
"""

from collections.abc import Callable, Sequence

import numpy as np


def beam_search(
    step: Callable[[list[int]], Sequence[float]], start: int, end: int, width: int, max_len: int
) -> list[int]:
    """The ids of the most probable sentence that a beam of some width finds.

    step(prefix) -> log-probabilities (V,) of the next id; prefix is a list of ids that begins with
    start. A hypothesis is worth the sum of its log-probabilities. At each step all running ones are
    continued by every id, and the `width` best stay, finished ones (that wrote end) among them. It
    stops where the best one is finished, since sums only fall, or after max_len new ids, end
    counted. Returns the best one's ids without start and end. Width 1 is greedy search. Raises
    ValueError for width or max_len below 1.
    """
    if width < 1 or max_len < 1:
        raise ValueError(f"width and max_len must be at least 1, but are {width} and {max_len}")
    beam = [(0.0, [start])]
    for _ in range(max_len):
        grown = []
        for total, ids in beam:
            if ids[-1] == end and len(ids) > 1:
                grown.append((total, ids))
                continue
            scores = total + np.asarray(step(list(ids)), np.float64)
            best = np.argsort(-scores, kind="stable")[:width]
            grown += [(float(scores[i]), [*ids, int(i)]) for i in best]
        beam = sorted(grown, key=lambda hypothesis: -hypothesis[0])[:width]
        if beam[0][1][-1] == end:
            break
    ids = beam[0][1][1:]
    return ids[:-1] if ids[-1] == end else ids
