"""A net that describes pictures: it detects words in places, and writes them one by one.

The detectors learn which words a picture calls for, from its captions alone: a word counts as seen
where the place that shows it best does (Fang et al. 2015, From captions to visual concepts and
back). The writer is an LSTM that is given one vector of the picture (Vinyals et al. 2015, Show and
tell) or looks at its places anew before each word (Xu et al. 2015, Show, attend and tell).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pytools.models.attention import attend, caption_loss

PAD, START, END, UNKNOWN = range(4)  # ids that are no words
HIDDEN = {True: 80, False: 40}  # of the writer, with and without attention: equal parameters
EMBEDDING, SCORER = 32, 32  # sizes of a word's vector, and of the net that scores places
VECTOR = 16  # of the picture, without attention
RATES = {"detectors": 1e-2, "writer": 1e-2}  # Adam's, at most: see _train
BATCH = 64
RARE = -5.0  # log-odds of a word in a place, before anything is learned
SOFT = 0.2  # how far from the background a pixel must be, to belong to a shape


class WordDetectors(nn.Module):
    """Pictures (N, 3, S, S) in [0, 1] -> features (N, L, words + 2), L = (S / 4)² places.

    A feature is the probability that a word is seen in a place; the last two are where the place
    is, x and y from -1 to 1. apart: shapes are looked at without their colours, and colours without
    their shapes; a word is seen where either of the two sees it, so that neither has a veto. prior:
    the log-odds of a word in a place before anything is learned.
    """

    def __init__(self, words: int, apart: bool = True, prior: float = RARE):
        super().__init__()
        self.words, self.apart = words, apart
        self.shapes = nn.Sequential(
            *_block(1 if apart else 3, 24, size=4, stride=2),
            *_block(24, 32, size=4, stride=2),
            *_block(32, 48, size=3, stride=1),
            nn.Conv2d(48, words, 1),
        )
        streams = [self.shapes]
        if apart:
            self.colours = nn.Sequential(*_block(3, 24, size=1, stride=1), nn.Conv2d(24, words, 1))
            streams.append(self.colours)
        for stream in streams:
            nn.init.constant_(stream[-1].bias, prior)

    def evidence(self, images: Tensor) -> Tensor:
        """The log-odds of each word in each place, (N, words, S / 4, S / 4)."""
        if not self.apart:
            return self.shapes(images - 0.5)
        covered = silhouettes(images)
        share = F.avg_pool2d(covered, 4)
        colour = F.avg_pool2d(covered * images, 4) / (share + 0.1)  # of what covers a place
        return torch.logaddexp(self.shapes(covered), self.colours(colour))

    def forward(self, images: Tensor) -> Tensor:
        seen = torch.sigmoid(self.evidence(images))
        y, x = (torch.linspace(-1, 1, side) for side in seen.shape[2:])
        place = torch.stack(torch.meshgrid(x, y, indexing="xy")).expand(len(seen), -1, -1, -1)
        return torch.cat([seen, place.to(seen)], dim=1).flatten(2).transpose(1, 2)


def _block(channels: int, width: int, size: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels, width, size, stride, padding=(size - 1) // 2, bias=False)
    return [conv, nn.BatchNorm2d(width), nn.ReLU()]


def silhouettes(images: Tensor) -> Tensor:
    """How much of each pixel belongs to a shape, (N, 1, S, S), 0 to 1: pictures (N, 3, S, S)
    without colours. The background is the median of each channel."""
    background = images.flatten(2).median(dim=2).values[:, :, None, None]
    distance = (images - background).abs().amax(dim=1, keepdim=True)
    return torch.tanh((distance / SOFT) ** 2)


class State(NamedTuple):
    """What the writer knows between two words. hidden, cell (N, H): the LSTM's."""

    hidden: Tensor
    cell: Tensor


class Captioner(nn.Module):
    """Features (N, L, D) of pictures, and the words so far -> the logits of the next word.

    words: ids of the vocabulary; places, size: L and D of the features. attention: whether it looks
    at the places anew before each word, or is given one vector of all. hears_place: the LSTM hears
    where it looks, the last two features, not what is seen there; that goes to the output alone.
    forgets: the chance, in training, that the LSTM does not hear the word before.
    """

    def __init__(
        self,
        words: int,
        places: int,
        size: int,
        attention: bool = True,
        hears_place: bool = True,
        forgets: float = 0.0,
        hidden: int | None = None,
        attend: Callable = attend,
    ):
        super().__init__()
        hidden = HIDDEN[attention] if hidden is None else hidden
        self.attention, self.hears_place = attention, attention and hears_place
        self.forgets, self.attend = forgets, attend
        self.embedding = nn.Embedding(words, EMBEDDING)
        seen = size if attention else VECTOR
        if attention:
            self.looking = nn.ParameterDict(
                {
                    "wf": torch.randn(size, SCORER) * 2 / size**0.5,
                    "wh": torch.randn(hidden, SCORER) / hidden**0.5,
                    "b": torch.zeros(SCORER),
                    "v": torch.randn(SCORER) / SCORER**0.5,
                }
            )
        else:
            self.vector = nn.Linear(places * size, VECTOR)
        self.lstm = nn.LSTMCell(EMBEDDING + (2 if self.hears_place else seen), hidden)
        self.by_seen = nn.Linear(seen, words)
        self.by_state = nn.Linear(hidden, words, bias=False)

    def look(self, features: Tensor) -> Tensor:
        """What stays the same from word to word: the features, or the one vector (N, VECTOR)."""
        return features if self.attention else torch.tanh(self.vector(features.flatten(1)))

    def start(self, features: Tensor) -> State:
        nothing = features.new_zeros(len(features), self.lstm.hidden_size)
        return State(nothing, nothing)

    def step(
        self, looked: Tensor, state: State, word: Tensor
    ) -> tuple[Tensor, State, Tensor | None]:
        """One word on: logits (N, words), the state after it, the weights (N, L) of the places.

        looked: as look gives it; word (N,): the ids of the words before. Without attention the
        weights are None.
        """
        seen, weights = looked, None
        if self.attention:
            seen, weights = self.attend(looked, state.hidden, self.looking)
        heard = seen[:, -2:] if self.hears_place else seen
        vector = self.embedding(word)
        if self.training and self.forgets:
            vector = vector * (torch.rand(len(word), 1) >= self.forgets)
        state = State(*self.lstm(torch.cat([vector, heard], dim=1), state))
        return self.by_seen(seen) + self.by_state(state.hidden), state, weights

    def forward(self, features: Tensor, ids: Tensor) -> Tensor:
        """Teacher forcing: ids (N, T) of true captions -> logits (N, T - 1, words), each for the
        word after."""
        looked, state, logits = self.look(features), self.start(features), []
        for word in ids[:, :-1].T:
            new, state, _ = self.step(looked, state, word)
            logits.append(new)
        return torch.stack(logits, dim=1)


