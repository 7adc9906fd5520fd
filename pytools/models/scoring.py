"""The parts of a net that scores pictures: its loss, its batches, its alarm.

Source: Huber (1964), Robust estimation of a location parameter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import affine_transform
from torch import Tensor

ANGLE, ZOOM = np.pi / 15, 0.1  # the largest rotation, in radians, and change of scale
GAIN, OFFSET = 0.15, 0.08  # the largest change of a colour: of contrast and of brightness


def huber_loss(pred: Tensor, target: Tensor, delta: float) -> Tensor:
    """The mean of d²/2 where |d| <= delta, else of delta (|d| - delta/2), with d = pred - target.

    pred, target: tensors of one shape; delta > 0. Returns a number, as a tensor. Raises ValueError
    where the shapes differ: they would be broadcast to all pairs.
    """
    if pred.shape != target.shape:
        raise ValueError(
            f"pred and target must have one shape, but have {tuple(pred.shape)} and "
            f"{tuple(target.shape)}"
        )
    distance = (pred - target).abs()
    inside = distance.clamp(max=delta)
    return (inside * (distance - inside / 2)).mean()


def balanced_batch(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Random places in labels, int64 (size,), of all classes equally often.

    labels (N,). Class counts differ by at most 1; which classes get one more is drawn. No place
    comes twice unless its class is too small, and then as rarely as can be. Raises ValueError where
    labels are empty or size is below 1.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels must be (N,) with N > 0, but have shape {labels.shape}")
    if size < 1:
        raise ValueError(f"size must be at least 1, but is {size}")
    classes = rng.permutation(np.unique(labels))
    counts = size // len(classes) + (np.arange(len(classes)) < size % len(classes))
    batch = []
    for label, count in zip(classes, counts, strict=True):
        members = np.flatnonzero(labels == label)
        rounds = -(-count // len(members))  # more than one where the class is too small
        drawn = [rng.permutation(members) for _ in range(rounds)]
        batch.append(np.concatenate([members[:0], *drawn])[:count])
    return rng.permutation(np.concatenate(batch))


def augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture as it might have been taken as well, (H, W, 3) in [0, 1] to the same.

    Turned by up to 12 degrees, up to a tenth larger or smaller, mirrored half the time, each colour
    a little brighter or darker. What comes in from outside repeats the border.
    """
    angle, zoom = rng.uniform(-ANGLE, ANGLE), 1 + rng.uniform(-ZOOM, ZOOM)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = (np.array(image.shape[:2]) - 1) / 2
    offset = middle - matrix @ middle
    gains, offsets = 1 + rng.uniform(-GAIN, GAIN, 3), rng.uniform(-OFFSET, OFFSET, 3)
    turned = np.empty(image.shape, image.dtype)
    for channel in range(3):
        affine_transform(
            image[..., channel],
            matrix,
            offset,
            output=turned[..., channel],
            order=1,
            mode="nearest",
        )
    if rng.random() < 0.5:
        turned = turned[:, ::-1]
    return np.clip(turned * gains + offsets, 0, 1).astype(image.dtype)


def is_stalled(losses: Sequence[float], window: int, tolerance: float) -> bool:
    """Whether the mean of the last window of losses is less than tolerance below the one before.

    losses: one for each step, the latest last; window >= 1. False where there are fewer than
    2 * window losses: too early to tell.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 loss, but is {window}")
    if len(losses) < 2 * window:
        return False
    before, last = losses[-2 * window : -window], losses[-window:]
    return bool(np.mean(before) - np.mean(last) < tolerance)
