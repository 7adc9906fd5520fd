"""Where in the line does each letter stand? CTC's posterior over its states, and the best path.

Source: Graves et al. (2006), Connectionist temporal classification, sections 4.1 and 4.2. One line
at a time, to look at; `ctc.py` has the sums for training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pytools.scratch.ctc import ctc_loss


def ctc_posterior(log_probs: np.ndarray, labels: Sequence[int], blank: int = 0) -> np.ndarray:
    """The probability of each state in each frame, given the text: (T, 2L + 1), rows sum to 1.

    log_probs (T, C), labels (L,), as in ctc_loss. The states are the text with blanks around each
    letter. Raises ValueError where no path is possible.
    """
    states, emitted = _lattice(log_probs, labels, blank)
    to = _sums(emitted, states, np.logaddexp)
    onward = _sums(emitted[::-1, ::-1], states[::-1], np.logaddexp)[::-1, ::-1]
    with np.errstate(invalid="ignore"):
        through = to + onward - emitted
    through = np.where(np.isnan(through), -np.inf, through)  # a frame that forbids the state
    share = np.exp(through - through.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def ctc_align(log_probs: np.ndarray, labels: Sequence[int], blank: int = 0) -> np.ndarray:
    """The states of the most probable path that stands for the text: ints (T,), 0 to 2L.

    Arguments and ValueError as in ctc_posterior. State 2i + 1 is letter i, an even one a blank.
    """
    states, emitted = _lattice(log_probs, labels, blank)
    best = _sums(emitted, states, np.maximum)
    state = len(states) - 1
    if len(states) > 1 and best[-1, -2] > best[-1, -1]:
        state -= 1
    path = [state]
    for scores in best[-2::-1]:
        ways = [state, state - 1]
        if state > 1 and states[state] != states[state - 2]:
            ways.append(state - 2)
        state = max((way for way in ways if way >= 0), key=scores.__getitem__)
        path.append(state)
    return np.array(path[::-1])


def _lattice(
    log_probs: np.ndarray, labels: Sequence[int], blank: int
) -> tuple[np.ndarray, np.ndarray]:
    """The states' symbols (S,), and what they emit (T, S)."""
    loss, _ = ctc_loss(np.asarray(log_probs, dtype=float), labels, blank)  # checks them, too
    labels = np.asarray(labels, dtype=int)
    needed = len(labels) + np.count_nonzero(labels[1:] == labels[:-1])
    if len(log_probs) < max(needed, 1):
        raise ValueError(
            f"a text of {len(labels)} letters needs {max(needed, 1)} frames, "
            f"but log_probs has {len(log_probs)}"
        )
    if loss == np.inf:
        raise ValueError("log_probs gives every path that spells the text the probability 0")
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    return states, np.asarray(log_probs, dtype=float)[:, states]


def _sums(emitted: np.ndarray, states: np.ndarray, add: Callable) -> np.ndarray:
    """(T, S): all ways to a state, or the best one, by what `add` makes of two logs."""
    skip = np.where(states[2:] != states[:-2], 0, -np.inf)
    before = np.where(np.arange(len(states)) == 0, 0, -np.inf)  # in front of the first frame
    rows = []
    for frame in emitted:
        came = before.copy()
        came[1:] = add(came[1:], before[:-1])
        came[2:] = add(came[2:], before[:-2] + skip)
        before = came + frame
        rows.append(before)
    return np.array(rows)
