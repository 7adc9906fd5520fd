"""The exercises of 14_scoring: how each is called, and on which cases.

Cases hold NumPy arrays, lists and numbers. What is drawn by chance is called many times, and judged
by what all the results have in common.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain
from pytools.exercises.pytorch import gradient, huber_cases, taped
from pytools.exercises.tensors import require_unchanged, tensors

Scoring = partial(Exercise, answers="pytools.exercises.answers.scoring")

# --- huber_loss ------------------------------------------------------------------------------


def run_huber_loss(
    attempt: Callable,
    pred: np.ndarray,
    target: np.ndarray,
    delta: float,
    upstream: float,
    learned: str,
) -> tuple:
    """The loss, and the gradients for pred and target; zeros for what requires none."""
    import torch

    inputs = [
        tensor.requires_grad_(name in learned)
        for name, tensor in zip(("pred", "target"), tensors(pred, target), strict=True)
    ]
    loss = attempt(*inputs, delta)
    if isinstance(loss, torch.Tensor) and loss.requires_grad and loss.numel() == 1:
        (loss.sum() * upstream).backward()
    require_unchanged({"pred": pred, "target": target}, inputs)
    return loss, *map(gradient, inputs)


# --- balanced_batch --------------------------------------------------------------------------

BATCHES = 30  # drawn from each case


def balanced_batch_cases(rng: np.random.Generator) -> list[Case]:
    def case(counts: dict[int, int], size: int, *rest: str) -> Case:
        """So many labels of each class, in any order."""
        labels = rng.permutation(np.repeat(list(counts), list(counts.values())))
        return Case((labels, size, np.random.default_rng(rng.integers(2**32))), *rest)

    few, many = int(rng.integers(5, 8)), int(rng.integers(20, 30))
    uneven = {4: few, 0: 8, 9: many, 2: 12, 7: few + 1}
    return [
        case({0: 3, 1: 6, 2: 4}, 6, "ordinary", f"{BATCHES} times"),
        case({0: few, 1: many}, 8, "ordinary", f"{BATCHES} times"),
        case(uneven, 15, "ordinary", f"classes that are no neighbours; {BATCHES} times"),
        case({1: few, 2: 9, 3: many}, 11, "ordinary", f"11 is no multiple of 3; {BATCHES} times"),
        case(uneven, 18, "ordinary", f"18 is no multiple of 5; {BATCHES} times"),
        case({0: 2, 1: 20}, 10, "edge", f"a class that is too small; {BATCHES} times"),
        case({3: 1, 5: 1, 8: many}, 24, "edge", f"two pictures that are alone; {BATCHES} times"),
        case({0: 4, 1: 4, 2: 4}, 12, "edge", f"as many as there are; {BATCHES} times"),
        case({6: few}, few - 1, "edge", f"one class; {BATCHES} times"),
        case({0: 3, 1: 4, 2: 3, 3: 2}, 2, "edge", f"more classes than places; {BATCHES} times"),
        case({0: 3, 1: 4}, 1, "edge", f"a batch of one; {BATCHES} times"),
    ]


def run_balanced_batch(
    attempt: Callable, labels: np.ndarray, size: int, rng: np.random.Generator
) -> tuple:
    """The batches end to end, how long each is, and the first one again from an equal generator."""
    twin = copy.deepcopy(rng)
    batches = [plain(attempt(labels, size, rng), "batch") for _ in range(BATCHES)]
    again = plain(attempt(labels, size, twin), "batch")
    if any(batch.ndim != 1 for batch in [*batches, again]):
        raise Unusable("shape", f"A batch has shape {batches[0].shape}, not ({size},).")
    return np.concatenate(batches), [len(batch) for batch in batches], again


def measure_balanced_batch(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the batches have in common, as yes and no: right ones share nothing else."""
    labels = case.args[0]
    batches, sizes, again = arrays["batches"], arrays["sizes"], arrays["again"]
    seen = {"the size of each batch": np.unique(sizes)}
    whole = batches.dtype.kind in "iu" and again.dtype.kind in "iu"
    inside = whole and bool(np.all((batches >= 0) & (batches < len(labels))))
    seen["all are places in labels"] = inside
    if inside and len(sizes) == BATCHES and sizes.sum() == len(batches):
        classes, code, members = np.unique(labels, return_inverse=True, return_counts=True)
        number = np.repeat(np.arange(BATCHES), sizes)
        shape = BATCHES, len(labels)
        taken = np.bincount(number * len(labels) + batches, minlength=np.prod(shape)).reshape(shape)
        counts = taken @ np.eye(len(classes), dtype=int)[code]  # of each class in each batch
        large_enough = (counts <= members)[:, code]
        total, expected = taken.sum(axis=0), (counts.sum(axis=0) / members)[code]
        some = expected >= 12  # else a place may well be missed by chance
        seen |= {
            "class counts differ by at most 1": np.all(np.ptp(counts, axis=1) <= 1),
            "repeats where a class is large enough": np.any((taken > 1) & large_enough),
            "a place that never comes": np.any(total[some] == 0),
            "a place that comes far too often": np.any(total[some] > 3 * expected[some]),
            "the same batch from equal generators": np.array_equal(batches[: sizes[0]], again),
        }
    return {name: np.array(value) for name, value in seen.items()}


