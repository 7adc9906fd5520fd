"""From CTC's frames to a text: the best path, or the best text that a beam of prefixes finds.

Sources: Graves et al. (2006), Connectionist temporal classification (best path decoding); Hannun,
Maas, Jurafsky & Ng (2014), First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs (prefix beam search, here without a language model).
"""

from __future__ import annotations

import numpy as np


def greedy_decode(log_probs: np.ndarray, blank: int = 0) -> list[int]:
    """The text of the most probable path: the best symbol of each frame, repeats merged, then
    blanks dropped.

    log_probs (T, C). Of equal symbols the first one counts. Raises ValueError for another shape, a
    blank that is no symbol, NaN, +inf, and a frame in which nothing is possible.
    """
    path = _frames(log_probs, blank).argmax(axis=1)
    starts = np.diff(path, prepend=-1) != 0
    return path[starts & (path != blank)].tolist()


def beam_decode(log_probs: np.ndarray, width: int, blank: int = 0) -> list[int]:
    """The most probable text among those that a prefix beam search of this width meets.

    log_probs (T, C), and what is raised, as in greedy_decode; ValueError for a width below 1, too.
    After each frame the `width` best beginnings of a text are kept, each with two scores: that of
    its paths that end on a blank, and of those that end on its last symbol. Only the first kind can
    add that symbol once more. With a width for every possible prefix the result is exact.
    """
    frames = _frames(log_probs, blank).astype(float)
    if width < 1:
        raise ValueError(f"width must be at least 1, but is {width}")
    classes = frames.shape[1]
    beam: list[tuple[int, ...]] = [()]
    ends_blank, ends_symbol = np.zeros(1), np.full(1, -np.inf)  # logs of sums of probabilities
    for frame in frames:
        rows = np.arange(len(beam))
        last = np.array([prefix[-1] if prefix else blank for prefix in beam])
        total = np.logaddexp(ends_blank, ends_symbol)
        longer = total[:, None] + frame  # (beam, C): a symbol more
        longer[rows, last] = ends_blank + frame[last]
        longer[:, blank] = -np.inf
        stay_blank = total + frame[blank]
        stay_symbol = ends_symbol + frame[last]
        place = {prefix: row for row, prefix in enumerate(beam)}
        for row, prefix in enumerate(beam):  # one more symbol may lead to a prefix that is here
            parent = place.get(prefix[:-1]) if prefix else None
            if parent is not None:
                more = longer[parent, prefix[-1]]
                stay_symbol[row] = np.logaddexp(stay_symbol[row], more)
                longer[parent, prefix[-1]] = -np.inf
        scores = np.concatenate([np.logaddexp(stay_blank, stay_symbol), longer.ravel()])
        best = np.argsort(-scores, kind="stable")[:width]
        best = best[scores[best] > -np.inf]
        kept, new = best[best < len(beam)], best[best >= len(beam)] - len(beam)
        parents, symbols = np.divmod(new, classes)
        grown = [(*beam[p], s) for p, s in zip(parents.tolist(), symbols.tolist(), strict=True)]
        beam = [beam[row] for row in kept] + grown
        ends_blank = np.concatenate([stay_blank[kept], np.full(len(new), -np.inf)])
        ends_symbol = np.concatenate([stay_symbol[kept], longer.ravel()[new]])
    return list(beam[np.argmax(np.logaddexp(ends_blank, ends_symbol))])


def _frames(log_probs: np.ndarray, blank: int) -> np.ndarray:
    """log_probs as an array, if it can be read; else ValueError."""
    frames = np.asarray(log_probs)
    if frames.ndim != 2 or frames.dtype.kind != "f":
        raise ValueError(
            f"log_probs must be floats (T, C), "
            f"but has shape {frames.shape} and dtype {frames.dtype}"
        )
    if not 0 <= blank < frames.shape[1]:
        raise ValueError(f"blank must be 0 to {frames.shape[1] - 1}, but is {blank}")
    if not np.all(frames < np.inf):
        raise ValueError("log_probs holds NaN or +inf: only -inf, the log of 0, has a meaning")
    if not np.all(np.any(frames > -np.inf, axis=1)):
        raise ValueError("log_probs has a frame of nothing but -inf: no symbol is possible there")
    return frames
