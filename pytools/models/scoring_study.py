"""A study: what does a net that scores pictures gain by Siamese pre-training, and by growth?

Each arm may spend the same floating-point operations on training, and sees the same pictures in the
same random order of seeds. Sources: Bromley et al. (1993), Signature verification using a Siamese
time delay neural network; Hadsell, Chopra & LeCun (2006), Dimensionality reduction by learning an
invariant mapping; Chen, Goodfellow & Shlens (2016), Net2Net; Clevert, Unterthiner & Hochreiter
(2016), ELU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pytools.models.flops import forward_flops
from pytools.models.net2net import deepen, widen
from pytools.models.pretrained import efficientnet_lite0
from pytools.models.transfer import extract_features

WIDTHS, HIDDEN = (16, 32, 64), 64  # of the large net; a small one has half of it, at half the depth
DELTA = 3.0  # points: where Huber's loss becomes a straight line
MARGIN = 0.1  # embeddings of two pictures should be so far apart for each point of difference
VERSIONS = 20  # of each training picture: itself, and augmented ones
WINDOW, TOLERANCE = 300, 0.02  # training has stalled where it gains less in so many steps
LATEST = {"deeper": 0.3, "wider": 0.5}  # steps of growth, and by when they come at the latest


@dataclass(frozen=True)
class Parts:
    """What the study is made of: the functions of pytools, or a student's own."""

    huber_loss: Callable
    balanced_batch: Callable
    augment: Callable
    pearson: Callable
    is_stalled: Callable


@dataclass(frozen=True)
class Problem:
    """Pictures float32 (N, 3, S, S) in [0, 1] with ratings (N,), to train and to test on.

    S must be a multiple of 8.
    """

    images: np.ndarray
    ratings: np.ndarray
    test_images: np.ndarray
    test_ratings: np.ndarray


@dataclass(frozen=True)
class Arm:
    """A way to spend a budget. siamese: the share of it that pre-training gets, 0 to 1; small:
    whether the net starts small; grows: whether a small net is grown when training stalls."""

    name: str
    siamese: float = 0.0
    small: bool = False
    grows: bool = False


SIAMESE = 0.05  # the share of pre-training
ARMS = (
    Arm("scratch"),
    Arm("Siamese", siamese=SIAMESE),
    Arm("small, not grown", small=True),
    Arm("growth", small=True, grows=True),
    Arm("Siamese + growth", siamese=SIAMESE, small=True, grows=True),
)


@dataclass(frozen=True)
class Pace:
    """Pictures in a batch, and Adam's learning rate."""

    batch: int
    rate: float


@dataclass(frozen=True)
class Settings:
    """How nets are trained. A pace suits a net, so each has its own: a small net, a large one, and
    one that has grown large.

    decay: along the last so much of the budget the rates fall to 0. pretraining(net, images,
    ratings): its loss; None: siamese_loss. twins: whether pre-training sees each picture in two
    versions. factor: of units, when a net grows.
    """

    small: Pace = Pace(16, 3e-3)
    large: Pace = Pace(8, 1.5e-3)
    grown: Pace = Pace(16, 1e-3)
    decay: float = 0.7
    pretraining: Callable[[ScoringNet, Tensor, Tensor], Tensor] | None = None
    twins: bool = True
    factor: int = 2
    memory: torch.memory_format = torch.channels_last


@dataclass
class Run:
    """What came of one arm and seed. r: on the test pictures, after so many operations; nan where
    there is no score yet; seconds: of the processor, for training alone."""

    arm: str
    seed: int
    flops: list[float] = field(default_factory=list)
    r: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)  # operations, and what happened


class ScoringNet(nn.Module):
    """Pictures (N, 3, side, side) in [0, 1] -> scores (N,). ELU, no batch normalisation.

    Each width is a block: `depth` 3×3 convolutions with ELU, then a pooling that halves the side; a
    hidden layer follows. What it puts out is the embedding, which a linear head scores; the head's
    output is doubled, so that weights of the usual size reach all scores.
    """

    def __init__(self, widths: Sequence[int], depth: int, side: int, hidden: int):
        super().__init__()
        layers, channels = nn.Sequential(), 3
        for block, width in enumerate(widths, start=1):
            for place in range(1, depth + 1):
                layers.add_module(f"conv{block}_{place}", nn.Conv2d(channels, width, 3, padding=1))
                layers.add_module(f"elu{block}_{place}", nn.ELU())
                channels = width
            layers.add_module(f"pool{block}", nn.MaxPool2d(2))
        layers.add_module("flatten", nn.Flatten())
        layers.add_module("hidden", nn.Linear(channels * (side >> len(widths)) ** 2, hidden))
        layers.add_module("elu", nn.ELU())
        self.embedding = layers
        self.head = nn.Linear(hidden, 1)

    def forward(self, images: Tensor) -> Tensor:
        return 2 * self.head(self.embed(images)).squeeze(1)

    def embed(self, images: Tensor) -> Tensor:
        return self.embedding(images * 4 - 2)


