"""Answering questions about pictures: an answer is chosen among a few, by what both senses say.

The picture's features come from a net that has learned something else, as in Antol et al. (2015),
VQA: visual question answering, and both senses are joined by a product, as there; their
question-only and image-only nets are here too, to see what each sense gives away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pytools.data.scene_questions import ANSWERS, Question
from pytools.models.matching import SceneNet, sentence_ids

PLACE = SceneNet.WIDTH + 2  # numbers that describe a place of a picture
Fusion = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]


def fuse(image: Tensor, question: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """tanh(image wi + bi) ⊙ tanh(question wq + bq): both brought to one width, and multiplied.

    image (N, D), question (N, Q); params: wi (D, F), bi (F,), wq (Q, F), bq (F,). Returns (N, F).
    """
    picture = torch.tanh(image @ params["wi"] + params["bi"])
    return picture * torch.tanh(question @ params["wq"] + params["bq"])


def add(image: Tensor, question: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """As fuse, with the sum in place of the product."""
    picture = torch.tanh(image @ params["wi"] + params["bi"])
    return picture + torch.tanh(question @ params["wq"] + params["bq"])


def join(image: Tensor, question: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """As fuse, with both side by side, (N, 2 F), in place of the product."""
    picture = torch.tanh(image @ params["wi"] + params["bi"])
    return torch.cat([picture, torch.tanh(question @ params["wq"] + params["bq"])], dim=1)


def only_image(image: Tensor, question: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Blind to the question."""
    return torch.tanh(image @ params["wi"] + params["bi"])


def only_question(image: Tensor, question: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Blind to the picture."""
    return torch.tanh(question @ params["wq"] + params["bq"])


class PlacedWords(nn.Module):
    """Questions as ids (N, T), T up to 9 -> vectors (N, size): the sum of their words' vectors.

    Shorter ones are filled up to 9 with id 0, which counts as a word: "the question has ended". A
    word has a vector for each place in the question, so that 'the ring left of the cross' differs
    from 'the cross left of the ring'. For short questions of few forms that is enough, and faster
    than a recurrent net. ValueError for a longer question.
    """

    LONGEST = 9  # 'is the red circle left of the blue square' has nine words

    def __init__(self, num_words: int, size: int):
        super().__init__()
        self.num_words = num_words
        self.words = nn.EmbeddingBag(num_words * self.LONGEST, size, mode="sum")

    def forward(self, ids: Tensor) -> Tensor:
        missing = self.LONGEST - ids.shape[1]
        if missing < 0:
            raise ValueError(
                f"a question must have at most {self.LONGEST} words, but has {ids.shape[1]}"
            )
        ids = F.pad(ids, (0, missing))
        return self.words(ids + self.num_words * torch.arange(self.LONGEST))


class VqaNet(nn.Module):
    """Features of places (N, P, 66) and questions (N, T), ids -> logits (N, 17) of the ANSWERS.

    The question is asked at every place: fusion makes one vector of both. Their sum over the
    places, divided by √P, is read by a hidden layer.
    """

    def __init__(self, num_words: int, fusion: Fusion = fuse, width: int = 64):
        super().__init__()
        self.fusion = fusion
        self.question = PlacedWords(num_words, width)
        self.params = nn.ParameterDict()
        for name, size in (("i", PLACE), ("q", width)):
            self.params[f"w{name}"] = torch.randn(size, width) / size**0.5
            self.params[f"b{name}"] = torch.zeros(width)
        fused = fusion(torch.zeros(1, PLACE), torch.zeros(1, width), self.params).shape[1]
        self.answer = nn.Sequential(
            nn.Linear(fused, width), nn.ReLU(), nn.Linear(width, len(ANSWERS))
        )

    def forward(self, features: Tensor, ids: Tensor) -> Tensor:
        number, places = features.shape[:2]
        question = self.question(ids).repeat_interleave(places, dim=0)
        fused = self.fusion(features.flatten(0, 1), question, self.params)
        return self.answer(fused.reshape(number, places, -1).sum(dim=1) / places**0.5)


def most_say(questions: Sequence[Question]) -> list[str]:
    """To each question the answer that most people give, of several the first."""
    return [Counter(question.answers).most_common(1)[0][0] for question in questions]


def train_vqa(
    net: VqaNet,
    features: Tensor,
    questions: Sequence[Question],
    vocab: Mapping[str, int],
    steps: int,
    rng: np.random.Generator,
    batch: int = 128,
    lr: float = 1e-2,
) -> list[float]:
    """Train the net in place on what most people say; the loss of each step.

    features float32 (N, P, 66): of the scenes that the questions are about. Adam, whose learning
    rate rises and falls again; the batches come from rng.
    """
    ids = sentence_ids([question.text for question in questions], vocab)
    places = torch.tensor([question.scene for question in questions])
    labels = torch.tensor([ANSWERS.index(answer) for answer in most_say(questions)])
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    net.train()
    losses = []
    for _ in range(steps):
        rows = torch.from_numpy(rng.choice(len(labels), min(batch, len(labels)), replace=False))
        loss = F.cross_entropy(net(features[places[rows]], ids[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    net.eval()
    return losses


@torch.no_grad()
def answer_probabilities(
    net: VqaNet, features: Tensor, texts: Sequence[str], vocab: Mapping[str, int]
) -> Tensor:
    """(N, 17): how probable each of the ANSWERS is, to a question about each of N pictures."""
    net.eval()
    return F.softmax(net(features, sentence_ids(texts, vocab)), dim=1)


def best_answers(
    net: VqaNet, features: Tensor, texts: Sequence[str], vocab: Mapping[str, int]
) -> list[str]:
    """The most probable of the ANSWERS to each of N questions."""
    best = answer_probabilities(net, features, texts, vocab).argmax(dim=1)
    return [ANSWERS[number] for number in best]
