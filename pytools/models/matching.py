"""A space that pictures and sentences share: what belongs together lies together.

Sources: Hodosh, Young & Hockenmaier (2013), Framing image description as a ranking task; Kiros,
Salakhutdinov & Zemel (2014), Unifying visual-semantic embeddings with multimodal neural language
models; Karpathy & Fei-Fei (2015), Deep visual-semantic alignments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pytools.scratch import encode


class SceneNet(nn.Module):
    """Pictures (N, 3, 32, 32) -> features (N, 64, 4, 4): what is seen at each of 4×4 places."""

    WIDTH, SIDE = 64, 4

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = []
        for channels, width, kernel in ((3, 16, 5), (16, 32, 3), (32, self.WIDTH, 3)):
            conv = nn.Conv2d(channels, width, kernel, 2, kernel // 2, bias=False)
            layers += [conv, nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class SentenceNet(nn.Module):
    """Sentences as ids (N, T), 0 where they have ended, -> vectors (N, size).

    in_order: a recurrent net (GRU) reads word after word, and its last state counts. Otherwise a
    sentence is a bag: the sum of its words' vectors.
    """

    def __init__(self, num_words: int, size: int, in_order: bool = True, width: int = 64):
        super().__init__()
        self.words = nn.Embedding(num_words, width, padding_idx=0)
        self.reader = nn.GRU(width, width, batch_first=True) if in_order else None
        self.project = nn.Linear(width, size)

    def forward(self, ids: Tensor) -> Tensor:
        words = self.words(ids)
        if self.reader is None:
            return self.project(words.sum(dim=1))
        states, _ = self.reader(words)
        last = (ids != 0).sum(dim=1) - 1
        return self.project(states[torch.arange(len(ids)), last])


class JointSpace(nn.Module):
    """Pictures (N, 3, 32, 32) and sentences (M, T) -> similarities (N, M), -1 to 1.

    Both become points (size,) at the distance 1 from the origin; their product is the cosine of the
    angle between them. The features of all places are laid side by side: where something is has to
    stay readable, for 'left of'.
    """

    def __init__(self, num_words: int, size: int = 128, in_order: bool = True):
        super().__init__()
        self.scene = SceneNet()
        self.project = nn.Linear(SceneNet.WIDTH * SceneNet.SIDE**2, size)
        self.sentence = SentenceNet(num_words, size, in_order)

    def picture_points(self, images: Tensor) -> Tensor:
        return F.normalize(self.project(self.scene(images).flatten(1)))

    def sentence_points(self, ids: Tensor) -> Tensor:
        return F.normalize(self.sentence(ids))

    def forward(self, images: Tensor, ids: Tensor) -> Tensor:
        return self.picture_points(images) @ self.sentence_points(ids).T


def sentence_ids(sentences: Sequence[str], vocab: Mapping[str, int]) -> Tensor:
    """The ids of each sentence's words, int64 (N, T), with 0 after the end of the shorter ones.

    No sentence is written here, so that <start> and <end> are not needed. ValueError for an empty
    one.
    """
    empty = next((n for n, sentence in enumerate(sentences) if not sentence.split()), None)
    if empty is not None:
        raise ValueError(f"sentence {empty} is empty: leave it out")
    rows = [torch.tensor(encode(sentence, vocab)[1:-1]) for sentence in sentences]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def train_matching(
    net: JointSpace,
    images: np.ndarray,
    captions: Sequence[Tensor],
    loss: Callable[[Tensor], Tensor],
    steps: int,
    rng: np.random.Generator,
    batch: int = 128,
    lr: float = 5e-3,
) -> list[float]:
    """Train the net in place; the loss of each step.

    images float32 (N, 3, 32, 32); captions: of each picture the ids of its sentences, (n, T), of
    which each step draws one; loss: makes a number of the similarities (batch, batch), with the
    right ones on the diagonal. Adam, whose learning rate rises and falls again (Smith, 2018). The
    batches come from rng; the weights are the net's. Raises ValueError where pictures and captions
    are not of one number, FloatingPointError when the loss is no longer a number.
    """
    if len(images) != len(captions):
        raise ValueError(
            f"each image needs its captions, but got {len(images)} and {len(captions)}"
        )
    images = torch.as_tensor(images)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    net.train()
    losses = []
    for step in range(steps):
        rows = rng.choice(len(images), min(batch, len(images)), replace=False)
        drawn = [captions[row][rng.integers(len(captions[row]))] for row in rows]
        ids = nn.utils.rnn.pad_sequence(drawn, batch_first=True)
        cost = loss(net(images[rows], ids))
        if not torch.isfinite(cost):
            raise FloatingPointError(
                f"the loss is {cost.item()} at step {step}: a smaller lr than {lr} may help"
            )
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        schedule.step()
        losses.append(cost.item())
    net.eval()
    return losses


def ranking_loss(sim: Tensor, margin: float) -> Tensor:
    """What a batch costs where a wrong partner comes nearer than the right one, less a margin.

    sim (N, N): the similarity of picture i and sentence j; those that belong together are on the
    diagonal. Returns (1/N) Σ_i Σ_{j≠i} max(0, m - s_ii + s_ij) + max(0, m - s_ii + s_ji): each
    picture against the other sentences, and each sentence against the other pictures.
    """
    right = sim.diagonal()
    others = ~torch.eye(len(sim), dtype=torch.bool, device=sim.device)
    sentences = F.relu(margin - right[:, None] + sim)[others]
    pictures = F.relu(margin - right + sim)[others]
    return (sentences.sum() + pictures.sum()) / len(sim)


def hardest_only(sim: Tensor, margin: float = 0.2) -> Tensor:
    """The ranking loss of similarities (N, N) with the nearest wrong partner of each alone.

    The mean of max(0, m - s_ii + max_j s_ij) + max(0, m - s_ii + max_j s_ji), j ≠ i. Source: Faghri
    et al. (2018), VSE++: improving visual-semantic embeddings with hard negatives.
    """
    own = torch.eye(len(sim), dtype=torch.bool)
    wrong = sim.masked_fill(own, -torch.inf)
    ahead = sim.diagonal() - margin
    return (F.relu(wrong.amax(dim=1) - ahead) + F.relu(wrong.amax(dim=0) - ahead)).mean()


@torch.no_grad()
def similarity(net: JointSpace, images: np.ndarray, ids: Tensor) -> np.ndarray:
    """Each picture (N, 3, 32, 32) with each sentence (M, T): float32 (N, M). The net evaluates."""
    net.eval()
    return net(torch.as_tensor(images), ids).numpy()


@torch.no_grad()
def place_features(net: JointSpace, images: np.ndarray, batch: int = 512) -> Tensor:
    """What the picture's net sees at each of its 16 places, and where that is: (N, 16, 66).

    images (N, 3, 32, 32). The last two of a place's numbers are x and y, -1 to 1.
    """
    net.eval()
    maps = torch.cat([net.scene(part) for part in torch.as_tensor(images).split(batch)])
    axis = torch.linspace(-1, 1, SceneNet.SIDE)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    where = torch.stack([x, y]).expand(len(maps), -1, -1, -1)
    return torch.cat([maps, where], dim=1).flatten(2).transpose(1, 2).contiguous()
