"""The exercises of 07_autoencoder_rbm: how each is called, and on which cases."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from scipy.special import expit

from pytools.exercise import Case, Exercise, Unusable, flatten

Unsupervised = partial(Exercise, answers="pytools.exercises.answers.unsupervised")


# --- autoencoder_loss ------------------------------------------------------------------------


def autoencoder_loss_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, h: int) -> tuple[np.ndarray, ...]:
        x, w, c = rng.standard_normal((n, d)), rng.standard_normal((d, h)), rng.standard_normal(d)
        return x, w, rng.standard_normal(h), c

    huge = draw(4, 3, 6)
    huge[2][:] = rng.permutation([-1e4, -800.0, -50.0, 50.0, 800.0, 1e4]) * rng.uniform(0.9, 1, 6)
    single = tuple(a.astype(np.float32) for a in draw(6, 5, 3))
    return [
        Case(draw(2, 3, 2)),
        Case(draw(6, 5, 3)),
        Case(draw(4, 4, 4), note="all sizes equal"),
        Case(draw(9, 3, 7), note="more codes than inputs"),
        Case(draw(1, 4, 3), "edge", "a batch of one"),
        Case(draw(5, 4, 1), "edge", "one code"),
        Case(draw(5, 1, 3), "edge", "one input"),
        Case(huge, "numerical", "hidden biases up to 10000"),
        Case(single, "numerical", "float32"),
    ]


# --- free energies and reconstructions -------------------------------------------------------


def _binary(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Rows of 0 and 1, none of them all 0; a few of them all differ."""
    while True:
        v = rng.integers(0, 2, (n, d)).astype(float)
        v[np.arange(n), rng.integers(0, d, n)] = 1
        if n > d or len(np.unique(v, axis=0)) == n:
            return v


def _machine(rng: np.random.Generator, n: int, d: int, h: int) -> tuple[np.ndarray, ...]:
    """v of 0 and 1, w, b, c; no bias is small."""
    b, c = (rng.choice([-1, 1], size) * rng.uniform(0.5, 2, size) for size in (h, d))
    return _binary(rng, n, d), rng.standard_normal((d, h)), b, c


def rbm_cases(rng: np.random.Generator) -> list[Case]:
    """For rbm_free_energy and reconstruct: the same arguments."""
    draw = partial(_machine, rng)
    _, *grey = draw(5, 4, 3)
    blank = draw(3, 4, 2)
    blank[0][1] = 0
    large, small, levels = draw(4, 3, 5), draw(4, 3, 5), draw(4, 3, 6)
    large[2][:] += 1e4
    small[2][:] -= 1e4
    levels[2][:] = rng.permutation([-1e4, -800.0, -40.0, 40.0, 800.0, 1e4]) * rng.uniform(0.9, 1, 6)
    levels[3][:] = rng.permutation([-1e4, 1e4, 700.0]) * rng.uniform(0.9, 1, 3)
    single = tuple(a.astype(np.float32) for a in draw(6, 5, 3))
    return [
        Case(draw(2, 3, 2)),
        Case(draw(6, 5, 3)),
        Case(draw(4, 4, 4), note="all sizes equal"),
        Case((rng.random((5, 4)), *grey), note="grey pixels"),
        Case(draw(1, 4, 3), "edge", "one picture"),
        Case(draw(4, 5, 1), "edge", "one hidden unit"),
        Case(draw(4, 1, 3), "edge", "one visible unit"),
        Case(blank, "edge", "a picture without ink"),
        Case(large, "numerical", "hidden units driven by 10000"),
        Case(small, "numerical", "hidden units driven by -10000"),
        Case(levels, "numerical", "biases from -10000 to 10000"),
        Case(single, "numerical", "float32"),
    ]


def class_free_energy_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, h: int, classes: int, label: int | None = None) -> tuple:
        v, w, b, c = _machine(rng, n, d, h)
        u = 2 * rng.standard_normal((classes, h))
        bias = rng.choice([-1, 1], classes) * rng.uniform(0.5, 2, classes)
        labels = rng.permutation(np.resize(np.arange(classes), n)) if label is None else label
        return v, labels, w, u, b, c, bias

    def driven(by: float) -> tuple:
        """u from -by to by, over labels and hidden units alike."""
        args = draw(6, 3, 4, 3)
        args[3][:] = by * rng.choice([-1, 1], (3, 4)) * rng.uniform(0.8, 1, (3, 4))
        return args

    single = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in draw(6, 5, 3, 4)]
    return [
        Case(draw(2, 3, 2, 3), note="a label for each picture"),
        Case(draw(2, 3, 2, 3, int(rng.integers(1, 3))), note="one label for all pictures"),
        Case(draw(7, 5, 3, 4)),
        Case(draw(7, 5, 3, 4, 3)),
        Case(draw(4, 4, 4, 4), note="all sizes equal"),
        Case(draw(1, 4, 3, 2), "edge", "one picture, its label in an array"),
        Case(draw(1, 4, 3, 2, 1), "edge", "one picture"),
        Case(draw(5, 4, 3, 3, 0), "edge", "label 0"),
        Case(draw(5, 4, 3, 1), "edge", "only one class"),
        Case(draw(5, 4, 1, 3), "edge", "one hidden unit"),
        Case(driven(1e4), "numerical", "label weights up to 10000"),
        Case(driven(800.0), "numerical", "label weights up to 800"),
        Case(tuple(single), "numerical", "float32"),
    ]


