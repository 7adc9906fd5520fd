"""The exercises of 03_optimizers: how each is called, and on which cases.

An optimiser is judged by its path: it takes several steps, with gradients that are drawn before,
and hands its state from one to the next. Nothing is asked about the state itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain

Optimizers = partial(Exercise, answers="pytools.exercises.answers.optimizers")


# --- one optimiser, several steps ------------------------------------------------------------


def run_steps(attempt: Callable, w: Any, grads: Any, lr: float, hyper: dict) -> np.ndarray:
    """The path: row t is w after step t + 1. A list of weights is stepped in turn, as layers."""
    if isinstance(w, list):
        walks = [walk(attempt, *layer, lr, hyper) for layer in zip(w, grads, strict=True)]
        return np.array(list(zip(*walks, strict=True)))
    return np.array(list(walk(attempt, w, grads, lr, hyper)))


def walk(
    attempt: Callable, w: np.ndarray, grads: np.ndarray, lr: float, hyper: dict
) -> Iterator[np.ndarray]:
    """w after each step. What is done to an array of a call, also at a later one, is done to w
    or grads as well: a state may share memory with them, but they stay the caller's.
    """
    state, now, calls = {}, w, []
    for grad in grads:
        given = now.astype(w.dtype)
        calls.append([given, given.copy(), slope := grad.copy()])
        after, state = pair(attempt(given, slope, state, lr, **hyper))
        after = plain(after, "w")
        if after.shape != w.shape:
            raise Unusable("shape", f"w has shape {after.shape} after a step, not {w.shape}.")
        now = after
        yield now
    for grad, (given, before, slope) in zip(grads, calls, strict=True):
        w += np.nan_to_num(given - before)
        grad[...] = slope


def pair(result: Any) -> tuple[Any, Any]:
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        got = len(result) if isinstance(result, (tuple, list)) else f"one {type(result).__name__}"
        raise Unusable("count", f"It returned {got}, not 2 results, w and state.")
    return result[0], result[1]


class Steps:
    """Draws the arguments of a run: start, gradients, learning rate, hyper parameters."""

    def __init__(self, rng: np.random.Generator, lr: float) -> None:
        self.rng, self.lr = rng, lr

    def __call__(self, shape: tuple[int, ...], steps: int, scale: float = 1.0, **hyper) -> tuple:
        """No entry of a gradient is close to 0."""
        size = self.rng.uniform(0.5, 1.5, (steps, *shape))
        grads = scale * size * self.rng.choice([-1.0, 1.0], size.shape)
        return self.rng.uniform(-1, 1, shape), grads, self.lr, hyper

    def single(self, *shape: int, steps: int) -> tuple:
        w, grads, lr, hyper = self(shape, steps)
        return w.astype(np.float32), grads.astype(np.float32), lr, hyper

    def without(self, rows: slice, shape: tuple[int, ...], steps: int) -> tuple:
        """The gradient is 0 in these rows, and in the first entry all along."""
        w, grads, lr, hyper = self(shape, steps)
        grads[rows] = 0.0
        grads[..., 0] = 0.0
        return w, grads, lr, hyper

    def layers(self, shape: tuple[int, ...], steps: int) -> tuple:
        (w, grads, lr, hyper), (w2, grads2, *_) = self(shape, steps), self(shape, steps)
        return [w, w2], [grads, grads2], lr, hyper


SHOWN = "three steps; path holds w after each"
IN_TURN = "two layers in turn, each with a state of its own"


def sgd_cases(rng: np.random.Generator) -> list[Case]:
    draw = Steps(rng, 0.1)
    return [
        Case(draw((2,), 3), note=SHOWN),
        Case(draw((5,), 4)),
        Case((*draw((4,), 2)[:2], 0.5, {}), note="a large learning rate"),
        Case(draw((3, 4), 2), "edge", "a matrix of weights"),
        Case(draw((2, 3, 2, 2), 2), "edge", "four dimensions"),
        Case(draw((1,), 3), "edge", "one weight"),
        Case(draw.without(slice(0, 1), (4,), 3), "edge", "gradients that are 0"),
        Case(draw((4,), 3, scale=1e4), "numerical", "large gradients"),
        Case(draw.single(3, 2, steps=3), "numerical", "float32 weights"),
    ]


def velocity_cases(rng: np.random.Generator) -> list[Case]:
    draw = Steps(rng, 0.1)
    return [
        Case(draw((2,), 3), note=SHOWN),
        Case(draw((5,), 8)),
        Case(draw((3,), 5, mu=0.5), note="another mu"),
        Case(draw((3, 4), 4), "edge", "a matrix of weights"),
        Case(draw((2, 3, 2, 2), 3, mu=0.8), "edge", "four dimensions"),
        Case(draw((1,), 4), "edge", "one weight"),
        Case(draw((3,), 3, mu=0.0), "edge", "mu = 0"),
        Case(draw.without(slice(1, None), (3,), 5), "edge", "gradients that become 0"),
        Case(draw.without(slice(0, 1), (3,), 4), "edge", "a first gradient that is 0"),
        Case(draw.layers((3,), 4), "edge", IN_TURN),
        Case(draw((4,), 50), "numerical", "fifty steps"),
        Case(draw.single(3, 2, steps=6), "numerical", "float32 weights"),
    ]


def adagrad_cases(rng: np.random.Generator) -> list[Case]:
    draw = Steps(rng, 0.1)
    return [
        Case(draw((2,), 3), note=SHOWN),
        Case(draw((5,), 8)),
        Case(draw((3, 4), 4, scale=3.0), note="a matrix of weights"),
        Case(draw((3,), 5, eps=0.5), "edge", "a large eps"),
        Case(draw((2, 3, 2, 2), 3), "edge", "four dimensions"),
        Case(draw((1,), 4), "edge", "one weight"),
        Case(draw.without(slice(0, 2), (3,), 4), "edge", "first gradients that are 0"),
        Case(draw.without(slice(1, None), (3,), 4), "edge", "gradients that become 0"),
        Case(draw.layers((3,), 4), "edge", IN_TURN),
        Case(draw((4,), 50), "numerical", "fifty steps"),
        Case(draw((3,), 4, scale=1e-9), "numerical", "gradients near 1e-9"),
        Case(draw.single(3, 2, steps=6), "numerical", "float32 weights"),
    ]


def adam_cases(rng: np.random.Generator) -> list[Case]:
    draw = Steps(rng, 0.1)
    return [
        Case(draw((2,), 3), note=SHOWN),
        Case(draw((5,), 8)),
        Case(draw((3,), 5, beta1=0.5, beta2=0.8), note="other betas"),
        Case(draw((3,), 5, eps=0.5), "edge", "a large eps"),
        Case(draw((3, 4), 4), "edge", "a matrix of weights"),
        Case(draw((2, 3, 2, 2), 3, beta1=0.7), "edge", "four dimensions"),
        Case(draw((1,), 4), "edge", "one weight"),
        Case(draw((3,), 4, beta1=0.0), "edge", "beta1 = 0"),
        Case(draw.without(slice(0, 2), (3,), 4), "edge", "first gradients that are 0"),
        Case(draw.without(slice(1, None), (3,), 5), "edge", "gradients that become 0"),
        Case(draw.layers((3,), 4), "edge", IN_TURN),
        Case(draw((4,), 50), "numerical", "fifty steps"),
        Case(draw((3,), 4, scale=1e-7), "numerical", "gradients near 1e-7"),
        Case(draw.single(3, 2, steps=6), "numerical", "float32 weights"),
    ]


# --- lbfgs_direction -------------------------------------------------------------------------


def lbfgs_direction_cases(rng: np.random.Generator) -> list[Case]:
    def draw(size: int, pairs: int, spread: float = 1.0) -> tuple:
        """Steps s and gradient changes y = A s; A, positive definite, differs from pair to pair."""
        s_list, y_list = [], []
        for _ in range(pairs):
            axes, _ = np.linalg.qr(rng.standard_normal((size, size)))
            curvatures = np.exp(spread * rng.uniform(-1, 1, size))
            s = rng.standard_normal(size) + np.sign(rng.standard_normal(size))
            s_list.append(s)
            y_list.append(axes * curvatures @ axes.T @ s)
        return rng.standard_normal(size), s_list, y_list

    _, s_list, y_list = draw(4, 2)
    return [
        Case(draw(2, 2)),
        Case(draw(6, 4)),
        Case(draw(4, 1), note="one pair"),
        Case((rng.standard_normal(3), [], []), "edge", "no pairs yet"),
        Case(draw(2, 5), "edge", "more pairs than weights"),
        Case(draw(1, 1), "edge", "one weight"),
        Case((np.zeros(4), s_list, y_list), "edge", "a gradient of zeros"),
        Case(draw(8, 5, 4.0), "numerical", "curvatures from 0.02 to 50"),
        Case(draw(30, 10), "numerical", "thirty weights"),
    ]


# --- minimize --------------------------------------------------------------------------------


def _bowl(curvature: np.ndarray, centre: np.ndarray) -> Callable:
    def feval(w: np.ndarray) -> tuple[float, np.ndarray]:
        """w -> loss sum(k * (w - c)**2) / 2, gradient k * (w - c), with fixed k and c"""
        return float(np.sum(curvature * (w - centre) ** 2) / 2), curvature * (w - centre)

    return feval


def _plain(lr: float) -> Callable:
    def step(w: np.ndarray, grad: np.ndarray, state: dict) -> tuple:
        """plain descent, lr fixed; hands the state back as it came"""
        return w - lr * grad, state

    return step


def _ball(lr: float) -> Callable:
    def step(w: np.ndarray, grad: np.ndarray, state: dict) -> tuple:
        """momentum, lr fixed; changes the state that it is given"""
        state["v"] = 0.9 * state.get("v", 0) + grad
        return w - lr * state["v"], state

    return step


def _fresh_ball(lr: float) -> Callable:
    def step(w: np.ndarray, grad: np.ndarray, state: dict) -> tuple:
        """momentum, lr fixed; hands back a new state each time"""
        v = 0.9 * state.get("v", 0) + grad
        return w - lr * v, {"v": v}

    return step


def _tuple_ball(lr: float) -> Callable:
    def step(w: np.ndarray, grad: np.ndarray, state: Any) -> tuple:
        """momentum, lr fixed; its state is a tuple after the first step"""
        v = 0.9 * state[0] + grad if state else grad
        return w - lr * v, (v,)

    return step


def minimize_cases(rng: np.random.Generator) -> list[Case]:
    def bowl(*shape: int) -> tuple[Callable, np.ndarray, np.ndarray]:
        """A closure, where to start, and where the loss is least."""
        centre = rng.uniform(-1, 1, shape)
        start = centre + rng.uniform(1, 2, shape) * rng.choice([-1, 1], shape)
        return _bowl(rng.uniform(0.5, 2, shape), centre), start, centre

    def on(make: Callable, lr: float, steps: int, *shape: int) -> tuple:
        feval, start, _ = bowl(*shape)
        return feval, start, make(lr), steps

    feval, _, lowest = bowl(3)
    single_feval, single, step, _ = on(_ball, 0.1, 5, 4)
    return [
        Case(on(_plain, 0.1, 4, 2)),
        Case(on(_ball, 0.1, 8, 3)),
        Case(on(_fresh_ball, 0.05, 6, 3)),
        Case(on(_plain, 5.0, 4, 3), note="a step so long that the loss grows"),
        Case(on(_ball, 0.1, 5, 2, 3), "edge", "a matrix of weights"),
        Case(on(_plain, 0.1, 1, 3), "edge", "one step"),
        Case(on(_plain, 0.1, 0, 3), "edge", "no step"),
        Case((feval, lowest, _ball(0.1), 4), "edge", "a start at the lowest point"),
        Case(on(_tuple_ball, 0.1, 5, 3), "edge", "a state that becomes a tuple"),
        Case(on(_ball, 0.1, 60, 3), "numerical", "sixty steps"),
        Case((single_feval, single.astype(np.float32), step, 5), "numerical", "float32 weights"),
    ]


# --- layer_learning_rates --------------------------------------------------------------------


def layer_learning_rates_cases(rng: np.random.Generator) -> list[Case]:
    def base() -> float:
        return round(float(rng.uniform(0.01, 0.2)), 3)

    def times() -> float:
        return float(rng.choice([0.1, 0.2, 0.5, 2.0, 5.0, 10.0]))

    lenet = ["conv1", "conv2", "fc1", "fc2"]
    alike = ["conv1", "conv10", "Conv1", "conv1.bias", "my_conv1", "conv"]
    return [
        Case((["conv1", "conv2", "fc"], base(), {"fc": times()})),
        Case((lenet, base(), {"conv1": times(), "fc2": times()})),
        Case((lenet, base(), {name: times() for name in lenet}), note="every layer listed"),
        Case((lenet, base(), {}), "edge", "no multipliers"),
        Case((lenet, base(), {"conv1": 0.0, "fc1": times()}), "edge", "a frozen layer"),
        Case((alike, base(), {"conv1": times()}), "edge", "names that are alike"),
        Case((["fc1"], base(), {"fc1": times()}), "edge", "one layer"),
        Case((lenet, base(), {"fc": times(), "fc1": times()}), "edge", "a layer that is not there"),
    ]


def run_layer_learning_rates(
    attempt: Callable, names: Sequence[str], base_lr: float, multipliers: Mapping[str, float]
) -> tuple[list, int] | None:
    """The rates in the order of names, NaN where there is none; how many other names came back."""
    rates = attempt(names, base_lr, multipliers)
    if rates is None:
        return None
    if not isinstance(rates, Mapping):
        got = type(rates).__name__
        raise Unusable("count", f"It returned one {got}, not a dict from names to rates.")
    return [rates.get(name, np.nan) for name in names], len(set(rates) - set(names))


def measure_layer_learning_rates(
    case: Case, arrays: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The same, said of each layer by its name."""
    names = case.args[0]
    rates = dict(zip(names, arrays["rates"].astype(np.float64), strict=True))
    seen = {f"layer {name!r} has a rate": ~np.isnan(rate) for name, rate in rates.items()}
    seen["names that are no layer of the net"] = arrays["extra_names"]
    seen |= {f"the rate of layer {name!r}": rate for name, rate in rates.items()}
    return {name: np.asarray(value) for name, value in seen.items()}