def pair_loss(embedding: Tensor, ratings: Tensor, margin: float = MARGIN) -> Tensor:
    """The Siamese loss of all pairs of a batch: the mean of E over the pairs that are the same, and
    of max(0, margin · d - E) over the others.

    embedding (N, D), ratings (N,). E is the mean |a - b| of two embeddings: a mean, so that it
    stays what it is when a net is widened. d is how far two ratings are apart; below one point two
    pictures are the same.
    """
    distance = F.pdist(embedding, p=1) / embedding.shape[1]
    apart = F.pdist(ratings[:, None], p=1)
    same = apart < 1
    push = F.relu(margin * apart - distance)
    return sum(part.sum() / max(1, len(part)) for part in (distance[same], push[~same]))


def siamese_loss(
    net: ScoringNet, images: Tensor, ratings: Tensor, margin: float = MARGIN
) -> Tensor:
    """The pair loss of a batch of pictures."""
    return pair_loss(net.embed(images), ratings, margin)


class Training:
    """A net on its way through a budget (operations), as an arm wants it."""

    def __init__(
        self,
        arm: Arm,
        problem: Problem,
        pool: Tensor,
        budget: float,
        seed: int,
        parts: Parts,
        settings: Settings,
    ):
        self.arm, self.pool, self.budget = arm, pool, budget
        self.parts, self.settings = parts, settings
        self.rng = np.random.default_rng([seed, 1])
        self.ratings = torch.tensor(problem.ratings, dtype=torch.float32)
        self.classes = np.rint(problem.ratings).astype(int)
        self.shape = problem.images.shape[1:]
        self.net, self.pace = self._first_net(seed), settings.large
        if arm.small:
            self.pace = settings.small
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=self.pace.rate)
        self.growth = list(LATEST) if arm.grows else []
        self.spent, self.run = 0.0, Run(arm.name, seed)
        self._settle()

    def _first_net(self, seed: int) -> ScoringNet:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if self.arm.small:
                halves = [width // 2 for width in WIDTHS]
                net = ScoringNet(halves, 1, self.shape[1], HIDDEN // 2)
            else:
                net = ScoringNet(WIDTHS, 2, self.shape[1], HIDDEN)
        nn.init.constant_(net.head.bias, float(self.ratings.mean()) / 2)
        return net

    def _settle(self) -> None:
        """After a change of the net: where its weights lie, what a picture costs, no losses yet."""
        self.net.to(memory_format=self.settings.memory)
        self.cost = 3 * forward_flops(self.net, self.shape)
        self.losses: list[float] = []

    @property
    def share(self) -> float:
        return self.spent / self.budget

    @property
    def pretrains(self) -> bool:
        return self.share < self.arm.siamese

    def step(self) -> None:
        """One batch: of pairs while it pre-trains, of single pictures afterwards."""
        pretrains, batch, rate = self.pretrains, self.pace.batch, self.pace.rate
        if pretrains:  # a fast rate drives units into the flat part of ELU, and no gradient returns
            batch, rate = 2 * batch, rate * 2 / 3
        for group in self.optimizer.param_groups:
            group["lr"] = rate * min(1, max(0, 1 - self.share) / self.settings.decay)
        images, ratings = self._draw(batch, pretrains and self.settings.twins)
        self.optimizer.zero_grad()
        if pretrains:
            loss = (self.settings.pretraining or siamese_loss)(self.net, images, ratings)
        else:
            loss = self.parts.huber_loss(self.net(images), ratings, DELTA)
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())
        self.spent += self.cost * batch
        if pretrains and not self.pretrains:
            self._note("fine-tuning")
            self.losses = []
        if self.growth:
            self._grow_if_due()

    def _draw(self, size: int, twins: bool) -> tuple[Tensor, Tensor]:
        """Pictures, each in some version, and their ratings; twins: half as many, each twice."""
        rows = self.parts.balanced_batch(self.classes, size // 2 if twins else size, self.rng)
        rows = torch.as_tensor(np.tile(rows, 2 if twins else 1))
        versions = torch.as_tensor(self.rng.integers(len(self.pool), size=len(rows)))
        images = self.pool[versions, rows].contiguous(memory_format=self.settings.memory)
        return images.float() / 255, self.ratings[rows]

    def _grow_if_due(self) -> None:
        stalled = self.parts.is_stalled(self.losses, WINDOW, TOLERANCE)
        if not stalled and self.share < LATEST[self.growth[0]]:
            return
        kind = self.growth.pop(0)
        if kind == "deeper":
            for block in range(1, len(WIDTHS) + 1):
                deepen(self.net, f"embedding.conv{block}_1", optimizer=self.optimizer)
        else:
            widen_all(self.net, self.settings.factor, self.rng, self.optimizer)
            self.pace = self.settings.grown
        self._note(f"{kind}, {'stalled' if stalled else 'at the latest'}")
        self._settle()

    def _note(self, what: str) -> None:
        self.run.events.append((self.spent, what))


def widen_all(
    net: ScoringNet, factor: int, rng: np.random.Generator, optimizer: torch.optim.Optimizer
) -> None:
    """Give every layer of the embedding some times its units, in place, with a little noise."""
    layers = [name for name, m in net.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for name in layers:
        if name != "head":
            width = len(net.get_submodule(name).weight)
            widen(net, name, factor * width, rng, noise=0.01, optimizer=optimizer)


def run_arm(
    arm: Arm,
    problem: Problem,
    pool: Tensor,
    budget: float,
    seed: int,
    parts: Parts,
    points: int = 10,
    settings: Settings | None = None,
) -> tuple[Run, ScoringNet]:
    """Train as an arm wants it, until the budget is spent; look at the test pictures on the way.

    pool: what `versions` made of the training pictures; points: how many looks, evenly along the
    budget. Looks cost the arm nothing, neither operations nor seconds.
    """
    training = Training(arm, problem, pool, budget, seed, parts, settings or Settings())
    run, seconds = training.run, 0.0
    for mark in np.linspace(0, budget, points + 1)[1:]:
        start = time.process_time()
        while training.spent < mark:
            training.step()
        seconds += time.process_time() - start
        pred = predict(training.net, problem.test_images)
        varies = not training.pretrains and np.ptp(pred) > 0
        run.r.append(float(parts.pearson(pred, problem.test_ratings)) if varies else np.nan)
        run.flops.append(training.spent)
        run.seconds.append(seconds)
    return run, training.net


def run_pretrained(problem: Problem, budget: float, seed: int, parts: Parts) -> Run:
    """The features of a net that knows ImageNet, and ridge regression on them.

    The pictures are made as large as the budget allows, at most 224 pixels, as the net was trained;
    only a forward pass is paid for. Raises ModuleNotFoundError where the net is not installed.
    """
    from sklearn.linear_model import RidgeCV  # here, since it takes a second to import

    model, costs = efficientnet_lite0(), {}
    for side in range(32, 225, 32):
        model.side = side
        costs[side] = len(problem.images) * forward_flops(model, (3, side, side))
    model.side = max((side for side, cost in costs.items() if cost <= budget), default=32)
    start = time.process_time()
    known = extract_features(model, problem.images, "head").numpy()
    ridge = RidgeCV(np.logspace(0, 5, 11)).fit(known, problem.ratings)
    seconds = time.process_time() - start
    new = extract_features(model, problem.test_images, "head").numpy()
    r = parts.pearson(ridge.predict(new), problem.test_ratings)
    return Run("pretrained", seed, [costs[model.side]], [float(r)], [seconds])


def predict(net: nn.Module, images: np.ndarray) -> np.ndarray:
    """Scores (N,) of pictures (N, 3, S, S), in batches and without gradients."""
    with torch.no_grad():
        scores = [
            net(part.contiguous(memory_format=torch.channels_last))
            for part in torch.as_tensor(images).split(250)
        ]
    return torch.cat(scores).numpy()


def versions(
    images: np.ndarray, rng: np.random.Generator, augment: Callable, count: int = VERSIONS
) -> Tensor:
    """Pictures (N, 3, S, S) in [0, 1], and count - 1 augmented copies of each: uint8, 0 to 255,
    (count, N, 3, S, S).

    Made beforehand, since all arms of a seed share them; as bytes, since there are many.
    """
    upright = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    pool = np.empty((count, *upright.shape), np.uint8)
    for version in range(count):
        for row, image in enumerate(upright):
            changed = np.asarray(augment(image, rng)) if version else image
            pool[version, row] = np.rint(255 * changed)
    return torch.from_numpy(np.ascontiguousarray(pool.transpose(0, 1, 4, 2, 3)))
