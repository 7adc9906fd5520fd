"""The exercises of 02_classifiers: how each is called, and on which cases."""

from __future__ import annotations

import contextlib
import copy
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain

Classifiers = partial(Exercise, answers="pytools.exercises.answers.classifiers")


# --- pairwise_distance -----------------------------------------------------------------------

LARGE = (350, 350, 615)  # N, M, D: one array of N x M x D would take 600 MB
MAY_HOLD = 2 * 256 * 2**20  # bytes: two temporaries as large as they may be
LONG = "many long rows (of the result, the first row and the last)"
ENDS = [0, -1]  # rows of a large result that are compared
SLOW = 0.05  # seconds for ENDS: some ten times what a loop over rows takes


def pairwise_distance_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape)

    # Whole numbers: a sum of squares is exact, also in float32.
    whole = rng.integers(-3, 4, (4, 5)).astype(float)
    # Equal rows that ‖a‖² + ‖b‖² - 2ab takes to a negative square. The far row makes room for the
    # rounding errors of that formula.
    alike = np.concatenate([draw(40, 30), np.full((1, 30), 500.0)])
    n, m, d = LARGE
    long = rng.random((n, d)), rng.random((m, d))
    return [
        Case((draw(2, 3), draw(3, 3), "l2")),
        Case((draw(2, 3), draw(3, 3), "l1")),
        Case((draw(7, 5), draw(6, 5), "l1")),
        Case((draw(7, 5), draw(6, 5), "l2")),
        Case((draw(5, 4), draw(5, 4), "l2"), note="N = M"),
        Case((draw(5, 1), draw(4, 1), "l1"), "edge", "one feature"),
        Case((draw(1, 6), draw(1, 6), "l2"), "edge", "one row each"),
        Case((whole, whole[::-1].copy(), "l2"), "edge", "equal rows"),
        Case((whole, whole.copy(), "l1"), "edge", "equal rows"),
        Case((alike, alike.copy(), "l2"), "numerical", "equal rows of any numbers"),
        Case((*long, "l2"), "numerical", LONG),
        Case((*long, "l1"), "numerical", LONG),
    ]


def run_pairwise_distance(attempt: Callable, a: np.ndarray, b: np.ndarray, metric: str) -> Any:
    """Of many rows the result for ENDS, with an eye on the memory that all of them take.

    A loop over single numbers would take minutes for all rows, and holds little: it is let off.
    """
    if len(a) * b.size * 8 < MAY_HOLD:
        return attempt(a, b, metric)
    few, _, seconds = _watched(attempt, a[ENDS], b, metric)
    if seconds > SLOW:
        return few
    distance, most, _ = _watched(attempt, a, b, metric)
    if MAY_HOLD / 4 < most <= MAY_HOLD:  # float32, or blocks? Only blocks stay as they are
        _, most, _ = _watched(attempt, np.concatenate([a, a]), b, metric)
    if most > MAY_HOLD:
        text = (
            f"It held {most / 1e6:.0f} MB at once: does an array of N x M x D entries stand there?"
        )
        raise Unusable("memory", text)
    distance = plain(distance, "distance")
    return distance[ENDS] if distance.shape[:1] == (len(a),) else distance


def _watched(attempt: Callable, *args: Any) -> tuple[Any, int, float]:
    """What the attempt returns, the most bytes that it held beside args, its seconds of CPU."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak, VmHWM, starts again from here
    before, began = _resident("VmHWM"), time.process_time()
    tracemalloc.start()
    try:
        result = attempt(*args)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    seconds = time.process_time() - began
    return result, max(most, _resident("VmHWM") - before), seconds


def _resident(field: str) -> int:
    """Linux's count of the bytes that this process holds, torch's among them; elsewhere 0."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


# --- knn_predict -----------------------------------------------------------------------------

KNN = ("train_x", "train_y", "test_x", "k", "metric")


