"""A net that puts pictures into a space where distances mean something, and its training.

Sources: Bromley et al. (1993), Signature verification using a "Siamese" time delay neural network;
Koch, Zemel & Salakhutdinov (2015), Siamese neural networks for one-shot image recognition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pytools.models.siamese import distance_ratio, hinge_embedding, l1_distance, triplet_loss
from pytools.scratch import hardest_negatives, sample_pairs, sample_triplets

BatchLoss = Callable[[Tensor, np.ndarray, np.random.Generator], Tensor]
Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


class EmbeddingNet(nn.Module):
    """Images (N, channels, H, W), floats -> points (N, size).

    Each width is a 3×3 convolution, with normalisation over the batch where asked, and ReLU; a
    max-pooling that halves the side follows the first `pools` of them. Of each filter the largest
    answer anywhere is kept, so that it matters little where in the picture something is.
    """

    def __init__(
        self,
        size: int,
        channels: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        pools: int = 1,
        normalize: bool = False,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for number, width in enumerate(widths):
            layers += [nn.Conv2d(channels, width, 3, padding=1)]
            layers += [nn.BatchNorm2d(width)] if normalize else []
            layers += [nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if number < pools else []
            channels = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, size)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).amax(dim=(2, 3)))


def pairs_loss(margin: float, num: int = 256) -> BatchLoss:
    """hinge_embedding of the L1 distances of random pairs in a batch, half of them the same."""

    def loss(emb: Tensor, labels: np.ndarray, rng: np.random.Generator) -> Tensor:
        i, j, same = sample_pairs(labels, num, rng)
        same = torch.as_tensor(same, dtype=emb.dtype, device=emb.device)
        return hinge_embedding(l1_distance(emb[i], emb[j]), same, margin)

    return loss


def triplets_loss(alpha: float, hardest: bool = False, num: int = 128) -> BatchLoss:
    """triplet_loss of random triplets in a batch; hardest: with the nearest negative of each."""

    def loss(emb: Tensor, labels: np.ndarray, rng: np.random.Generator) -> Tensor:
        a, p, n = sample_triplets(labels, num, rng)
        if hardest:
            n = hardest_negatives(emb.detach().cpu().numpy(), labels)[a]
        return triplet_loss(emb[a], emb[p], emb[n], alpha)

    return loss


def ratio_loss(num: int = 128) -> BatchLoss:
    """distance_ratio of the L1 distances in random triplets of a batch."""

    def loss(emb: Tensor, labels: np.ndarray, rng: np.random.Generator) -> Tensor:
        a, p, n = sample_triplets(labels, num, rng)
        return distance_ratio(l1_distance(emb[a], emb[p]), l1_distance(emb[a], emb[n]))

    return loss


def train_embedding(
    net: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_loss: BatchLoss,
    steps: int,
    rng: np.random.Generator,
    *,
    lr: float = 3e-3,
    batch: int = 64,
    per_class: int | None = None,
    change: Change | None = None,
) -> list[float]:
    """Adam on random batches; the net is changed in place and stays in training mode.

    images (N, C, H, W) float32, labels (N,) integers. A batch is drawn from all images, or, where
    there are many classes, of batch / per_class classes so many images each. batch_loss(emb,
    labels, rng): the loss of a batch of points (batch, D), a number. change(images, labels, rng)
    -> images, labels: what is done to a batch before, such as shifts. Returns the losses. Raises
    ValueError where images and labels do not fit, or where classes or a class's images are too
    few, and FloatingPointError where a loss is not finite.
    """
    if len(images) != len(labels):
        raise ValueError(f"each image needs a label, but got {len(images)} and {len(labels)}")
    if per_class is not None:
        _require_classes(labels, batch // per_class, per_class)
    device = next(net.parameters()).device
    optimizer = torch.optim.Adam(net.parameters(), lr)
    net.train()
    losses = []
    for step in range(steps):
        rows = _draw(labels, batch, per_class, rng)
        x, y = images[rows], labels[rows]
        if change:
            x, y = change(x, y, rng)
        loss = batch_loss(net(torch.as_tensor(x, device=device)), y, rng)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}: a smaller lr than {lr} may help"
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _require_classes(labels: np.ndarray, classes: int, per_class: int) -> None:
    """ValueError unless there are so many classes, and so many images of each."""
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < classes:
        raise ValueError(f"a batch takes {classes} classes, but labels has {len(names)}")
    if counts.min() < per_class:
        name, count = names[counts.argmin()], counts.min()
        raise ValueError(
            f"each class needs {per_class} images, but class {name} has {count}: add some, or "
            "leave it out"
        )


def _draw(
    labels: np.ndarray, batch: int, per_class: int | None, rng: np.random.Generator
) -> np.ndarray:
    """The rows of a batch."""
    if per_class is None:
        return rng.choice(len(labels), min(batch, len(labels)), replace=False)
    classes = rng.choice(np.unique(labels), batch // per_class, replace=False)
    members = [np.flatnonzero(labels == name) for name in classes]
    return np.concatenate([rng.choice(rows, per_class, replace=False) for rows in members])


@torch.no_grad()
def embed(net: nn.Module, images: np.ndarray, batch: int = 512) -> np.ndarray:
    """The points of images (N, C, H, W): float32 (N, D). The net's mode is what it was, after."""
    device, training = next(net.parameters()).device, net.training
    net.eval()
    parts = [net(part.to(device)) for part in torch.as_tensor(images).split(batch)]
    net.train(training)
    return torch.cat(parts).cpu().numpy()
