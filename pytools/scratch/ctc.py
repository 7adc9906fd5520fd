"""Connectionist temporal classification: the loss of a text whose place in the line is unknown.

A line of T frames is read as one symbol a frame; merging repeats and then dropping blanks turns
such a path into a text. The loss is minus the log of the summed probability of all paths that give
the wanted text. Source: Graves, Fernández, Gomez & Schmidhuber (2006), Connectionist temporal
classification: labelling unsegmented sequence data with recurrent neural networks.

All sums stay in log space, so that nothing underflows, however unlikely a path is. Rescaled
probabilities would be quicker still, but they lose every state that is far behind the best one
of its frame, and one of these may be the only one that can still reach the end of the text.

Three things make it quick. A batch is one array, so that a frame costs a few NumPy calls. The
backward sums are forward sums of the line and the text read backwards, and run in the same loop.
And blanks and labels are kept apart: what a blank takes over from its frame before, its own score
and that of the label to its left, is also what the label to its right takes over beside its own,
unless the two labels are equal. So two sums of two serve a pair of states, not two of three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The log of "cannot be": far below any log probability, yet finite, so that DEAD - DEAD is no NaN.
DEAD = -1e30
NEVER = DEAD / 10  # a sum below it holds a DEAD one


def ctc_loss(
    log_probs: np.ndarray, labels: Sequence[int], blank: int = 0
) -> tuple[float, np.ndarray]:
    """The CTC loss of one line, and its gradient for each entry of log_probs.

    log_probs (T, C): the log probability of each symbol in each frame, float64 or float32.
    labels (L,): the text's symbols, ints from 0 to C - 1 without the blank; may be empty.

    Returns loss, a float, and grad (T, C), the dtype of log_probs: minus the probability, given
    the text, that its path takes this symbol in this frame, so that each row sums to -1. A text
    that needs more frames than there are (one a label, and one more between equal neighbours) has
    the loss +inf and a gradient of zeros. Raises ValueError as ctc_loss_batch does.
    """
    log_probs = np.asarray(log_probs)
    if log_probs.ndim != 2:
        raise ValueError(f"log_probs must be (T, C), but has shape {log_probs.shape}")
    losses, grad = ctc_loss_batch(log_probs[:, None], [labels], None, blank)
    return float(losses[0]), grad[:, 0]


def ctc_loss_batch(
    log_probs: np.ndarray,
    labels: Sequence[Sequence[int]],
    lengths: Sequence[int] | None = None,
    blank: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The CTC losses of N lines, and their gradients: ctc_loss for a padded batch.

    log_probs (T, N, C), float64 or float32; labels: N texts, each as in ctc_loss; lengths (N,):
    the frames of each line, 0 to T, all T where None. Frames from there on are padding.

    Returns losses (N,) and grad (T, N, C), the dtype of log_probs; zeros in the padding. Raises
    ValueError where shapes do not fit, a length or a symbol is out of range, a text holds the
    blank, or an entry is NaN or +inf.
    """
    log_probs, symbols, counts, lengths = _checked(log_probs, labels, lengths, blank)
    steps, n, classes = log_probs.shape
    inside = np.arange(steps)[:, None] < lengths  # (T, N): no padding
    blanks, letters = _emissions(log_probs, symbols, counts, inside, blank)
    on_blank, on_letter = _sums(blanks, letters, symbols, counts)

    line = np.arange(n)
    ends = on_blank[lengths, counts, line], on_letter[lengths, counts, line]
    totals = np.logaddexp(*ends)
    possible = totals > NEVER
    losses = np.where(possible, -totals, np.inf).astype(log_probs.dtype)

    # A path through a state: the sums up to it and from it on, less its frame, which both count.
    at_blank = on_blank[1:, :, :n] + on_blank[:0:-1, ::-1, n:]
    at_letter = on_letter[1:, 1:, :n] + on_letter[:0:-1, :0:-1, n:]
    at_blank -= blanks[:, None, :n]
    at_letter -= letters[:, :, :n]
    best = np.maximum(at_blank.max(axis=1), at_letter.max(axis=1, initial=DEAD))[:, None]
    for at in (at_blank, at_letter):
        at -= best
        np.exp(at, out=at)
    on_any_blank = at_blank.sum(axis=1)
    share = np.where(inside & possible, -1, 0) / (on_any_blank + at_letter.sum(axis=1))
    share = share.astype(log_probs.dtype)
    at_letter *= share[:, None]
    is_symbol = (symbols.T[:, :, None] == np.arange(classes)).astype(log_probs.dtype)
    grad = np.matmul(at_letter.transpose(2, 0, 1), is_symbol)
    grad[:, :, blank] += (on_any_blank * share).T
    return losses, grad.transpose(1, 0, 2)