def padded(sentences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Sentences of ids as one tensor (N, T), filled up with PAD, and their lengths (N,)."""
    lengths = torch.tensor([len(ids) for ids in sentences])
    rows = torch.full((len(sentences), int(lengths.max())), PAD)
    for row, ids in zip(rows, sentences, strict=True):
        row[: len(ids)] = torch.as_tensor(ids)
    return rows, lengths


def train_detectors(
    detectors: WordDetectors,
    images: np.ndarray,
    sentences: Sequence[Sequence[Sequence[int]]],
    steps: int,
    rng: np.random.Generator,
) -> list[float]:
    """Teach which words a picture calls for, in place; returns the losses.

    images (N, 3, S, S); sentences: for each of them, its captions as ids. The places of a word are
    not told: the evidence of all places is joined by log Σ exp, a soft maximum, and the loss is the
    mean cross-entropy of "this word is in its captions", yes or no.
    """
    called = torch.zeros(len(images), detectors.words)
    for row, captions in zip(called, sentences, strict=True):
        words = sorted({i for ids in captions for i in ids if i > UNKNOWN})
        row[torch.tensor(words, dtype=torch.long)] = 1
    pictures = torch.as_tensor(images)

    def batch_loss(rows: Tensor) -> Tensor:
        evidence = detectors.evidence(pictures[rows]).flatten(2).logsumexp(dim=2)
        return F.binary_cross_entropy_with_logits(evidence, called[rows])

    return _train([detectors], len(images), batch_loss, steps, rng, RATES["detectors"])


def train_captioner(
    captioner: Captioner,
    detectors: WordDetectors,
    images: np.ndarray,
    sentences: Sequence[Sequence[Sequence[int]]],
    steps: int,
    rng: np.random.Generator,
    frozen: bool = True,
    loss: Callable[[Tensor, Tensor, Tensor], Tensor] = caption_loss,
) -> list[float]:
    """Teach to write the captions, by teacher forcing, in place; returns the losses.

    sentences: for each picture, captions as ids with START and END, of which one is drawn each
    time. frozen: whether the detectors stay as they are.
    """
    features = features_of(detectors, images) if frozen else None
    pictures = torch.as_tensor(images)

    def batch_loss(rows: Tensor) -> Tensor:
        drawn = [sentences[row][rng.integers(len(sentences[row]))] for row in rows.tolist()]
        ids, lengths = padded(drawn)
        seen = features[rows] if frozen else detectors(pictures[rows])
        return loss(captioner(seen, ids), ids[:, 1:], lengths - 1)

    nets = [captioner] if frozen else [captioner, detectors]
    return _train(nets, len(images), batch_loss, steps, rng, RATES["writer"])


def _train(
    nets: Sequence[nn.Module],
    size: int,
    batch_loss: Callable[[Tensor], Tensor],
    steps: int,
    rng: np.random.Generator,
    rate: float,
) -> list[float]:
    """Adam, with a rate that rises along the first twentieth and falls to 0 along the last two
    thirds; gradients are clipped at norm 5."""
    parameters = [p for net in nets for p in net.train().parameters()]
    optimizer, losses = torch.optim.Adam(parameters, lr=rate), []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, 20 * (step + 1) / steps, 1.5 * (steps - step) / steps)
        rows = torch.as_tensor(rng.integers(size, size=min(size, BATCH)))
        optimizer.zero_grad()
        loss = batch_loss(rows)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        losses.append(loss.item())
    for net in nets:
        net.eval()
    return losses


@torch.no_grad()
def features_of(detectors: WordDetectors, images: np.ndarray) -> Tensor:
    """The features (N, L, D) of pictures (N, 3, S, S), in batches and without gradients. Leaves the
    detectors in evaluation mode."""
    detectors.eval()
    return torch.cat([detectors(part) for part in torch.as_tensor(images).split(500)])