# --- augment ---------------------------------------------------------------------------------

SIDEWAYS = "a picture that is dark on the left and bright on the right"
UPRIGHT = "a picture that is dark at the top and bright at the bottom"
DISC = "a bright disc in the middle"
WIDE = "a bright disc in the middle of a wide picture"
PLAIN = "one colour all over"
OFTEN, SELDOM = 48, 8  # how many times these, and other pictures, are augmented


def augment_cases(rng: np.random.Generator) -> list[Case]:
    def case(image: np.ndarray, group: str, note: str) -> Case:
        times = OFTEN if note in (SIDEWAYS, UPRIGHT, DISC, PLAIN) else SELDOM
        return Case((image, np.random.default_rng(rng.integers(2**32)), times), group, note)

    def grey(values: np.ndarray) -> np.ndarray:
        side = np.max(values.shape)
        return colourless(np.broadcast_to(values, (side, side)))

    def colourless(values: np.ndarray) -> np.ndarray:
        return np.repeat(values[..., None], 3, axis=2)

    low, high = rng.uniform(0.25, 0.35), rng.uniform(0.65, 0.75)
    ramp = np.linspace(low, high, 20)
    disc = np.clip(13.5 - away_from_middle(40, 40), 0, 1) * (high - low) + low
    wide_disc = np.clip(6.5 - away_from_middle(20, 50), 0, 1) * (high - low) + low
    colour = np.array([0.75, 0.5, 0.25])[:: rng.choice([-1, 1])] + rng.uniform(-0.03, 0.03, 3)
    first, second, oblong = (rng.random(shape) for shape in ((5, 5, 3), (12, 12, 3), (8, 14, 3)))
    return [
        case(first, "ordinary", ""),
        case(grey(ramp), "ordinary", SIDEWAYS),
        case(grey(ramp[:, None]), "ordinary", UPRIGHT),
        case(colourless(disc), "ordinary", DISC),
        case(np.tile(colour, (9, 9, 1)), "ordinary", PLAIN),
        case(second, "ordinary", "noise"),
        case(oblong, "edge", "a picture that is no square"),
        case(colourless(wide_disc), "edge", WIDE),
        case(np.round(second), "edge", "nothing but 0 and 1"),
        case(np.ones((6, 6, 3)), "edge", "white"),
        case(np.zeros((6, 6, 3)), "edge", "black"),
        case(second.astype(np.float32), "numerical", "float32"),
    ]


def run_augment(
    attempt: Callable, image: np.ndarray, rng: np.random.Generator, times: int
) -> tuple:
    """The pictures end to end, the shape of each, and the first again from an equal generator."""
    twin = copy.deepcopy(rng)
    results = [plain(attempt(image, rng), "image") for _ in range(times)]
    shapes = [[*result.shape, 0, 0, 0][:4] for result in results]
    return (
        np.concatenate([result.ravel() for result in results]),
        shapes,
        plain(attempt(image, twin), "image"),
    )


