"""Captions by beam search over a batch of pictures, and by asking two writers.

A writer that learned from right to left knows what a sentence ends with before it knows its
beginning. Let it score the candidates of the other (after Wang et al. 2016, Image captioning with
deep bidirectional LSTMs, where the likelier of two directions' sentences is taken).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pytools.models.captioner import END, PAD, START, Captioner, State, padded

LONGEST = 24  # words of a caption, END counted


class Candidate(NamedTuple):
    """ids: a caption without START and END; score: its log-probability, END counted."""

    ids: list[int]
    score: float


@torch.no_grad()
def beam(
    captioner: Captioner, features: Tensor, width: int, max_len: int = LONGEST
) -> list[list[Candidate]]:
    """For each picture the width best captions that a beam finds, the best first.

    features (N, L, D); width 1 is greedy. The same search as scratch.beam_search, for all pictures
    at once: a finished caption stays in the beam with its score, and goes on as PAD for nothing.
    """
    if width < 1:
        raise ValueError(f"width must be at least 1, but is {width}")
    captioner.eval()
    size = len(features)
    looked = captioner.look(features).repeat_interleave(width, dim=0)
    state = State(*(part.repeat_interleave(width, dim=0) for part in captioner.start(features)))
    ids = torch.full((size * width, 1), START)
    scores = torch.full((size, width), -torch.inf)
    scores[:, 0] = 0  # at first all of a beam are alike: only one of them counts
    first = width * torch.arange(size)[:, None]
    for _ in range(max_len):
        logits, state, _ = captioner.step(looked, state, ids[:, -1])
        grown = logits.log_softmax(dim=1)
        finished = (ids[:, -1] == END) | (ids[:, -1] == PAD)
        grown[finished] = -torch.inf
        grown[:, PAD] = torch.where(finished, 0.0, -torch.inf)
        total = (scores.reshape(-1, 1) + grown).reshape(size, -1)
        scores, best = total.topk(width, dim=1)
        rows = (first + best // grown.shape[1]).flatten()
        ids = torch.cat([ids[rows], (best % grown.shape[1]).reshape(-1, 1)], dim=1)
        state = State(*(part[rows] for part in state))
        if torch.isin(ids[:, -1], torch.tensor([END, PAD])).all():
            break
    found = [
        Candidate(_bare(row), score)
        for row, score in zip(ids, scores.flatten().tolist(), strict=True)
    ]
    return [found[start : start + width] for start in range(0, len(found), width)]


def _bare(ids: Tensor) -> list[int]:
    words = ids[1:].tolist()
    return words[: words.index(END)] if END in words else words


@torch.no_grad()
def log_probability(
    captioner: Captioner, features: Tensor, captions: Sequence[Sequence[int]]
) -> Tensor:
    """The log-probability (N,) of a caption of ids, without START and END, for each picture."""
    captioner.eval()
    ids, lengths = padded([[START, *caption, END] for caption in captions])
    chosen = captioner(features, ids).log_softmax(dim=2)
    chosen = chosen.gather(2, ids[:, 1:, None]).squeeze(2)
    real = torch.arange(chosen.shape[1]) < lengths[:, None] - 1
    return (chosen * real).sum(dim=1)


def backwards(sentence: Sequence[int]) -> list[int]:
    """START, the words from the last to the first, END: what a backward writer learns."""
    return [START, *reversed(sentence[1:-1]), END]


def rescored(
    found: Sequence[Sequence[Candidate]], backward: Captioner, features: Tensor
) -> list[list[Candidate]]:
    """Candidates of a forward beam, by the sum of their scores in both directions, best first.

    backward: a captioner that learned captions `backwards`; features (N, L, D), of the same
    pictures.
    """
    rows = [row for row, beam in enumerate(found) for _ in beam]
    flat = [candidate for beam in found for candidate in beam]
    captions = [candidate.ids[::-1] for candidate in flat]
    more = log_probability(backward, features[rows], captions).tolist()
    both = [Candidate(c.ids, c.score + extra) for c, extra in zip(flat, more, strict=True)]
    place = iter(both)
    beams = [[next(place) for _ in beam] for beam in found]
    return [sorted(beam, key=lambda c: c.score, reverse=True) for beam in beams]


@torch.no_grad()
def looks(captioner: Captioner, features: Tensor, caption: Sequence[int]) -> Tensor:
    """Where a captioner with attention looks before each word of a caption, and before END.

    features (1, L, D), of one picture; caption: ids, without START and END. Returns the weights of
    the places (words + 1, L).
    """
    captioner.eval()
    looked, state, weights = captioner.look(features), captioner.start(features), []
    for word in [START, *caption]:
        _, state, new = captioner.step(looked, state, torch.tensor([word]))
        weights.append(new[0])
    return torch.stack(weights)