# --- cd1_gradients ---------------------------------------------------------------------------

GRADS = ("gw", "gb", "gc")
FEW = 3  # visible units: so few that all 2^D pictures can be listed
FAR = 0.4  # the wrong ways to draw v₁ have distributions that far from the right one, or farther
SLACK = 9.0  # a right one comes that far by chance, times 1/√samples, once in 1e8 checks or less
CLEAR = 40.0  # the most that a rounding error may grow when v₁ is read off the gradients
AGAIN = 30  # calls, at most, with an equal generator


def cd1_gradients_cases(rng: np.random.Generator) -> list[Case]:
    def case(args: tuple, calls: int, *rest: str) -> Case:
        return Case((*args, np.random.default_rng(rng.integers(2**32)), calls), *rest)

    def rows(n: int, args: tuple) -> tuple:
        return np.repeat(args[0], n, axis=0), *args[1:]

    telling = _telling(rng)
    equal = _telling_square(rng)
    grey = _clear(rng, 2, FEW, 2)
    return [
        case(telling, 60, "ordinary", "many calls with one picture"),
        case(rows(400, telling), 8, "ordinary", "400 equal pictures"),
        case(_clear(rng, 7, FEW, 4), 40, "ordinary", "seven pictures"),
        case(_machine(rng, 1, 20, 8), 20, "ordinary", "twenty visible units"),
        case(rows(400, equal), 8, "edge", "as many hidden as visible units"),
        case(_clear(rng, FEW, FEW, FEW), 40, "edge", "all sizes equal"),
        case((rng.random((2, FEW)), *grey[1:]), 40, "edge", "grey pixels"),
        case(_clear(rng, 5, 2, 1), 40, "edge", "one hidden unit"),
        case(_clear(rng, 5, 1, 3), 40, "edge", "one visible unit"),
        case(_decided(rng, 4, 3), 4, "numerical", "units driven by up to 10000"),
    ]


def run_cd1_gradients(
    attempt: Callable,
    v: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    rng: np.random.Generator,
    calls: int,
) -> list[np.ndarray]:
    """gw, gb and gc of many calls with one generator, stacked; and of some with an equal one."""
    given, twin = copy.deepcopy((v, w, b, c)), copy.deepcopy(rng)

    def call(args: Sequence[np.ndarray], generator: np.random.Generator) -> list[np.ndarray]:
        grads = flatten(attempt(*args, generator), GRADS)
        for (name, grad), like in zip(grads.items(), args[1:], strict=True):
            if grad.shape != like.shape:
                raise Unusable("shape", f"{name} has shape {grad.shape}, not {like.shape}.")
        return list(grads.values())

    def calls_with(generator: np.random.Generator, count: int) -> list[np.ndarray]:
        results = [call([a.copy() for a in given], generator) for _ in range(count)]
        return [np.stack(grads) for grads in zip(*results, strict=True)]

    first = [grad[None] for grad in call((v, w, b, c), rng)]  # whether it changes them is seen
    rest, again = calls_with(rng, calls - 1), calls_with(twin, min(calls, AGAIN))
    return [*map(np.concatenate, zip(first, rest, strict=True)), *again]


