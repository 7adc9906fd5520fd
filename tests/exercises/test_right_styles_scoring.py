"""Scoring written in any right way passes; wrong ways that nobody listed do not."""

import functools
import itertools
import math
import random
import statistics

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from scipy import ndimage, stats
from styles import assert_right, assert_wrong, pairs

# --- huber_loss ------------------------------------------------------------------------------


def by_torch(pred, target, delta):
    return F.huber_loss(pred, target, delta=delta)


def by_where(pred, target, delta):
    d = pred - target
    return torch.where(d.abs() < delta, 0.5 * d * d, delta * (d.abs() - 0.5 * delta)).mean()


def by_masks(pred, target, delta):
    d = (pred - target).abs()
    near = (d <= delta).to(d.dtype)
    return torch.mean(near * d**2 / 2 + (1 - near) * (delta * d - delta**2 / 2))


def row_by_row(pred, target, delta):
    total = pred.new_zeros(())
    for p, t in zip(pred, target, strict=True):
        d = torch.abs(p - t)
        total = total + (d**2 / 2 if d <= delta else delta * (d - delta / 2))
    return total / len(pred)


def smooth_times_delta(pred, target, delta):
    return delta * F.smooth_l1_loss(pred, target, beta=delta)


def target_as_constant(pred, target, delta):
    return F.huber_loss(pred, target.detach(), delta=delta)


# --- pearson ---------------------------------------------------------------------------------


def by_corrcoef(x, y):
    return np.corrcoef(x, y)[0, 1]


def by_scipy(x, y):
    return stats.pearsonr(x, y).statistic


def by_statistics(x, y):
    return statistics.correlation(list(map(float, x)), list(map(float, y)))


def by_standard_scores(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    return np.array([np.mean((x - x.mean()) / x.std() * ((y - y.mean()) / y.std()))])


def in_float32(x, y):
    x, y = np.float32(x), np.float32(y)
    x, y = x - x.mean(), y - y.mean()
    return np.sum(x * y) / np.sqrt(np.sum(x**2) * np.sum(y**2))


def in_one_pass(x, y):
    n, sx, sy, sxx, syy, sxy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for a, b in zip(map(float, x), map(float, y), strict=True):
        n, sx, sy = n + 1, sx + a, sy + b
        sxx, syy, sxy = sxx + a * a, syy + b * b, sxy + a * b
    return (n * sxy - sx * sy) / math.sqrt((n * sxx - sx**2) * (n * syy - sy**2))


def by_torch_corrcoef(x, y):
    return torch.corrcoef(torch.stack([torch.tensor(x).double(), torch.tensor(y).double()]))[0, 1]


def cosine(x, y):
    return 1 - np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)


# --- balanced_batch --------------------------------------------------------------------------


def with_choice(labels, size, rng):
    classes = np.unique(labels)
    base, rest = divmod(size, len(classes))
    more = set(rng.choice(classes, rest, replace=False))
    batch = []
    for label in classes:
        members = np.where(labels == label)[0]
        count = base + (label in more)
        batch.extend(rng.choice(members, count, replace=count > len(members)))
    return batch  # a list, class by class


def in_turns(labels, size, rng):
    """One of each class after the other; a class that is used up begins again."""
    members = {label: [] for label in labels.tolist()}
    batch = []
    for label in itertools.islice(itertools.cycle(members), size):
        if not members[label]:
            members[label] = rng.permutation(np.flatnonzero(labels == label)).tolist()
        batch.append(members[label].pop())
    return np.array(batch, dtype=np.int32)


