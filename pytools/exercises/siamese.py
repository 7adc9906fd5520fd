"""The exercises of 12_siamese: how each is called, and on which cases.

Cases hold NumPy arrays. The losses get tensors that require a gradient, and the gradients are
checked too; what judges an embedding takes and returns arrays. Torch is imported where it is used,
so that all exercises can be listed without it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, flatten, plain
from pytools.exercises.tensors import require_unchanged, tensors

Siamese = partial(Exercise, answers="pytools.exercises.answers.siamese")

ARRIVES = "upstream is the gradient that arrives for the result"


def run_loss(
    attempt: Callable, names: Sequence[str], given: Sequence[np.ndarray], rest: tuple, upstream: Any
) -> list:
    """The result, and the gradient for each tensor given, zeros where none arrived."""
    import torch

    inputs = tensors(*given, learned=True)
    result = attempt(*inputs, *rest)
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(result, torch.Tensor):
        got = type(result).__name__
        raise Unusable("numbers", f"It returned a {got}, not a tensor: no gradient comes back.")
    if result.requires_grad:
        weight = torch.as_tensor(upstream, dtype=result.dtype)
        if weight.shape == result.shape or weight.numel() == 1:
            (result * weight).sum().backward()
    require_unchanged(dict(zip(names, given, strict=True)), inputs)
    grads = [np.zeros(x.shape) if x.grad is None else plain(x.grad) for x in inputs]
    return [result, *grads]


# --- l1_distance -----------------------------------------------------------------------------


def l1_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int) -> tuple:
        a, b = rng.standard_normal((2, n, d))
        a += 0.2 * np.sign(a - b)  # no entry near the kink
        return a, b, rng.uniform(0.5, 2, n) * rng.choice([-1, 1], n)

    single = tuple(x.astype(np.float32) for x in draw(6, 5))
    large, small = draw(4, 3), draw(4, 3)
    below, above = np.sort(small[:2], axis=0)
    return [
        Case(draw(2, 3), note=ARRIVES),
        Case(draw(5, 4), note=ARRIVES),
        Case(draw(4, 4), note=f"as many rows as columns; {ARRIVES}"),
        Case(draw(3, 8), note=ARRIVES),
        Case(draw(1, 5), "edge", "a batch of one"),
        Case(draw(6, 1), "edge", "one entry a row"),
        Case((1e4 * large[0], 1e4 * large[1], large[2]), "numerical", "entries near 10000"),
        Case((1e-3 * above, 1e-3 * below, small[2]), "numerical", "entries near .001, a above b"),
        Case(single, "numerical", "float32 tensors"),
    ]


def run_l1(attempt: Callable, a: np.ndarray, b: np.ndarray, upstream: np.ndarray) -> list:
    return run_loss(attempt, ("a", "b"), (a, b), (), upstream)


# --- hinge_embedding -------------------------------------------------------------------------


def hinge_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, margin: float, kinds: str = "both", upstream: float = 1.0) -> tuple:
        """Distances on both sides of the margin, of pairs of both kinds."""
        same = np.full(n, float(kinds == "same")) if kinds != "both" else np.arange(n) % 3 % 2 * 1.0
        within = np.where(np.arange(n) // 2 % 2 == 0, rng.uniform(0.2, 0.8, n), 0)
        beyond = rng.uniform(1.2, 2.5, n)
        distance = margin * np.where(within > 0, within, beyond)
        order = rng.permutation(n)
        return distance[order], same[order], margin, upstream

    distance, same, margin, _ = draw(8, 2.0)
    single = [x.astype(np.float32) for x in draw(8, 3.0)[:2]]
    scaled = f"the loss is scaled afterwards; {ARRIVES}"
    return [
        Case(draw(4, 1.0), note="some pairs that differ lie beyond the margin"),
        Case(draw(9, 2.5), note="another margin"),
        Case(draw(7, 0.5), note="another margin"),
        Case(draw(8, 4.0, upstream=float(rng.uniform(2, 5))), note=scaled),
        Case(draw(5, 1.5, "same"), "edge", "all pairs are the same"),
        Case(draw(6, 1.5, "different"), "edge", "no pair is the same"),
        Case(draw(1, 2.0, "same"), "edge", "one pair, and it is the same"),
        Case(draw(1, 2.0, "different"), "edge", "one pair, and it is not the same"),
        Case((1e4 * distance, same, 1e4 * margin, 1.0), "numerical", "distances near 10000"),
        Case((*single, 3.0, 2.0), "numerical", "float32 tensors"),
    ]


def run_hinge(
    attempt: Callable, distance: np.ndarray, same: np.ndarray, margin: float, upstream: float
) -> list:
    (fixed,) = tensors(same)
    results = run_loss(attempt, ("distance",), (distance,), (fixed, margin), upstream)
    require_unchanged({"same": same}, [fixed])
    return results


# --- triplet_loss ----------------------------------------------------------------------------


def triplet_cases(rng: np.random.Generator) -> list[Case]:
    def draw(
        n: int,
        d: int,
        alpha: float,
        kinds: str = "both",
        upstream: float = 1.0,
        sides: bool = False,
    ) -> tuple:
        """By kind, far from the kink: all triplets cost something, none does, or every other."""
        a, p, n_ = rng.standard_normal((3, n, d))
        if sides:  # then what is added to each difference does not cancel
            n_, a, p = np.sort((a, p, n_), axis=0)
        gap = ((a - p) ** 2).sum(axis=1) - ((a - n_) ** 2).sum(axis=1)
        costs = {"both": np.arange(n) % 2 == 0, "all": np.ones(n, bool), "none": np.zeros(n, bool)}
        wanted = np.where(costs[kinds], rng.uniform(0.3, 0.9, n), rng.uniform(-3, -1.2, n)) * alpha
        shift = _moved_by(a - n_, gap - wanted)
        return a, p, n_ + shift, alpha, upstream

    single = [x.astype(np.float32) for x in draw(6, 4, 1.0)[:3]]
    near = draw(4, 3, 1.0)
    far = tuple(1e4 + x for x in near[:3])
    return [
        Case(draw(2, 3, 1.0), note="one triplet costs something, one does not"),
        Case(draw(6, 4, 1.0)),
        Case(draw(5, 5, 0.5), note="another alpha; as many triplets as entries"),
        Case(draw(7, 3, 2.0, upstream=float(rng.uniform(2, 5))), note="the loss is scaled later"),
        Case(draw(4, 6, 1.5, "all", sides=True), note="every triplet costs something"),
        Case(draw(1, 4, 1.0, "all"), "edge", "one triplet"),
        Case(draw(5, 3, 1.0, "none"), "edge", "no triplet costs anything"),
        Case(draw(6, 1, 1.0), "edge", "one entry a row"),
        Case((*far, 1.0, 1.0), "numerical", "all points are far from 0"),
        Case((*single, 1.0, 3.0), "numerical", "float32 tensors"),
    ]


def _moved_by(step: np.ndarray, by: np.ndarray) -> np.ndarray:
    """What to add to n, so that ‖a - n‖² grows by so much: along a - n, with a - n scaled.

    Where there is less than that to take away, n comes as near as a tenth of the way.
    """
    square = (step**2).sum(axis=1, keepdims=True)
    scale = np.sqrt(np.maximum(square + by[:, None], 0.01 * square) / square)
    return step * (1 - scale)


def run_triplet(
    attempt: Callable,
    a: np.ndarray,
    p: np.ndarray,
    n: np.ndarray,
    alpha: float,
    upstream: float,
) -> list:
    return run_loss(attempt, ("a", "p", "n"), (a, p, n), (alpha,), upstream)


# --- distance_ratio --------------------------------------------------------------------------


def ratio_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, upstream: float = 1.0) -> tuple:
        return rng.uniform(0.1, 3, n), rng.uniform(0.1, 3, n), upstream

    def apart(by: float) -> tuple:
        near = rng.uniform(0, 2, 4)
        far = near + by * rng.uniform(0.9, 1, 4)
        order = np.array([True, False, True, False])
        return np.where(order, near, far), np.where(order, far, near), 1.0

    base, near = rng.uniform(0.9e4, 1e4, 5), rng.uniform(0.5, 3, 4)
    single = [x.astype(np.float32) for x in draw(6)[:2]]
    return [
        Case(draw(2)),
        Case(draw(5)),
        Case(draw(8, float(rng.uniform(2, 5))), note="the loss is scaled afterwards"),
        Case(draw(6, -0.5), note="the loss is scaled afterwards"),
        Case(draw(1), "edge", "one triplet"),
        Case((near, near + 1e-3, 1.0), "edge", "both distances are almost equal"),
        Case((np.zeros(3), rng.uniform(0.5, 2, 3), 1.0), "edge", "no distance to the own class"),
        Case(apart(1e4), "numerical", "distances up to 10000"),
        Case(apart(800.0), "numerical", "distances up to 800"),
        Case(apart(45.0), "numerical", "distances up to 45"),
        Case((base, base + rng.uniform(-2, 2, 5), 1.0), "numerical", "both distances near 10000"),
        Case((*single, 2.0), "numerical", "float32 tensors"),
    ]


def run_ratio(attempt: Callable, d_same: np.ndarray, d_diff: np.ndarray, upstream: float) -> list:
    return run_loss(attempt, ("d_same", "d_diff"), (d_same, d_diff), (), upstream)


# --- sample_pairs ----------------------------------------------------------------------------

PAIRS = ("i", "j", "same")
AGAIN = 5  # calls with an equal generator


def sample_pairs_cases(rng: np.random.Generator) -> list[Case]:
    def case(counts: Sequence[int], num: int, calls: int, *rest: str) -> Case:
        names = rng.choice(np.arange(-2, 20), len(counts), replace=False)
        labels = rng.permutation(np.repeat(names, counts))
        return Case((labels, num, np.random.default_rng(rng.integers(2**32)), calls), *rest)

    return [
        case((3, 4, 2), 12, 30, "ordinary", "many calls with one generator"),
        case((5, 5), 16, 15, "ordinary", "two classes"),
        case((4, 3, 3, 2), 16, 30, "ordinary", "four classes"),
        case((6, 2), 16, 32, "ordinary", "a large class and a small one"),
        case((3, 3), 2, 60, "edge", "two pairs a call"),
        case((4, 1, 3), 12, 15, "edge", "one class has one picture only"),
        case((1, 1, 1, 3), 4, 30, "edge", "three classes have one picture only"),
        case((2, 1), 2, 30, "edge", "three pictures"),
    ]


def run_sample_pairs(
    attempt: Callable, labels: np.ndarray, num: int, rng: np.random.Generator, calls: int
) -> list[np.ndarray]:
    """i, j and same of many calls with one generator, stacked; and of some with an equal one."""
    given, twin = labels.copy(), copy.deepcopy(rng)

    def call(labels: np.ndarray, generator: np.random.Generator) -> list[np.ndarray]:
        i, j, same = flatten(attempt(labels, num, generator), PAIRS).values()
        if i.ndim != 1 or not i.shape == j.shape == same.shape:
            shapes = f"{i.shape}, {j.shape} and {same.shape}"
            raise Unusable("shape", f"i, j and same have shapes {shapes}, not {(num,)} each.")
        return [i, j, same]

    def calls_with(generator: np.random.Generator, count: int) -> list[np.ndarray]:
        results = [call(given.copy(), generator) for _ in range(count)]
        if len({i.shape for i, _, _ in results}) > 1:
            raise Unusable("shape", "The number of pairs differs from call to call.")
        return [np.stack(arrays) for arrays in zip(*results, strict=True)]

    first = [array[None] for array in call(labels, rng)]  # whether it changes labels is seen
    rest, again = calls_with(rng, calls - 1), calls_with(twin, min(calls, AGAIN))
    return [*map(np.concatenate, zip(first, rest, strict=True)), *again]


def measure_sample_pairs(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the pairs say of themselves; how often each is drawn is not judged, but that it is.

    Whatever the right way to draw, in the calls of a case every picture has a partner once, and
    most of all pairs turn up, but for one check in a million.
    Pictures that are alone in their class may be left out where others can make the pairs.
    """
    labels, _, _, calls = case.args
    i, j, same = (arrays[name].astype(np.float64) for name in PAIRS)
    again = [arrays[f"{name} again"] for name in PAIRS]
    if len(i) != calls or len(labels) <= max(i.max(), j.max()) or min(i.min(), j.min()) < 0:
        raise ValueError("no pairs of these pictures")
    if np.any(i % 1) or np.any(j % 1):
        raise ValueError("no whole numbers")
    i, j = i.astype(int), j.astype(int)
    alike = labels[i] == labels[j]
    num = i.shape[1]
    seen: dict[str, Any] = {
        "pairs in a call": num,
        "pairs of a picture with itself": np.sum(i == j),
        "pairs whose same is not what the labels say": np.sum(same != alike),
        "calls without as many of one class as of two": np.sum(alike.sum(axis=1) != num // 2),
    }
    found = np.zeros((len(labels),) * 2, dtype=bool)
    found[i, j] = found[j, i] = True
    kin = labels[:, None] == labels
    lone = kin.sum(axis=1) == 1
    due = ~(lone[:, None] | lone) & ~np.eye(len(labels), dtype=bool)
    paired = due & kin & found
    seen["pictures never in a pair of one class"] = np.sum(~lone & ~paired.any(axis=1))
    for words, share, kind in (("one class", 0.75, due & kin), ("two classes", 0.5, due & ~kin)):
        seen[f"most pairs of {words} turn up"] = np.sum(kind & found) >= share * np.sum(kind)
    if len(labels) > 3:  # of three pictures, two pairs may be all that there is
        draws = np.sort(i * len(labels) + j, axis=1)
        seen["every call gives the same pairs"] = bool(np.all(draws == draws[0]))
    steady = [np.array_equal(arrays[n][: len(a)], a) for n, a in zip(PAIRS, again, strict=True)]
    seen["equal generators give equal pairs"] = all(steady)
    return {name: np.array(value) for name, value in seen.items()}


# --- points and labels: hardest_negatives, recall_at_k ---------------------------------------


def _points(rng: np.random.Generator, counts: Sequence[int], d: int) -> tuple:
    """Points whose neighbours are in no doubt: distances from one differ by 0.1 % or more."""
    labels = np.repeat(rng.choice(np.arange(-2, 20), len(counts), replace=False), counts)
    while True:
        emb = rng.standard_normal((len(labels), d))
        squared = ((emb[:, None] - emb) ** 2).sum(axis=2)
        ordered = np.sort(squared, axis=1)[:, 1:]
        if np.all(np.diff(ordered) > 1e-3 * ordered[:, 1:]):
            return emb, rng.permutation(labels)


def hardest_cases(rng: np.random.Generator) -> list[Case]:
    draw = partial(_points, rng)

    def scaled(by: float) -> tuple:
        emb, labels = draw((5, 4, 3), 3)
        return by * emb, labels

    emb, labels = draw((4, 4, 4), 3)
    return [
        Case(draw((2, 2), 2)),
        Case(draw((5, 4, 3), 3)),
        Case(draw((6, 6, 6), 5)),
        Case(draw((3, 3, 3, 3), 2)),
        Case(draw((8, 2), 4), note="a large class and a small one"),
        Case(draw((5, 1, 4), 3), "edge", "a class of one point"),
        Case(draw((1, 1, 1), 2), "edge", "every point is alone in its class"),
        Case(draw((4, 3, 3), 1), "edge", "one entry a row"),
        Case(scaled(1e6), "numerical", "points a million apart"),
        Case(scaled(1e-3), "numerical", "points a thousandth apart"),
        Case((emb.astype(np.float32), labels), "numerical", "float32"),
    ]


def recall_cases(rng: np.random.Generator) -> list[Case]:
    def draw(counts: Sequence[int], d: int, k: int, by: float = 1.0) -> tuple:
        """Points for which it matters what is counted: neither 0 nor all of them are found."""
        while True:
            emb, labels = _points(rng, counts, d)
            found = _found(emb, labels, k)
            if min(k, 3) * 0.1 < found < 1:
                return by * emb, labels, k

    emb, labels, k = draw((5, 5, 4), 3, 1)
    every, names = _points(rng, (4, 3), 2)
    return [
        Case(draw((3, 3), 2, 1)),
        Case(draw((5, 4, 4), 3, 1)),
        Case(draw((6, 5, 4, 4), 3, 2)),
        Case(draw((4, 4, 4, 3, 3), 4, 3)),
        Case(draw((12, 3), 3, 1), note="a large class and a small one"),
        Case(draw((5, 1, 4), 3, 2), "edge", "a point that is alone in its class"),
        Case(draw((2, 2, 2, 2), 3, 3), "edge", "classes of two points"),
        Case((every, names, len(names) - 1), "edge", "k is the number of other points"),
        Case(draw((5, 5, 4), 1, 2), "edge", "one entry a row"),
        Case(draw((5, 4, 4), 3, 1, 1e6), "numerical", "points a million apart"),
        Case(draw((5, 4, 4), 3, 2, 1e-3), "numerical", "points a thousandth apart"),
        Case((emb.astype(np.float32), labels, k), "numerical", "float32"),
    ]


def _found(emb: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The share of points with one of their label among the k nearest others."""
    squared = ((emb[:, None] - emb) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    nearest = squared.argsort(axis=1)[:, :k]
    return (labels[nearest] == labels[:, None]).any(axis=1).mean()


# --- spearman --------------------------------------------------------------------------------


def spearman_cases(rng: np.random.Generator) -> list[Case]:
    def related(n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal(n)
        return np.exp(2 * x), x + rng.standard_normal(n)

    def tied(n: int, x_values: int, y_values: int) -> tuple[np.ndarray, np.ndarray]:
        """Whole numbers, each several times, and never all equal."""
        x, y = (np.arange(n) * v // n for v in (x_values, y_values))
        moved = rng.permutation(n)[: n // 2]
        y[np.sort(moved)] = y[moved]
        order = rng.permutation(n)
        x, y = x[order].astype(float), y[order].astype(float)
        y[np.argmax(x)], y[np.argmin(x)] = y_values, -1.0
        return x, y

    x, y = related(8)
    rising = np.sort(rng.standard_normal(7))
    wide = np.array([1e-300, 1e-200, 1e-9, 1.0, 1e150, 1e200, 1e300])
    order = rng.permutation(7)
    flags = rng.permutation(np.repeat([0.0, 1.0], [5, 7]))
    return [
        Case(related(5)),
        Case((x, -y), note="the one falls where the other rises"),
        Case(related(30)),
        Case(tied(10, 4, 9), note="some values of x are equal"),
        Case(tied(14, 4, 3), note="some values of x are equal, and some of y"),
        Case((flags + 0.5 * rng.random(12), flags), note="y is 0 or 1"),
        Case((rising, np.exp(rising)), "edge", "y rises wherever x does"),
        Case((rng.permutation(6.0 + np.arange(2)), np.array([3.0, -2.0])), "edge", "two values"),
        Case(tuple(a.astype(int) for a in tied(12, 3, 5)), "edge", "whole numbers"),
        Case((wide[order], rng.standard_normal(7)), "numerical", "from 1e-300 to 1e300"),
        Case((1e9 + np.arange(9.0)[rng.permutation(9)], rng.random(9)), "numerical", "near 1e9"),
    ]


EXERCISES = [
    Siamese(
        id="siamese.l1_distance",
        inputs=("a", "b", "upstream"),
        outputs=("distance", "grad_a", "grad_b"),
        cases=l1_cases,
        run=run_l1,
        section="1. A distance that can be taught",
    ),
    Siamese(
        id="siamese.recall_at_k",
        inputs=("emb", "labels", "k"),
        outputs=("recall",),
        cases=recall_cases,
        section="2. Is it a good distance?",
    ),
    Siamese(
        id="siamese.sample_pairs",
        inputs=("labels", "num", "rng", "calls"),
        outputs=(*PAIRS, *(f"{name} again" for name in PAIRS)),
        cases=sample_pairs_cases,
        run=run_sample_pairs,
        measure=measure_sample_pairs,
        section="3. Pairs: pull together, push apart",
    ),
    Siamese(
        id="siamese.hinge_embedding",
        inputs=("distance", "same", "margin", "upstream"),
        outputs=("loss", "grad_distance"),
        cases=hinge_cases,
        run=run_hinge,
        section="3. Pairs: pull together, push apart",
    ),
    Siamese(
        id="siamese.spearman",
        inputs=("x", "y"),
        outputs=("rho",),
        cases=spearman_cases,
        section="4. Does the order agree?",
    ),
    Siamese(
        id="siamese.triplet_loss",
        inputs=("a", "p", "n", "alpha", "upstream"),
        outputs=("loss", "grad_a", "grad_p", "grad_n"),
        cases=triplet_cases,
        run=run_triplet,
        section="5. Triplets: nearer than",
    ),
    Siamese(
        id="siamese.hardest_negatives",
        inputs=("emb", "labels"),
        outputs=("index",),
        cases=hardest_cases,
        section="6. Hard negatives",
    ),
    Siamese(
        id="siamese.distance_ratio",
        inputs=("d_same", "d_diff", "upstream"),
        outputs=("loss", "grad_same", "grad_diff"),
        cases=ratio_cases,
        run=run_ratio,
        section="7. Without a margin",
    ),
]