def measure_cd1_gradients(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the gradients say about the v₁ that were drawn, as amounts that are 0 where all is well.

    With v known, gc gives the v₁ of a single picture, and that v₁ the two others. Of several
    pictures at once, the three together give how often each of the 2^D possible v₁ was drawn.
    """
    v, w, b, c = (np.asarray(a, np.float64) for a in case.args[:4])
    grads = [arrays[name].astype(np.float64) for name in GRADS]
    again = [arrays[f"{name} again"].astype(np.float64) for name in GRADS]
    if [g[0].shape for g in grads] != [a.shape for a in (w, b, c)]:
        raise ValueError("shapes that do not belong together")
    single = any(a.dtype == np.float32 for a in arrays.values())
    look = _one_picture if len(v) == 1 else _several_pictures
    seen, shares = look(v, w, b, c, grads, 1e-3 if single else 1e-5)
    pairs = zip(grads, again, strict=True)
    steady = [np.allclose(g[: len(a)], a, 1e-6, 1e-9) for g, a in pairs]
    seen["equal generators give equal results"] = all(steady)
    if shares is not None:
        due, samples = one_step(v, w, b, c).mean(axis=0), len(v) * len(grads[0])
        far = _amount(shares - due, SLACK / np.sqrt(samples), 1)
        seen["how far the v1 are from the right distribution"] = far
        if due.max() ** samples < 1e-9:
            seen["every call gives the same"] = all(np.all(g == g[0]) for g in grads)
    return {name: np.array(value) for name, value in seen.items()}


def _one_picture(v, w, b, c, grads, near) -> tuple[dict[str, Any], np.ndarray | None]:
    """The v₁ of each call is v + gc; and how often each came, where there are few."""
    gw, gb, gc = grads
    v1 = v + gc
    fair = np.clip(np.round(v1), 0, 1)
    off = np.abs(v1 - fair) > near
    v1 = np.where(off, v1, fair)
    first, last = expit(v @ w + b), expit(v1 @ w + b)
    due_w = v1[:, :, None] * last[:, None] - v[:, :, None] * first[:, None]
    seen = {
        "share of entries of v + gc that are neither 0 nor 1": round(float(off.mean()), 2),
        "error of gb for v1 = v + gc": _amount(gb - (last - first), near),
        "error of gw for v1 = v + gc": _amount(gw - due_w, near),
    }
    if v.shape[1] > FEW:
        return seen, None
    pictures = _states(v.shape[1])
    return seen, np.mean(np.all(fair[:, None] == pictures, axis=2), axis=0)


def _several_pictures(v, w, b, c, grads, near) -> tuple[dict[str, Any], np.ndarray]:
    """How often each possible v₁ came: the counts that explain gw, gb and gc together."""
    n, calls = len(v), len(grads[0])
    first = expit(v @ w + b)
    sums = [v.T @ first, first.sum(axis=0), v.sum(axis=0)]
    sums = [due + n * grad for due, grad in zip(sums, grads, strict=True)]
    sums = np.concatenate([np.full((calls, 1), n), *(s.reshape(calls, -1) for s in sums)], axis=1)
    table = _statistics(w, b)
    counts = np.linalg.lstsq(table, sums.T, rcond=None)[0]
    misfit = table @ np.clip(np.round(counts), 0, n) - sums.T
    seen = {"what gw, gb and gc are off from any v1 of zeros and ones": _amount(misfit / n, near)}
    return seen, np.clip(counts, -n, n).mean(axis=1) / n


def _statistics(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A column for each possible v₁: what a single one adds to N, v₁ᵀ p(h | v₁), p(h | v₁), v₁."""
    pictures = _states(len(w))
    last = expit(pictures @ w + b)
    pairs = (pictures[:, :, None] * last[:, None]).reshape(len(pictures), -1)
    return np.concatenate([np.ones((len(pictures), 1)), pairs, last, pictures], axis=1).T


def _amount(error: np.ndarray, slack: float, order: float = np.inf) -> float:
    """The size of an error, rounded; 0 up to the slack, and never 0 beyond it."""
    size = float(np.linalg.norm(np.ravel(error), order))
    return 0.0 if size <= slack else max(round(size, 2), 0.01)


@cache
def _states(n: int) -> np.ndarray:
    """All (2^n, n) rows of 0 and 1."""
    return np.array(list(product([0.0, 1.0], repeat=n)))


def one_step(v: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The distribution (N, 2^D) of v₁ over all pictures after one step from each row of v."""
    hidden = _states(len(b))
    given_h = _chance(expit(hidden @ w.T + c), _states(len(c)))
    return _chance(expit(v @ w + b), hidden) @ given_h


def _chance(p: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Of each state, where independent units are on with probabilities p (..., n)."""
    return np.prod(np.where(states == 1, p[..., None, :], 1 - p[..., None, :]), axis=-1)


def _telling(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """One picture and a machine in which all wrong ways to draw v₁ are far from the right one."""
    while True:
        v = _binary(rng, 1, FEW)
        w = rng.choice([-1, 1], (FEW, 2)) * rng.uniform(4, 8, (FEW, 2))
        b = rng.choice([-1, 1], 2) * rng.uniform(0.8, 1.5, 2) - v[0] @ w  # σ of it: 0.18 to 0.82
        c = 0.7 * rng.standard_normal(FEW) - w.sum(axis=1) / 2
        wrong = _wrong_ways(v, w, b, c) - one_step(v, w, b, c)
        if np.abs(wrong).sum(axis=1).min() > FAR and _is_clear(w, b):
            return v, w, b, c


def _telling_square(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """As many hidden as visible units, where it shows that both use the same random numbers."""
    while True:
        v, w = _binary(rng, 1, FEW), 0.5 * rng.standard_normal((FEW, FEW))
        w[np.diag_indices(FEW)] = -rng.uniform(3, 6, FEW)  # a unit that is on turns its pixel off
        b, c = 0.3 * rng.standard_normal(FEW) - v[0] @ w, 0.5 * rng.standard_normal(FEW)
        hidden, p = _states(FEW), expit(v @ w + b)
        q = expit(hidden @ w.T + c)
        both = np.where(hidden == 1, np.minimum(p, q) / p, np.maximum(q - p, 0) / (1 - p))
        wrong = _chance(p, hidden) @ _chance(both, hidden)
        if np.abs(wrong - one_step(v, w, b, c)).sum() > FAR and _is_clear(w, b):
            return v, w, b, c


def _wrong_ways(v: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Distributions of v₁ drawn wrongly from one picture v (1, D): a row each."""
    pictures, hidden = _states(len(c)), _states(len(b))
    p = expit(v @ w + b)
    step = one_step(pictures, w, b, c)
    given_h = _chance(expit(hidden @ w.T + c), pictures)
    wrong = [
        _chance(np.full_like(p, 0.5), hidden) @ given_h,  # h drawn like a coin
        _chance(expit(p @ w.T + c), pictures),  # h not sampled
        _chance(expit((p > 0.5) @ w.T + c), pictures),  # h rounded
        _chance(p, hidden) @ _chance(1.0 * (hidden @ w.T + c > 0), pictures),  # v₁ rounded
        one_step(v, w, b, 0 * c),  # a bias left out
        one_step(v, w, 0 * b, c),
        one_step(v, w, b, c) @ step,  # two steps
        one_step(v, w, b, c) @ np.linalg.matrix_power(step, 30),  # many steps
        step.mean(axis=0, keepdims=True),  # begun anywhere
    ]
    return np.concatenate(wrong)


def _clear(rng: np.random.Generator, n: int, d: int, h: int) -> tuple[np.ndarray, ...]:
    """n pictures and a machine whose gradients tell v₁ well."""
    while True:
        v, w, b, c = _machine(rng, n, d, h)
        if _is_clear(2 * w, b):
            return v, 2 * w, b, c


def _is_clear(w: np.ndarray, b: np.ndarray) -> bool:
    return np.linalg.svd(_statistics(w, b), compute_uv=False).min() > 1 / CLEAR


def _decided(rng: np.random.Generator, d: int, h: int) -> tuple[np.ndarray, ...]:
    """A picture and a machine so strong that nothing is left to chance, and v₁ is not v."""
    pictures, hidden = _states(d), _states(h)
    while True:
        v, w, b, c = _machine(rng, 1, d, h)
        w, b, c = 2000 * np.sign(w) * rng.uniform(0.5, 1, w.shape), 500 * b, 500 * c
        v1 = 1.0 * ((v @ w + b > 0) @ w.T + c > 0)
        up = min(np.max(x @ w + b) for x in (v, v1))
        least = min(np.min(np.abs(z)) for z in (pictures @ w + b, hidden @ w.T + c))
        if least > 50 and up > 800 and not np.array_equal(v, v1):
            return v, w, b, c


EXERCISES = [
    Unsupervised(
        id="unsupervised.autoencoder_loss",
        inputs=("x", "w", "b", "c"),
        outputs=("loss", "grad_w", "grad_b", "grad_c"),
        cases=autoencoder_loss_cases,
        section="1. Through a narrow door",
    ),
    Unsupervised(
        id="unsupervised.rbm_free_energy",
        inputs=("v", "w", "b", "c"),
        outputs=("energy",),
        cases=rbm_cases,
        section="5. Every picture has an energy",
    ),
    Unsupervised(
        id="unsupervised.reconstruct",
        inputs=("v", "w", "b", "c"),
        outputs=("p",),
        cases=rbm_cases,
        section="6. There and back",
    ),
    Unsupervised(
        id="unsupervised.cd1_gradients",
        inputs=("v", "w", "b", "c", "rng", "calls"),
        outputs=(*GRADS, *(f"{name} again" for name in GRADS)),
        cases=cd1_gradients_cases,
        run=run_cd1_gradients,
        measure=measure_cd1_gradients,
        section="7. One step of a dream",
    ),
    Unsupervised(
        id="unsupervised.class_free_energy",
        inputs=("v", "label", "w", "u", "b", "c", "d"),
        outputs=("energy",),
        cases=class_free_energy_cases,
        section="9. With a label",
    ),
]