def knn_predict_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, m: int, k: int, metric: str, labels: list[int], d: int = 6) -> tuple:
        """n training rows with labels in turn, shuffled; m test rows with clear neighbours."""
        train_x = _uneven(rng, n, d)
        train_y = rng.permutation(np.resize(labels, n))
        return train_x, train_y, _clear(rng, train_x, m, k), k, metric

    several = [0, 1, 2, 3]
    return [
        Case(draw(6, 3, 3, "l2", [0, 1], d=2)),
        Case(draw(40, 30, 1, "l1", several)),
        Case(draw(40, 40, 5, "l2", [0, 1])),
        Case(draw(50, 40, 7, "l1", [3, 8])),
        Case(draw(40, 60, 2, "l2", several), "edge", "two neighbours: labels may tie"),
        Case(draw(40, 60, 4, "l1", several), "edge", "four neighbours: labels may tie"),
        Case(draw(40, 90, 5, "l2", several), "edge", "five neighbours: labels may tie"),
        Case(_crowds(rng, 3, 320, 300), "edge", "300 neighbours, each with a label of its own"),
        Case(draw(30, 30, 3, "l2", [11, 2, 5]), "edge", "labels with gaps between them"),
        Case(draw(9, 6, 9, "l2", [4, 7]), "edge", "k is the number of training rows"),
        Case(draw(20, 1, 3, "l1", [0, 1]), "edge", "one test row"),
    ]