by_steps = partial(
    Optimizers, inputs=("w", "grads", "lr", "hyper"), outputs=("path",), run=run_steps
)

EXERCISES = [
    by_steps(
        id="optimizers.sgd",
        cases=sgd_cases,
        section="1. What an optimiser sees",
    ),
    Optimizers(
        id="optimizers.minimize",
        inputs=("feval", "w", "step", "num_steps"),
        outputs=("w", "losses"),
        cases=minimize_cases,
        section="1. What an optimiser sees",
    ),
    by_steps(
        id="optimizers.momentum",
        cases=velocity_cases,
        section="3. A memory of direction",
    ),
    by_steps(
        id="optimizers.nesterov",
        cases=velocity_cases,
        section="3. A memory of direction",
    ),
    by_steps(
        id="optimizers.adagrad",
        cases=adagrad_cases,
        section="4. A rate for every weight",
    ),
    by_steps(
        id="optimizers.adam",
        cases=adam_cases,
        section="4. A rate for every weight",
    ),
    Optimizers(
        id="optimizers.lbfgs_direction",
        inputs=("grad", "s_list", "y_list"),
        outputs=("direction",),
        cases=lbfgs_direction_cases,
        section="5. A memory of curvature",
    ),
    Optimizers(
        id="optimizers.layer_learning_rates",
        inputs=("names", "base_lr", "multipliers"),
        outputs=("rates", "extra_names"),
        cases=layer_learning_rates_cases,
        run=run_layer_learning_rates,
        measure=measure_layer_learning_rates,
        section="6. What an optimiser does not do",
    ),
]
