"""What the checks of 14_scoring know: the references, and the wrong solutions people write."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import rotate, zoom
from scipy.stats import rankdata

from pytools import models, scratch
from pytools.exercise import Answer, Misconception

# --- huber_loss ------------------------------------------------------------------------------


def _huber(loss_of, reduce=torch.mean, distance=lambda pred, target: (pred - target).abs()):
    """The right loss, with one of its parts replaced. loss_of(r, delta) gives inside, outside."""

    def huber_loss(pred, target, delta):
        r = distance(pred, target)
        inside, outside = loss_of(r, delta)
        return reduce(torch.where(r.abs() <= delta, inside, outside))

    return huber_loss


def _right(r, delta):
    return r**2 / 2, delta * (r - delta / 2)


sum_for_mean = _huber(_right, reduce=torch.sum)
sign_forgotten = _huber(_right, distance=lambda pred, target: pred - target)
off_the_tape = _huber(_right, distance=lambda pred, target: (pred - target).abs().detach())
half_forgotten = _huber(lambda r, delta: (r**2, delta * (r - delta / 2)))
step_at_delta = _huber(lambda r, delta: (r**2 / 2, delta * r))
delta_squared_forgotten = _huber(lambda r, delta: (r**2 / 2, r - delta / 2))
divided_by_delta = _huber(lambda r, delta: (r**2 / 2 / delta, r - delta / 2))
sides_swapped = _huber(lambda r, delta: _right(r, delta)[::-1])


def delta_ignored(pred, target, delta):
    return models.huber_loss(pred, target, 1.0)


def cut_off(pred, target, delta):
    return ((pred - target).clamp(-delta, delta) ** 2 / 2).mean()


# --- balanced_batch --------------------------------------------------------------------------


def _batch(
    draw=lambda members, count, rng: np.resize(rng.permutation(members), count),
    extra=lambda counts, size: counts + (np.arange(len(counts)) < size % len(counts)),
):
    """The right batch, with one of its parts replaced."""

    def balanced_batch(labels, size, rng):
        classes = np.unique(labels)
        counts = extra(np.full(len(classes), size // len(classes)), size)
        batch = [
            draw(np.flatnonzero(labels == label), count, rng)
            for label, count in zip(classes, counts, strict=True)
        ]
        return np.concatenate(batch)

    return balanced_batch


def _rest_to_the_last(counts, size):
    counts = counts.copy()
    counts[-1] += size % len(counts)
    return counts


first_ones_always = _batch(lambda members, count, rng: np.resize(members, count))
always_with_repeats = _batch(lambda members, count, rng: rng.choice(members, count))
never_with_repeats = _batch(lambda members, count, rng: rng.permutation(members)[:count])
rest_dropped = _batch(extra=lambda counts, size: counts)
rest_to_the_last = _batch(extra=_rest_to_the_last)
own_generator = _batch(
    lambda members, count, rng: np.resize(np.random.default_rng().permutation(members), count)
)


def labels_for_places(labels, size, rng):
    return labels[scratch.balanced_batch(labels, size, rng)]


def all_alike(labels, size, rng):
    return rng.choice(len(labels), size, replace=size > len(labels))


def balanced_on_average(labels, size, rng):
    _, code, counts = np.unique(labels, return_inverse=True, return_counts=True)
    chance = 1 / counts[code] / len(counts)
    return rng.choice(len(labels), size, p=chance)


def one_too_many(labels, size, rng):
    classes = len(np.unique(labels))
    return scratch.balanced_batch(labels, -(-size // classes) * classes, rng)


# --- augment ---------------------------------------------------------------------------------


def _augment(
    turn=lambda rng: rng.uniform(-12, 12),
    scale=lambda rng: rng.uniform(0.9, 1.1),
    mirror=lambda image, rng: image[:, ::-1] if rng.random() < 0.5 else image,
    colour=lambda image, rng: image * rng.uniform(0.85, 1.15, 3) + rng.uniform(-0.08, 0.08, 3),
    limit=lambda image: np.clip(image, 0, 1),
    own=lambda rng: rng,
):
    """The right change of a picture, with one of its parts replaced."""

    def augment(image, rng):
        rng = own(rng)
        image = moved(image, np.deg2rad(turn(rng)), scale(rng))
        return limit(colour(mirror(image, rng), rng))

    return augment


def moved(image, angle, factor):
    """Turned and scaled about the middle, by the nearest pixel."""
    h, w = image.shape[:2]
    down, across = np.mgrid[:h, :w] - np.array([(h - 1) / 2, (w - 1) / 2]).reshape(2, 1, 1)
    cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
    row = np.clip(np.rint(cos * down + sin * across + (h - 1) / 2), 0, h - 1).astype(int)
    column = np.clip(np.rint(cos * across - sin * down + (w - 1) / 2), 0, w - 1).astype(int)
    return image[row, column]


not_cut_off = _augment(limit=lambda image: image)
never_mirrored = _augment(mirror=lambda image, rng: image)
always_mirrored = _augment(mirror=lambda image, rng: image[:, ::-1])
upside_down = _augment(mirror=lambda image, rng: image[::-1] if rng.random() < 0.5 else image)
colours_swapped = _augment(mirror=lambda image, rng: image[..., :: rng.choice([-1, 1])])
never_turned = _augment(turn=lambda rng: 0.0)
degrees_for_radians = _augment(turn=lambda rng: np.rad2deg(rng.uniform(-12, 12)))
never_scaled = _augment(scale=lambda rng: 1.0)
never_recoloured = _augment(colour=lambda image, rng: image)
brighter_only = _augment(colour=lambda image, rng: image + rng.uniform(0.1, 0.4, 3))
same_each_time = _augment(own=lambda rng: np.random.default_rng(0))
own_generator_here = _augment(own=lambda rng: np.random.default_rng())
whole_numbers = _augment(limit=lambda image: (255 * np.clip(image, 0, 1)).astype(np.uint8))


def about_the_corner(image, rng):
    angle, factor = np.deg2rad(rng.uniform(-12, 12)), rng.uniform(0.9, 1.1)
    h, w = image.shape[:2]
    down, across = np.mgrid[:h, :w]
    cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
    row = np.clip(np.rint(cos * down + sin * across), 0, h - 1).astype(int)
    column = np.clip(np.rint(cos * across - sin * down), 0, w - 1).astype(int)
    return _not_moved(image[row, column], rng)


_not_moved = _augment(turn=lambda rng: 0.0, scale=lambda rng: 1.0)
each_colour_mirrored_alone = _augment(
    mirror=lambda image, rng: np.dstack(
        [image[:, :: rng.choice([-1, 1]), channel] for channel in range(3)]
    )
)


def size_not_kept(image, rng):
    angle, factor = rng.uniform(-12, 12), rng.uniform(0.9, 1.1)
    turned = rotate(image, angle, order=1, mode="nearest")
    return np.clip(zoom(turned, (factor, factor, 1), order=1) + rng.uniform(-0.05, 0.05, 3), 0, 1)


# --- pearson ---------------------------------------------------------------------------------


def _correlation(x, y):
    a, b = x - x.mean(), y - y.mean()
    return (a @ b) / np.sqrt((a @ a) * (b @ b))


def covariance(x, y):
    return np.mean((x - x.mean()) * (y - y.mean()))


def slope(x, y):
    a, b = x - x.mean(), y - y.mean()
    return a @ b / (a @ a)


def not_centred(x, y):
    return x @ y / np.sqrt((x @ x) * (y @ y))


def squared(x, y):
    return _correlation(x, y) ** 2


def without_sign(x, y):
    return abs(_correlation(x, y))


def of_ranks(x, y):
    return _correlation(rankdata(x), rankdata(y))


def n_against_n_minus_1(x, y):
    return np.cov(x, y)[0, 1] / (np.std(x) * np.std(y))


def variances_for_deviations(x, y):
    return np.mean((x - x.mean()) * (y - y.mean())) / (x.var() * y.var())


def small_number_added(x, y):
    return np.mean((x - x.mean()) * (y - y.mean())) / (x.std() * y.std() + 1e-8)


# --- is_stalled ------------------------------------------------------------------------------


def _stalled(
    least=lambda window: 2 * window,
    before=lambda losses, window: losses[-2 * window : -window],
    last=lambda losses, window: losses[-window:],
    average=np.mean,
    compare=lambda gain, tolerance: gain < tolerance,
    too_few=False,
):
    """The right answer, with one of its parts replaced."""

    def is_stalled(losses, window, tolerance):
        if len(losses) < least(window):
            return too_few
        gain = average(before(losses, window)) - average(last(losses, window))
        return bool(compare(gain, tolerance))

    return is_stalled


def _mean(losses):
    return np.mean(losses) if len(losses) else 0.0


too_early = _stalled(least=lambda window: window, average=_mean)
one_too_late = _stalled(least=lambda window: 2 * window + 1)
true_at_first = _stalled(too_few=True)
difference_turned = _stalled(compare=lambda gain, tolerance: -gain < tolerance)
without_direction = _stalled(compare=lambda gain, tolerance: abs(gain) < tolerance)
tolerance_included = _stalled(compare=lambda gain, tolerance: gain <= tolerance)
answer_turned = _stalled(compare=lambda gain, tolerance: gain >= tolerance)
sums_for_means = _stalled(average=np.sum)
best_for_mean = _stalled(average=np.min)
median_for_mean = _stalled(average=np.median)
all_that_was_before = _stalled(before=lambda losses, window: losses[:-window])
ends_only = _stalled(
    before=lambda losses, window: losses[-2 * window], last=lambda losses, window: losses[-1]
)
one_step_apart = _stalled(before=lambda losses, window: losses[-window - 1 : -1])
share_of_the_loss = _stalled(
    before=lambda losses, window: 1.0,
    last=lambda losses, window: np.mean(losses[-window:]) / np.mean(losses[-2 * window : -window]),
)


ANSWERS = {
    "huber_loss": Answer(
        models.huber_loss,
        [
            Misconception(
                "sum_for_mean", "Is the loss a sum over the batch, or a mean?", sum_for_mean
            ),
            Misconception(
                "sign_forgotten",
                "What is your loss of a prediction that is far too low?",
                sign_forgotten,
            ),
            Misconception(
                "off_the_tape",
                "The value is right, but no gradient comes back. Where does the tape end?",
                off_the_tape,
            ),
            Misconception(
                "half_forgotten",
                "At delta, parabola and line should meet. Do yours?",
                half_forgotten,
            ),
            Misconception(
                "step_at_delta",
                "Just below delta and just above it: how far does your loss jump?",
                step_at_delta,
            ),
            Misconception(
                "delta_squared_forgotten",
                "How steep is the parabola at delta? The line goes on from there.",
                delta_squared_forgotten,
            ),
            Misconception(
                "divided_by_delta",
                "This is the smooth L1 loss: the same curve, but on another scale. Which slope "
                "should a far point have?",
                divided_by_delta,
            ),
            Misconception(
                "sides_swapped", "Which of the two is meant for small distances?", sides_swapped
            ),
            Misconception("delta_ignored", "Where does delta enter your loss?", delta_ignored),
            Misconception(
                "cut_off",
                "Beyond delta your loss is flat: a far point would never be pulled back.",
                cut_off,
            ),
        ],
    ),
    "pearson": Answer(
        scratch.pearson,
        [
            Misconception(
                "covariance", "In other units your number is another one. Is r?", covariance
            ),
            Misconception(
                "slope",
                "That is the slope of a line. Would it be the same with x and y exchanged?",
                slope,
            ),
            Misconception(
                "not_centred",
                "Add 100 to every score. Does a correlation change?",
                not_centred,
            ),
            Misconception("squared", "How does yours tell rising from falling?", squared),
            Misconception(
                "without_sign", "How does yours tell rising from falling by its sign?", without_sign
            ),
            Misconception(
                "of_ranks",
                "That is Spearman's, the correlation of the ranks. Here the values count.",
                of_ranks,
            ),
            Misconception(
                "n_against_n_minus_1",
                "One part divides by N, another one by N - 1. Points on a line should give 1.",
                n_against_n_minus_1,
            ),
            Misconception(
                "variances_for_deviations",
                "What unit has the covariance, and what unit has that by which you divide?",
                variances_for_deviations,
            ),
            Misconception(
                "small_number_added",
                "A small number in the denominator is not small where the values are tiny.",
                small_number_added,
            ),
        ],
    ),
    "balanced_batch": Answer(
        scratch.balanced_batch,
        [
            Misconception(
                "labels_for_places",
                "Are these places in labels, or the labels found there?",
                labels_for_places,
            ),
            Misconception(
                "all_alike",
                "Where one class is rare, how often does it come?",
                all_alike,
            ),
            Misconception(
                "balanced_on_average",
                "The classes are even on the average of many batches. In each single one too?",
                balanced_on_average,
            ),
            Misconception(
                "first_ones_always",
                "Which pictures of a class never come?",
                first_ones_always,
            ),
            Misconception(
                "always_with_repeats",
                "A picture comes twice, though its class has enough others.",
                always_with_repeats,
            ),
            Misconception(
                "never_with_repeats",
                "What becomes of the batch where a class is too small?",
                never_with_repeats,
            ),
            Misconception(
                "rest_dropped",
                "Where the size is no multiple of the number of classes, what becomes of the rest?",
                rest_dropped,
            ),
            Misconception(
                "rest_to_the_last",
                "One class got the whole rest. By how much may the counts differ?",
                rest_to_the_last,
            ),
            Misconception("one_too_many", "How many places did the caller ask for?", one_too_many),
            Misconception(
                "own_generator",
                "Equal generators should give equal batches: where else does chance come in?",
                own_generator,
            ),
        ],
    ),
    "augment": Answer(
        scratch.augment,
        [
            Misconception(
                "not_cut_off", "Noise may lead out of the range of colours.", not_cut_off
            ),
            Misconception(
                "never_mirrored", "How often are left and right exchanged?", never_mirrored
            ),
            Misconception(
                "always_mirrored",
                "If each picture is mirrored, none is as it was. How often should it be?",
                always_mirrored,
            ),
            Misconception("upside_down", "Which axis goes from left to right?", upside_down),
            Misconception(
                "colours_swapped",
                "Red and blue are exchanged: which axis did you turn round?",
                colours_swapped,
            ),
            Misconception("never_turned", "Does the head ever tilt?", never_turned),
            Misconception(
                "degrees_for_radians",
                "The pictures turn far too much: radians or degrees?",
                degrees_for_radians,
            ),
            Misconception("never_scaled", "Does the head ever come closer?", never_scaled),
            Misconception("never_recoloured", "Does the light ever change?", never_recoloured),
            Misconception(
                "brighter_only",
                "The pictures get brighter on the average. Which way should noise go?",
                brighter_only,
            ),
            Misconception(
                "about_the_corner",
                "Which place of your picture stays where it is, when it turns and grows?",
                about_the_corner,
            ),
            Misconception(
                "each_colour_mirrored_alone",
                "In a mirror, do red and blue change sides together?",
                each_colour_mirrored_alone,
            ),
            Misconception(
                "size_not_kept",
                "What shape does a turned or larger picture have? It should be cut to the old one.",
                size_not_kept,
            ),
            Misconception(
                "whole_numbers", "Floats from 0 to 1 came in. What goes out?", whole_numbers
            ),
            Misconception(
                "same_each_time",
                "Two calls change the picture in the same way. Where does chance come from?",
                same_each_time,
            ),
            Misconception(
                "own_generator",
                "Equal generators should give equal pictures: where else does chance come in?",
                own_generator_here,
            ),
        ],
    ),
    "is_stalled": Answer(
        scratch.is_stalled,
        [
            Misconception("too_early", "How many losses do two windows need?", too_early),
            Misconception(
                "one_too_late", "With just two windows of losses, can you tell?", one_too_late
            ),
            Misconception(
                "true_at_first",
                "With too few losses to tell, which answer does no harm?",
                true_at_first,
            ),
            Misconception(
                "difference_turned",
                "Training goes well when the loss falls. Which mean is then the larger one?",
                difference_turned,
            ),
            Misconception(
                "without_direction", "A loss that rises: is that progress?", without_direction
            ),
            Misconception(
                "tolerance_included",
                "Look at what happens when the gain is just the tolerance.",
                tolerance_included,
            ),
            Misconception(
                "answer_turned", "True means that nothing moves any more.", answer_turned
            ),
            Misconception(
                "sums_for_means", "Does your answer depend on how long a window is?", sums_for_means
            ),
            Misconception(
                "best_for_mean",
                "One lucky batch has a low loss. What does the whole window say?",
                best_for_mean,
            ),
            Misconception("median_for_mean", "A median is not the mean.", median_for_mean),
            Misconception(
                "all_that_was_before",
                "The start of training has high losses. Do they belong to the window before?",
                all_that_was_before,
            ),
            Misconception(
                "ends_only",
                "Two single losses are noisy. What are the windows for?",
                ends_only,
            ),
            Misconception(
                "one_step_apart",
                "Your two windows share losses. Where does the one before end?",
                one_step_apart,
            ),
            Misconception(
                "share_of_the_loss",
                "Is the tolerance a part of the loss, or a difference of losses?",
                share_of_the_loss,
            ),
        ],
    ),
}