def _uneven(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Rows with a few large entries, so that the two metrics disagree on who is near."""
    return rng.standard_normal((n, d)) ** 3


def _clear(rng: np.random.Generator, train_x: np.ndarray, m: int, k: int) -> np.ndarray:
    """m test rows whose k + 1 nearest distances differ by 0.2 % or more, in either metric."""
    rows = np.empty((0, train_x.shape[1]))
    while len(rows) < m:
        drawn = _uneven(rng, 2 * m, train_x.shape[1])
        apart = np.abs(drawn[:, None] - train_x)
        distances = np.stack([apart.sum(axis=2), np.sqrt((apart**2).sum(axis=2))])
        nearest = np.sort(distances)[:, :, : k + 1]
        clear = np.all(nearest[:, :, :-1] < 0.998 * nearest[:, :, 1:], axis=(0, 2))
        rows = np.concatenate([rows, drawn[clear]])
    return rows[:m]


def _crowds(rng: np.random.Generator, m: int, n: int, k: int) -> tuple:
    """m test rows far apart with n training rows around each, every one 0.3 % farther off.

    All labels tie. So many neighbours are in no order when np.argpartition has found them.
    """
    test_x = 10 * np.eye(m, 6) + rng.standard_normal((m, 6))
    apart = rng.standard_normal((m, n, 6))
    apart *= (1.003 ** np.arange(n) / np.linalg.norm(apart, axis=2))[:, :, None]
    train_x = rng.permutation((test_x[:, None] + apart).reshape(m * n, 6))
    return train_x, rng.permutation(m * n), test_x, k, "l2"


# --- mean_center -----------------------------------------------------------------------------


def mean_center_cases(rng: np.random.Generator) -> list[Case]:
    def draw(train: tuple[int, ...], test: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """A mean and a spread of its own for each column, and another mean in the test set."""
        mean, spread = rng.uniform(2, 9, train[1:]), rng.uniform(0.5, 2, train[1:])
        apart = rng.uniform(0.5, 1, test[1:])
        train_x = mean + spread * rng.standard_normal(train)
        return train_x, mean + apart + spread * rng.standard_normal(test)

    return [
        Case(draw((4, 3), (2, 3))),
        Case(draw((20, 5), (8, 5))),
        Case(draw((6, 6), (6, 6)), note="as many rows as columns"),
        Case(draw((7, 2, 4, 3), (5, 2, 4, 3)), "edge", "a batch of images"),
        Case(draw((8,), (5,)), "edge", "one dimension"),
        Case(draw((1, 4), (3, 4)), "edge", "one training row"),
        Case(draw((5, 4), (1, 4)), "edge", "one test row"),
    ]


# --- softmax_cross_entropy -------------------------------------------------------------------


def softmax_cross_entropy_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, c: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        return scale * rng.standard_normal((n, c)), rng.integers(0, c, n)

    large, small = draw(5, 4), draw(5, 4)
    levels, level_labels = draw(4, 3)
    levels += np.array([[1e4], [-1e4], [0.0], [5e3]])
    hopeless = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 0.0]]) + rng.standard_normal((2, 3))
    return [
        Case(draw(2, 3)),
        Case(draw(8, 5)),
        Case(draw(6, 6, 3.0), note="N = C"),
        Case(draw(1, 4), "edge", "a batch of one"),
        Case(draw(7, 2), "edge", "two classes"),
        Case((np.zeros((3, 4)), rng.integers(0, 4, 3)), "edge", "all scores equal"),
        Case((large[0] + 1e4, large[1]), "numerical", "scores near 10000"),
        Case((small[0] - 1e4, small[1]), "numerical", "scores near -10000"),
        Case((levels, level_labels), "numerical", "each row at a height of its own"),
        Case((hopeless, np.array([2, 0])), "numerical", "the right label has the least score"),
    ]


# --- activation and activation_grad ----------------------------------------------------------

NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")


def activation_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        """Both signs in every draw, away from 0; 0 itself is an edge case."""
        size = int(np.prod(shape))
        signs = rng.permutation(np.resize([-1.0, 1.0], size))
        return (signs * rng.uniform(0.2, 3.0, size)).reshape(shape)

    around_zero = np.array([-1.5, 0.0, 1.5]) * rng.uniform(0.5, 1.5, 3)
    huge = np.array([-1e4, -700.0, -100.0, 100.0, 700.0, 1e4]) * rng.uniform(0.9, 1.0, 6)
    return [
        *(Case((name, draw(2, 3))) for name in NAMES),
        *(Case((name, around_zero.copy()), "edge", "with a 0 in it") for name in NAMES),
        *(Case((name, draw(2, 3, 4)), "edge", "three dimensions") for name in NAMES),
        *(Case((name, huge.copy()), "numerical", "up to 10000") for name in NAMES),
    ]


# --- init_weights ----------------------------------------------------------------------------

WIDE, NARROW = 400, 64


def init_weights_cases(rng: np.random.Generator) -> list[Case]:
    def case(n_in: int, n_out: int, scheme: str | float, *rest: str) -> Case:
        own = np.random.default_rng(rng.integers(2**32))
        return Case((n_in, n_out, scheme, own), *rest)

    std = float(np.round(rng.uniform(0.02, 0.1), 3))
    return [
        case(WIDE, NARROW, "xavier"),
        case(WIDE, NARROW, "he"),
        case(WIDE, NARROW, std),
        case(30, 20, "zeros"),
        case(NARROW, WIDE, "xavier", "edge", "more outputs than inputs"),
        case(1, 20_000, "he", "edge", "one input"),
        case(20_000, 1, 0.5, "edge", "one output"),
        case(150, 150, 1e-5, "edge", "a tiny standard deviation"),
    ]


def run_init_weights(
    attempt: Callable, n_in: int, n_out: int, scheme: str | float, rng: np.random.Generator
) -> list | None:
    """Twice with one generator, and once with an equal one."""
    twin = copy.deepcopy(rng)
    results = [attempt(n_in, n_out, scheme, generator) for generator in (rng, rng, twin)]
    return None if results[0] is None else results


def measure_init_weights(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the numbers show, rounded so that chance does not: the samples are large."""
    n_in, _, scheme, _ = case.args
    w = arrays["w"].astype(np.float64)
    seen: dict[str, Any] = {"axes": w.ndim, "rows": w.shape[0], "columns": w.shape[-1]}
    if scheme == "zeros":
        seen["share of weights that are 0"] = np.mean(w == 0)
    else:
        wanted = {"xavier": np.sqrt(1 / n_in), "he": np.sqrt(2 / n_in)}.get(scheme, scheme)
        mean, std = w.mean(), w.std()
        with np.errstate(all="ignore"):
            seen |= {
                "standard deviation (as a multiple of the wanted one)": round(20 * std / wanted)
                / 20,
                "mean (in standard deviations)": round(mean / std, 1) + 0.0,
                "share within one standard deviation": round(np.mean(np.abs(w - mean) < std), 1),
                "some weights beyond three standard deviations": np.any(np.abs(w - mean) > 3 * std),
                "share of different numbers": round(len(np.unique(w)) / w.size, 1),
                "same weights twice from one generator": np.array_equal(w, arrays["second"]),
            }
    seen["same weights from equal generators"] = np.array_equal(w, arrays["again"])
    return {name: np.array(value) for name, value in seen.items()}


# --- dead_relu_fraction ----------------------------------------------------------------------


def dead_relu_fraction_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, h: int, dead: int) -> np.ndarray:
        """Half of the entries are 0; `dead` columns are 0 everywhere, no other one is."""
        active = np.maximum(rng.standard_normal((n, h)), 0)
        active[rng.integers(0, n, h), np.arange(h)] = rng.uniform(0.5, 1.5, h)
        active[:, rng.permutation(h)[:dead]] = 0
        return active

    silent_row = draw(5, 8, 2)
    silent_row[rng.integers(5)] = 0
    faint = draw(6, 5, 2)
    faint[:, np.flatnonzero(faint.any(axis=0))[0]] *= 1e-12
    return [
        Case((draw(3, 4, int(rng.integers(1, 3))),)),
        Case((draw(20, 10, int(rng.integers(1, 9))),)),
        Case((draw(9, 7, int(rng.integers(2, 6))),)),
        Case((silent_row,), "edge", "a row in which every unit is silent"),
        Case((draw(6, 5, 0),), "edge", "no dead unit"),
        Case((np.zeros((4, 6)),), "edge", "all units dead"),
        Case((draw(1, 6, 2),), "edge", "a batch of one"),
        Case((draw(8, 1, 0),), "edge", "one unit"),
        Case((faint,), "numerical", "a unit that is never above 1e-11"),
    ]


