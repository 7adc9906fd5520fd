"""Losses of two weights, to be drawn as maps: a ravine, Rosenbrock's valley, a slice of a net."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from pytools.data import digits
from pytools.scratch import Tensor, adam, cross_entropy, minimize

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
GRID = 41  # points along each side of a map


@dataclass(frozen=True, eq=False)
class Landscape:
    """A loss of two weights, where the race starts, and the part of the plane that is drawn.

    feval(w) takes w (2,) and returns the loss and its gradient (2,). rates: a learning rate that
    suits each optimiser here, found by trying 1, 2, 5, 10, … floor: the lowest loss to be drawn.
    """

    name: str
    feval: Callable[[np.ndarray], tuple[float, np.ndarray]]
    start: tuple[float, float]
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    axes: tuple[str, str]
    floor: float
    rates: dict[str, float]


@cache
def heights(landscape: Landscape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (GRID,), y (GRID,) and the loss (GRID, GRID) at each pair, a row for each y."""
    x, y = np.linspace(*landscape.xlim, GRID), np.linspace(*landscape.ylim, GRID)
    loss = [[landscape.feval(np.array([a, b]))[0] for a in x] for b in y]
    return x, y, np.array(loss)


def rates(*values: float) -> dict[str, float]:
    return dict(zip(OPTIMIZERS, values, strict=True))


@cache
def ravine(turned: bool = False) -> Landscape:
    """loss = (a² + 50 b²) / 2: fifty times as steep across as along; turned by 45° if asked.

    a and b are the weights themselves, or, turned, (x + y) / √2 and (y - x) / √2.
    """
    axes = np.array([[1, 1], [-1, 1]]) / np.sqrt(2) if turned else np.eye(2)
    bowl = axes.T @ np.diag([1.0, 50.0]) @ axes

    def feval(w: np.ndarray) -> tuple[float, np.ndarray]:
        return float(w @ bowl @ w) / 2, bowl @ w

    x, y = (float(value) for value in np.array([-9.0, 1.5]) @ axes)
    return Landscape(
        name="ravine, turned" if turned else "ravine",
        feval=feval,
        start=(x, y),
        xlim=(-9, 4) if turned else (-10, 3),
        ylim=(-8, 4) if turned else (-2.5, 2.5),
        axes=("weight x", "weight y"),
        floor=1e-6,
        rates=rates(0.02, 0.01, 0.01, 2.0, 0.2, 0.5),
    )


@cache
def rosenbrock() -> Landscape:
    """loss = (1 - x)² + 100 (y - x²)²: a bent valley, lowest at (1, 1) (Rosenbrock, 1960)."""

    def feval(w: np.ndarray) -> tuple[float, np.ndarray]:
        x, y = w
        bend = y - x**2
        grad = np.array([-2 * (1 - x) - 400 * x * bend, 200 * bend])
        return float((1 - x) ** 2 + 100 * bend**2), grad

    return Landscape(
        name="Rosenbrock",
        feval=feval,
        start=(-1.2, 1.0),
        xlim=(-1.8, 1.8),
        ylim=(-0.8, 2.2),
        axes=("weight x", "weight y"),
        floor=1e-2,
        rates=rates(0.002, 0.001, 0.001, 0.5, 0.05, 0.2),
    )


@cache
def digits_slice() -> Landscape:
    """The loss of a net of two layers on 200 digits, in a plane through three sets of weights.

    (0, 0) is a net as it was drawn, (1, 0) the same net trained, (0, 1) another net, trained from
    another start: each valley reads the digits. The race starts at (1, 1), on the ridge between
    them, where both have been added up. Such slices were drawn by Goodfellow, Vinyals &
    Saxe (2015) and Garipov et al. (2018).
    """
    images, labels = digits("train")
    x, labels = images[:200].reshape(200, 64).astype(np.float64), labels[:200]
    shapes = [(64, 16), (16,), (16, 10), (10,)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])

    def net(w: np.ndarray) -> tuple[float, np.ndarray]:
        pieces = zip(np.split(w, ends[:-1]), shapes, strict=True)
        layers = [Tensor(piece.reshape(shape)) for piece, shape in pieces]
        w1, b1, w2, b2 = layers
        loss = cross_entropy((Tensor(x) @ w1 + b1).relu() @ w2 + b2, labels)
        loss.backward()
        return float(loss.data), np.concatenate([layer.grad.ravel() for layer in layers])

    rng = np.random.default_rng(0)
    scales = np.repeat([np.sqrt(2 / 64), 0, np.sqrt(2 / 16), 0], np.diff(ends, prepend=0))
    first, second = scales * rng.standard_normal((2, ends[-1]))
    trained = [minimize(net, w, partial(adam, lr=0.02), 80)[0] for w in (first, second)]
    plane = np.array(trained) - first

    def feval(w: np.ndarray) -> tuple[float, np.ndarray]:
        loss, grad = net(first + w @ plane)
        return loss, plane @ grad

    return Landscape(
        name="digits",
        feval=feval,
        start=(1.0, 1.0),
        xlim=(-0.4, 1.6),
        ylim=(-0.4, 1.6),
        axes=("towards the net, trained", "towards another net, trained"),
        floor=1e-3,
        rates=rates(0.05, 0.01, 0.01, 0.2, 0.02, 0.05),
    )


LANDSCAPES = {
    "ravine": ravine,
    "ravine, turned": partial(ravine, turned=True),
    "Rosenbrock": rosenbrock,
    "digits": digits_slice,
}