def _emissions(
    log_probs: np.ndarray, symbols: np.ndarray, counts: np.ndarray, inside: np.ndarray, blank: int
) -> tuple[np.ndarray, np.ndarray]:
    """What blanks and letters emit in each frame, (T, 2N) and (T, L, 2N): forwards, and backwards.

    Line and text are turned round with their padding, which then comes first: in a padded frame all
    stay where they are, and a padded letter is DEAD.
    """
    steps, n, classes = log_probs.shape
    blanks = np.where(inside, log_probs[:, :, blank], 0)
    letters = log_probs.reshape(steps, n * classes).take(np.arange(n) * classes + symbols, axis=1)
    letters[:, np.arange(len(symbols))[:, None] >= counts] = DEAD
    if not inside.all():
        letters[np.broadcast_to(~inside[:, None], letters.shape)] = DEAD
    return (
        np.concatenate([blanks, blanks[::-1]], axis=1),
        np.concatenate([letters, letters[::-1, ::-1]], axis=2),
    )


def _sums(
    blanks: np.ndarray, letters: np.ndarray, symbols: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The log of the summed probability of all ways to stand on a state after so many frames.

    Returns on_blank and on_letter, both (T + 1, L + 1, 2N): row i of on_blank is the blank after i
    letters, row i of on_letter the i-th letter; its row 0 stays DEAD. Before the first frame, all
    stand on the blank in front of the text.
    """
    steps, most, columns = letters.shape
    on_blank = np.full((steps + 1, most + 1, columns), DEAD, letters.dtype)
    on_letter = on_blank.copy()
    on_blank[0, 0, : columns // 2] = 0
    on_blank[0, most - counts, np.arange(columns // 2, columns)] = 0
    repeated = np.zeros((most, columns), bool)
    repeated[1:] = np.hstack([symbols[1:] == symbols[:-1], (symbols[1:] == symbols[:-1])[::-1]])
    repeats = repeated.any()
    came, low = np.empty_like(on_blank[0]), np.empty_like(on_blank[0])
    came_before, low_after = came[:-1], low[1:]
    before = on_blank[:-1], on_letter[:-1]
    after = on_blank[1:], on_letter[1:, 1:]
    for blank, letter, new_blank, new_letter, from_blank, from_letter in zip(
        *before, *after, blanks, letters, strict=True
    ):
        _add_logs(blank, letter, came, low)  # from the blank itself, or from the letter before it
        np.add(came, from_blank, out=new_blank)
        if repeats:  # an equal letter can only be entered from the blank between
            np.copyto(came_before, blank[:-1], where=repeated)
        _add_logs(letter[1:], came_before, new_letter, low_after)
        new_letter += from_letter
    return on_blank, on_letter


def _add_logs(a: np.ndarray, b: np.ndarray, out: np.ndarray, low: np.ndarray) -> None:
    """out = log(exp(a) + exp(b)); low is room for what lies between."""
    np.minimum(a, b, out=low)
    np.maximum(a, b, out=out)
    low -= out
    np.exp(low, out=low)
    np.log1p(low, out=low)
    out += low


def _checked(
    log_probs: np.ndarray,
    labels: Sequence[Sequence[int]],
    lengths: Sequence[int] | None,
    blank: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """log_probs with a floor; symbols (L, N), padded with blanks; counts and lengths (N,)."""
    log_probs = np.asarray(log_probs)
    if log_probs.dtype not in (np.float32, np.float64):
        raise ValueError(f"log_probs must be float64 or float32, but has dtype {log_probs.dtype}")
    if log_probs.ndim != 3:
        raise ValueError(f"log_probs must be (T, N, C), but has shape {log_probs.shape}")
    if not np.all(log_probs < np.inf):
        raise ValueError("log_probs holds NaN or +inf: only -inf, the log of 0, has a meaning")
    steps, n, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise ValueError(f"blank must be 0 to {classes - 1}, a symbol of log_probs, but is {blank}")
    lengths = np.full(n, steps) if lengths is None else np.asarray(lengths)
    if lengths.shape != (n,) or np.any((lengths < 0) | (lengths > steps)):
        raise ValueError(f"lengths must be {n} numbers from 0 to {steps}, but is {lengths}")
    if len(labels) != n:
        raise ValueError(f"labels must hold {n} texts, one a line, but holds {len(labels)}")
    counts = np.array([len(text) for text in labels], dtype=np.intp)
    filled = np.arange(counts.max(initial=0))[:, None] < counts
    symbols = np.full(filled.shape, blank)
    if counts.any():
        every = np.concatenate([text for text in labels if len(text)])
        if every.ndim != 1 or every.dtype.kind not in "iu":
            raise ValueError(f"labels must be rows of ints, but have dtype {every.dtype}")
        wrong = (every < 0) | (every >= classes) | (every == blank)
        if wrong.any():
            number = np.repeat(np.arange(n), counts)[wrong][0]
            raise ValueError(
                f"labels[{number}] must hold symbols from 0 to {classes - 1} without the blank, "
                f"{blank}, but holds {every[wrong][0]}"
            )
        symbols.T[filled.T] = every
    return np.maximum(log_probs, log_probs.dtype.type(DEAD)), symbols, counts, lengths
