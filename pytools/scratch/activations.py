"""Activations with their slopes, the weights to begin with, and what becomes of the units.

Sources: LeCun, Bottou, Orr & Müller (1998), Efficient BackProp; Glorot & Bengio (2010); Nair &
Hinton (2010), ReLU; Maas, Hannun & Ng (2013), leaky ReLU; He, Zhang, Ren & Sun (2015); Clevert,
Unterthiner & Hochreiter (2016), ELU.
"""

from collections.abc import Callable

import numpy as np

from pytools.scratch.inputs import finite_batch

LEAK = 0.01  # slope of the leaky ReLU below 0


def activation(name: str, x: np.ndarray) -> np.ndarray:
    """An activation, entry by entry.

    name: 'sigmoid', 'tanh', 'relu', 'leaky_relu' (slope 0.01 below 0) or 'elu' (exp(x) - 1 below
    0). x: floats of any shape and size; NaN stays NaN. Returns x's shape and dtype. Raises
    ValueError for another name.
    """
    return _named(name, _VALUES)(np.asarray(x))


def activation_grad(name: str, x: np.ndarray) -> np.ndarray:
    """The slope of `activation(name, x)` at the input x, entry by entry; arguments as there.

    At 0, where a kink leaves the choice: relu 0, leaky_relu 0.01, elu 1.
    """
    return _named(name, _SLOPES)(np.asarray(x))


def init_weights(
    n_in: int, n_out: int, scheme: str | float, rng: np.random.Generator
) -> np.ndarray:
    """Weights to begin with: (n_in, n_out), float64, normal with mean 0.

    scheme: 'zeros'; 'xavier', standard deviation √(1 / n_in), which keeps the size of a signal
    through linear units (Glorot & Bengio, 2010, in the form that looks forward only); 'he',
    √(2 / n_in), which makes up for the half that a ReLU takes away (He et al., 2015); or a number,
    the standard deviation itself. Raises ValueError for another scheme or sizes below 1.
    """
    for name, size in [("n_in", n_in), ("n_out", n_out)]:
        if size < 1:
            raise ValueError(f"{name} must be at least 1, but is {size}")
    known = {"zeros": 0.0, "xavier": np.sqrt(1 / n_in), "he": np.sqrt(2 / n_in)}
    std = known.get(scheme) if isinstance(scheme, str) else scheme
    if std is None or not (np.isfinite(std) and std >= 0):
        raise ValueError(
            f"scheme must be 'zeros', 'xavier', 'he' or a standard deviation, but is {scheme!r}"
        )
    return std * rng.standard_normal((n_in, n_out))


def dead_relu_fraction(h: np.ndarray) -> float:
    """Share of units that are silent on the whole batch, 0 to 1.

    h (N, H): outputs of H ReLU units for N rows. A unit that is 0 for every row gets no gradient:
    its weights stay as they are. Raises ValueError for an empty or non-finite array.
    """
    return float(np.mean(np.all(finite_batch("h", h, ndim=2) <= 0, axis=0)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))  # at most 1: no overflow on either side
    return np.where(x >= 0, 1, small) / (1 + small)


def _sigmoid_slope(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return small / (1 + small) ** 2


_VALUES = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, LEAK * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
}
_SLOPES = {
    "sigmoid": _sigmoid_slope,
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "relu": lambda x: (x > 0).astype(x.dtype),
    "leaky_relu": lambda x: np.where(x > 0, 1, LEAK).astype(x.dtype),
    "elu": lambda x: np.exp(np.minimum(x, 0)),
}


def _named(name: str, table: dict[str, Callable]) -> Callable[[np.ndarray], np.ndarray]:
    if name not in table:
        raise ValueError(f"name must be one of {', '.join(map(repr, table))}, but is {name!r}")
    return table[name]