EXERCISES = [
    Classifiers(
        id="classifiers.pairwise_distance",
        inputs=("a", "b", "metric"),
        outputs=("distance",),
        cases=pairwise_distance_cases,
        run=run_pairwise_distance,
        section="1. What a computer sees",
    ),
    Classifiers(
        id="classifiers.knn_predict",
        inputs=KNN,
        outputs=("labels",),
        cases=knn_predict_cases,
        section="2. Ask the neighbours",
    ),
    Classifiers(
        id="classifiers.mean_center",
        inputs=("train", "test"),
        outputs=("train_c", "test_c"),
        cases=mean_center_cases,
        section="4. Put the mean at zero",
    ),
    Classifiers(
        id="classifiers.softmax_cross_entropy",
        inputs=("scores", "labels"),
        outputs=("loss", "grad"),
        cases=softmax_cross_entropy_cases,
        section="5. Ten templates",
    ),
    Classifiers(
        id="classifiers.activation",
        inputs=("name", "x"),
        outputs=("y",),
        cases=activation_cases,
        section="6. Between the layers",
    ),
    Classifiers(
        id="classifiers.activation_grad",
        inputs=("name", "x"),
        outputs=("grad",),
        cases=activation_cases,
        section="6. Between the layers",
    ),
    Classifiers(
        id="classifiers.init_weights",
        inputs=("n_in", "n_out", "scheme", "rng"),
        outputs=("w", "second", "again"),
        cases=init_weights_cases,
        run=run_init_weights,
        measure=measure_init_weights,
        section="7. Where to begin",
    ),
    Classifiers(
        id="classifiers.dead_relu_fraction",
        inputs=("h",),
        outputs=("fraction",),
        cases=dead_relu_fraction_cases,
        section="8. Units that die",
    ),
]