def measure_augment(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the pictures have in common, as yes and no, with room for any size of the changes."""
    image, _, times = case.args
    results, again = arrays["images"], arrays["again"]
    kept = arrays["shapes"].shape == (times, 4) and np.all(arrays["shapes"] == [*image.shape, 0])
    seen: dict[str, Any] = {"the shape is kept": kept}
    if kept and results.size == times * image.size:
        results = results.astype(float).reshape(times, *image.shape)
        grey = results.mean(axis=3)
        seen |= {
            "floats in [0, 1]": arrays["images"].dtype.kind == "f"
            and np.all((results > -1e-6) & (results < 1 + 1e-6)),
            "the same from equal generators": np.array_equal(results[0], again),
        }
        if 0.01 < image.mean() < 0.99:  # of black, darker is black
            different = np.abs(results - results[0]).max(axis=(1, 2, 3)) > 1e-6
            seen["another one each time"] = np.mean(different) > 0.5
        if case.note == SIDEWAYS:
            mirrored = np.mean(
                grey[:, :, :10].mean(axis=(1, 2)) > grey[:, :, 10:].mean(axis=(1, 2))
            )
            seen["share that is mirrored, roughly"] = (
                0.0 if mirrored < 0.15 else 1.0 if mirrored > 0.85 else 0.5
            )
            ways = np.sign(
                results[:, :, :10].sum(axis=(1, 2)) - results[:, :, 10:].sum(axis=(1, 2))
            )
            seen["all colours are mirrored together"] = np.mean(np.ptp(ways, axis=1) == 0) > 0.9
        if case.note == UPRIGHT:
            down, across = slopes(grey)
            seen["the top stays on top"] = np.mean(down > np.abs(across)) > 0.9
            seen["it turns"] = np.std(np.arctan2(across, down)) > 0.02
        if case.note in (DISC, WIDE):
            sizes, off = discs(grey)
            if case.note == DISC:
                seen["its size changes"] = np.std(sizes) > 0.025 * np.mean(sizes)
            far = np.sqrt(np.mean(off**2)) > 0.06 * grey.shape[1]
            seen["it turns and grows about its middle"] = not far
        if case.note == PLAIN:
            colours = results[:, 3:6, 3:6].mean(axis=(1, 2))
            changes = np.mean(np.std(colours, axis=0))
            seen["its colour changes"] = changes > 0.002
            seen["its colour changes only a little"] = changes < 0.3
            shift = np.abs(colours.mean(axis=0) - image[0, 0])
            seen["on the average the colour stays"] = np.all(shift < 0.12)
    return {name: np.array(value) for name, value in seen.items()}


def slopes(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How the brightness of pictures (N, 20, 20) grows downwards and to the right, around the
    middle: the corners hold what came in from outside."""
    middle = grey[:, 3:17, 3:17]
    place = np.arange(14) - 6.5
    return (middle * place[:, None]).sum(axis=(1, 2)), (middle * place).sum(axis=(1, 2))


def away_from_middle(h: int, w: int) -> np.ndarray:
    """The distance of each pixel (h, w) from the middle of a picture."""
    return np.hypot(np.arange(h)[:, None] - (h - 1) / 2, np.arange(w) - (w - 1) / 2)


def discs(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The area of the disc in pictures (N, H, W), H <= W, and how far its middle is from theirs,
    whatever their brightness and contrast. A disc's radius is a third of H."""
    h, w = grey.shape[1:]
    away = away_from_middle(h, w)
    near = away < 0.415 * h
    outside = grey[:, (away > 0.415 * h) & (away < 0.49 * h)].mean(axis=1)
    inside = grey[:, away < 0.15 * h].mean(axis=1)
    with np.errstate(all="ignore"):
        covered = (grey[:, near] - outside[:, None]) / (inside - outside)[:, None]
        areas = covered.sum(axis=1)
        down, across = (covered @ (np.argwhere(near) - [(h - 1) / 2, (w - 1) / 2])).T / areas
    return areas, np.hypot(down, across)


# --- pearson ---------------------------------------------------------------------------------


def pearson_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, share: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal(n)
        return 2 * x + 1, share * x + rng.standard_normal(n) + 3

    x, y = draw(12)
    ratings = rng.permutation(np.r_[0.0:10, 3:7]), rng.permutation(np.r_[0.0:10, 2:6])
    outlier = draw(8)
    outlier[0][2], outlier[1][2] = 40.0, -15.0
    line = rng.standard_normal(6)
    single = [a.astype(np.float32) for a in draw(20)]
    return [
        Case(draw(4)),
        Case(draw(4, -0.7)),
        Case(draw(30)),
        Case(draw(30, -2.0), note="one falls as the other rises"),
        Case(draw(7, 0.0)),
        Case((x * 100, y * 0.01), note="other units"),
        Case(outlier, "edge", "one pair far away"),
        Case((line, 3 * line - 2), "edge", "on a line"),
        Case((line, 1 - 0.5 * line), "edge", "on a falling line"),
        Case(draw(2), "edge", "two pairs"),
        Case(ratings, "edge", "whole numbers"),
        Case((x * 1e-6, y * 1e-6), "numerical", "tiny numbers"),
        Case((x * 1e5, y * 1e5), "numerical", "large numbers"),
        Case(tuple(single), "numerical", "float32"),
    ]


# --- is_stalled ------------------------------------------------------------------------------


def is_stalled_cases(rng: np.random.Generator) -> list[Case]:
    def noisy(*levels: float) -> list[float]:
        """Losses at some levels, three or four steps each."""
        return [
            round(level + float(rng.uniform(-0.1, 0.1)), 3)
            for level in levels
            for _ in range(int(rng.integers(3, 5)))
        ]

    # Tolerances lie off the grid of the losses, so that rounding never decides.
    asked = "asked with the first loss, with the first two, and so on"
    steep = [round(float(v), 3) for v in 10 - np.arange(12) * rng.uniform(0.5, 1)]
    late = [9.0, 9.0, 9.0, 9.0, *noisy(2, 1.9, 1.95, 2)]
    jump = noisy(1, 1, 1, 3, 3)
    wobble = [round(float(2 + (-1) ** t * rng.uniform(0.4, 0.6)), 3) for t in range(14)]
    wild = [*noisy(5, 4), 30.0, *noisy(4, 3.9, 3.8)]
    return [
        Case((noisy(3, 2, 1.9), 2, 0.1001), note=asked),
        Case((noisy(5, 4, 3, 2, 1.9, 1.9, 1.9), 3, 0.2001), note=asked),
        Case((late, 3, 0.3001), note=asked),
        Case((wild, 4, 0.3001), note=f"one loss is wild; {asked}"),
        Case((wobble, 3, 0.1001), note=asked),
        Case((noisy(9, 6, 4, 3, 2.5, 2.4), 4, 1.0001), note=f"a large tolerance; {asked}"),
        Case((jump, 3, 0.1001), "edge", f"the loss rises; {asked}"),
        Case((steep, 1, 0.2001), "edge", f"a window of one loss; {asked}"),
        Case(([4.0, 4.0, 3.0, 3.0, 2.5, 1.5, 1.0, 1.0], 2, 1.0), "edge", f"just enough; {asked}"),
        Case(([2.0] * 9, 3, 0.0), "edge", f"nothing changes, tolerance 0; {asked}"),
        Case((noisy(3, 2), 10, 0.5001), "edge", f"too few losses; {asked}"),
        Case(([v * 1e-4 for v in late], 3, 3.001e-5), "numerical", f"tiny losses; {asked}"),
    ]


def run_is_stalled(
    attempt: Callable, losses: Sequence[float], window: int, tolerance: float
) -> list:
    """The answer to each beginning of the losses, 1 or 0."""
    answers = []
    for end in range(1, len(losses) + 1):
        value = attempt(list(losses[:end]), window, tolerance)
        if value is None:
            raise Unusable("none", "It returned None: it is to return True or False, each time.")
        answers.append(float(bool(value)))
    return answers


EXERCISES = [
    Scoring(
        id="scoring.pearson",
        inputs=("x", "y"),
        outputs=("r",),
        cases=pearson_cases,
        section="2. How good is a score?",
    ),
    Scoring(
        id="scoring.huber_loss",
        inputs=("pred", "target", "delta", "upstream", "learned"),
        outputs=("loss", "grad_pred", "grad_target"),
        cases=huber_cases,
        run=taped(run_huber_loss),
        section="3. A loss that forgives",
    ),
    Scoring(
        id="scoring.balanced_batch",
        inputs=("labels", "size", "rng"),
        outputs=("batches", "sizes", "again"),
        cases=balanced_batch_cases,
        run=run_balanced_batch,
        measure=measure_balanced_batch,
        section="4. Batches in which every score counts",
    ),
    Scoring(
        id="scoring.augment",
        inputs=("image", "rng", "times"),
        outputs=("images", "shapes", "again"),
        cases=augment_cases,
        run=run_augment,
        measure=measure_augment,
        section="5. The same face once more",
    ),
    Scoring(
        id="scoring.is_stalled",
        inputs=("losses", "window", "tolerance"),
        outputs=("answers",),
        cases=is_stalled_cases,
        run=run_is_stalled,
        section="6. When to grow",
    ),
]