def by_sorting(labels, size, rng):
    """By the rank of each place within its class, in a random order."""
    order = rng.permutation(len(labels))
    rank = np.zeros(len(labels), int)
    for label in np.unique(labels):
        rank[order[labels[order] == label]] = np.arange(np.sum(labels == label))
    per_class = -(-size // len(np.unique(labels)))
    if min(np.bincount(np.unique(labels, return_inverse=True)[1])) < per_class:
        return with_choice(labels, size, rng)
    return np.lexsort((order, rank))[:size]


def with_own_random(labels, size, rng):
    own = random.Random(int(rng.integers(2**32)))
    groups = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    own.shuffle(groups)
    batch = []
    for number, group in enumerate(groups):
        count = size // len(groups) + (number < size % len(groups))
        fits = count <= len(group)
        batch += own.sample(group, count) if fits else own.choices(group, k=count)
    return torch.tensor(batch, dtype=torch.int64)


def classes_from_zero(labels, size, rng):
    """Believes that classes are 0, 1, 2 and so on."""
    classes = labels.max() + 1
    return np.concatenate(
        [
            rng.permutation(np.flatnonzero(labels == c))[: size // classes + (c < size % classes)]
            for c in range(classes)
        ]
    )


# --- augment ---------------------------------------------------------------------------------


def by_ndimage(image, rng):
    image = image.copy()
    if rng.integers(2):
        image = np.fliplr(image)
    image = ndimage.rotate(image, rng.normal(0, 6), reshape=False, order=1, mode="reflect")
    factor, (h, w) = rng.uniform(0.85, 1.2), image.shape[:2]
    middle = (np.array([h, w]) - 1) / 2
    inverse = np.diag([1 / factor, 1 / factor, 1])
    offset = [*(middle - middle / factor), 0]
    image = ndimage.affine_transform(image, inverse, offset, order=1, mode="nearest")
    return np.clip(image + rng.normal(0, 0.03, 3), 0, 1)


def by_torch_grid(image, rng):
    angle, factor = rng.uniform(-0.15, 0.15), rng.uniform(0.95, 1.05)
    mirror = 1 if rng.random() < 0.5 else -1
    h, w, _ = image.shape
    cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
    theta = torch.tensor([[mirror * cos, -sin * h / w, 0], [mirror * sin * w / h, cos, 0]])
    x = torch.tensor(image).permute(2, 0, 1)[None].float()
    grid = F.affine_grid(theta[None].float(), list(x.shape), align_corners=False)
    y = F.grid_sample(x, grid, padding_mode="border", align_corners=False)[0]
    noise = torch.tensor(rng.standard_normal((3, 1, 1)) * 0.05).float()
    return (y + noise).clamp(0, 1).permute(1, 2, 0)


def nearest_with_black_corners(image, rng):
    h, w, _ = image.shape
    angle, factor = np.deg2rad(rng.uniform(-20, 20)), rng.uniform(0.9, 1.1)
    out = np.zeros_like(image)
    for i in range(h):
        for j in range(w):
            y, x = (i - (h - 1) / 2) / factor, (j - (w - 1) / 2) / factor
            r = round(math.cos(angle) * y - math.sin(angle) * x + (h - 1) / 2)
            c = round(math.sin(angle) * y + math.cos(angle) * x + (w - 1) / 2)
            if 0 <= r < h and 0 <= c < w:
                out[i, j] = image[r, c]
    if rng.uniform() > 0.5:
        out = out[:, ::-1, :]
    return np.minimum(1, np.maximum(0, out * (1 + 0.1 * rng.standard_normal(3))))


def noise_in_every_pixel(image, rng):
    angle, factor = rng.uniform(-10, 10), rng.uniform(0.92, 1.08)
    turned = ndimage.rotate(image, angle, reshape=False, order=1, mode="nearest")
    h, w = image.shape[:2]
    rows = np.clip(np.rint((np.arange(h) - (h - 1) / 2) / factor + (h - 1) / 2), 0, h - 1)
    columns = np.clip(np.rint((np.arange(w) - (w - 1) / 2) / factor + (w - 1) / 2), 0, w - 1)
    turned = turned[rows.astype(int)][:, columns.astype(int)]
    if rng.random() < 0.5:
        turned = np.flip(turned, axis=1)
    return np.clip(turned + 0.02 * rng.standard_normal(image.shape), 0.0, 1.0)


def in_other_hues(image, rng):
    """Cropped and enlarged, turned with black corners, and changed in hue and saturation."""
    h, w = image.shape[:2]
    factor = rng.uniform(1, 1.2)
    large = ndimage.zoom(image, (factor, factor, 1), order=1)
    top, left = (large.shape[0] - h) // 2, (large.shape[1] - w) // 2
    image = large[top : top + h, left : left + w][:, :: rng.choice([-1, 1])]
    image = ndimage.rotate(image, rng.uniform(-12, 12), reshape=False, order=1)
    hsv = rgb_to_hsv(np.clip(image, 0, 1))
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-0.02, 0.02)) % 1
    hsv[..., 1:] = np.clip(hsv[..., 1:] * rng.uniform(0.85, 1.15, 2), 0, 1)
    return np.clip(hsv_to_rgb(hsv), 0, 1)


def turned_about(middle_of):
    """Right but for the place that stays."""

    @functools.wraps(middle_of)
    def augment(image, rng):
        angle, factor = rng.uniform(-0.2, 0.2), rng.uniform(0.9, 1.1)
        cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
        matrix = np.array([[cos, sin], [-sin, cos]])
        offset = middle_of(image, matrix)
        channels = [
            ndimage.affine_transform(image[..., k], matrix, offset, order=1, mode="nearest")
            for k in range(3)
        ]
        image = np.dstack(channels)[:, :: rng.choice([-1, 1])]
        return np.clip(image + rng.normal(0, 0.05, 3), 0, 1)

    return augment


@turned_about
def offset_of_the_other_sign(image, matrix):
    middle = (np.array(image.shape[:2]) - 1) / 2
    return matrix @ middle - middle


@turned_about
def height_and_width_exchanged(image, matrix):
    middle = (np.array(image.shape[1::-1]) - 1) / 2
    return middle - matrix @ middle


def noise_far_too_strong(image, rng):
    return np.clip(by_ndimage(image, rng) + rng.normal(0, 0.8, 3), 0, 1)


def noise_alone(image, rng):
    return rng.random(image.shape)


def mirror_alone(image, rng):
    return image[:, ::-1] if rng.random() < 0.5 else image


def in_place(image, rng):
    image *= rng.uniform(0.9, 1, 3)
    return by_ndimage(image, rng)


# --- is_stalled ------------------------------------------------------------------------------


def with_sums(losses, window, tolerance):
    if len(losses) - 2 * window < 0:
        return False
    first = sum(losses[len(losses) - 2 * window : len(losses) - window]) / window
    return first - sum(losses[len(losses) - window :]) / window < tolerance


def with_tensors(losses, window, tolerance):
    if len(losses) < 2 * window:
        return torch.tensor(False)
    before, last = torch.tensor(losses[-2 * window :], dtype=torch.float64).reshape(2, window)
    return before.mean() - last.mean() < tolerance


def as_number(losses, window, tolerance):
    tail = np.array(losses[-2 * window :])
    return int(len(tail) == 2 * window and tail[:window].mean() < tail[window:].mean() + tolerance)


def first_windows(losses, window, tolerance):
    if len(losses) < 2 * window:
        return False
    return np.mean(losses[:window]) - np.mean(losses[window : 2 * window]) < tolerance


RIGHT = {
    "huber_loss": [by_torch, by_where, by_masks, row_by_row, smooth_times_delta],
    "pearson": [
        by_corrcoef,
        by_scipy,
        by_statistics,
        by_standard_scores,
        in_float32,
        in_one_pass,
        by_torch_corrcoef,
    ],
    "balanced_batch": [with_choice, in_turns, by_sorting, with_own_random],
    "augment": [
        by_ndimage,
        by_torch_grid,
        nearest_with_black_corners,
        noise_in_every_pixel,
        in_other_hues,
    ],
    "is_stalled": [with_sums, with_tensors, as_number],
}
WRONG = {
    "huber_loss": [target_as_constant],
    "pearson": [cosine],
    "balanced_batch": [classes_from_zero],
    "augment": [
        noise_alone,
        mirror_alone,
        in_place,
        offset_of_the_other_sign,
        height_and_width_exchanged,
        noise_far_too_strong,
    ],
    "is_stalled": [first_windows],
}


@pytest.mark.parametrize("exercise, attempt", pairs("scoring", RIGHT))
def test_right_style_passes(exercise, attempt):
    assert_right(exercise, attempt)


@pytest.mark.parametrize("exercise, attempt", pairs("scoring", WRONG))
def test_wrong_way_fails(exercise, attempt):
    assert_wrong(exercise, attempt)
