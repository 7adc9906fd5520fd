"""How far back a recurrent net's gradient reaches, and which gates let it through.

Sources: Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen; Bengio, Simard &
Frasconi (1994), Learning long-term dependencies with gradient descent is difficult; Graves (2012),
Supervised sequence labelling with recurrent neural networks (figures 4.1 and 4.4).
"""

import numpy as np

from pytools.scratch.lstm import Params, lstm_step, lstm_step_backward
from pytools.scratch.rnn import rnn_step, rnn_step_backward

UNITS = 16


def gradient_norms(steps: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    """How much of a gradient reaches which step: ‖∂ sum(h_T) / ∂h_t‖, (steps,), the last one last.

    One cell of 16 units reads random input, N(0, 1). kind: 'rnn', weights N(0, 0.5 / √16) and no
    bias, or 'lstm', forget bias 3 and all else N(0, 0.1). The last entry is ‖∂ sum(h_T) / ∂h_T‖ =
    √16 = 4. Raises ValueError for another kind or fewer steps than 1.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, but is {steps}")
    if kind not in ("rnn", "lstm"):
        raise ValueError(f"kind must be 'rnn' or 'lstm', but is {kind!r}")
    if kind == "rnn":
        wx, wh = 0.5 / np.sqrt(UNITS) * rng.standard_normal((2, UNITS, UNITS))
        params = {"wx": wx, "wh": wh, "b": np.zeros(UNITS)}
        return rnn_reach(rng.standard_normal((steps, 1, UNITS)), params)
    shapes = {"wx": (UNITS, 4 * UNITS), "wh": (UNITS, 4 * UNITS), "b": 4 * UNITS}
    shapes["peep"] = (3, UNITS)
    params = {name: 0.1 * rng.standard_normal(shape) for name, shape in shapes.items()}
    params["b"][UNITS : 2 * UNITS] = 3.0
    return lstm_reach(rng.standard_normal((steps, 1, UNITS)), params)[0]


def rnn_reach(xs: np.ndarray, params: Params) -> np.ndarray:
    """‖∂ sum(h_T) / ∂h_t‖ for each step t of an RNN that reads xs (T, N, D) from h = 0: (T,)."""
    h, caches = np.zeros((xs.shape[1], len(params["wh"]))), []
    for x in xs:
        h, cache = rnn_step(x, h, params["wx"], params["wh"], params["b"])
        caches.append(cache)
    grad, norms = np.ones_like(h), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(grad))
        _, grad, *_ = rnn_step_backward(grad, cache)
    return np.array(norms[::-1])


def lstm_reach(xs: np.ndarray, params: Params) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The same for an LSTM with peepholes, and what it did on the way.

    xs (T, N, D), read from h = c = 0. Returns the norms (T,), and a dict of arrays (T, N, H): the
    gates i, f and o, each from 0, shut, to 1, open, and the cell c after each step.
    """
    h = c = np.zeros((xs.shape[1], len(params["wh"])))
    caches, seen = [], {name: [] for name in "ifoc"}
    for x in xs:
        h, c, cache = lstm_step(x, h, c, params)
        caches.append(cache)
        _, _, _, _, i, f, _, o, _, _ = cache
        for name, value in zip("ifoc", (i, f, o, c), strict=True):
            seen[name].append(value)
    grad_h, grad_c, norms = np.ones_like(h), np.zeros_like(c), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(grad_h))
        _, grad_h, grad_c, _ = lstm_step_backward(grad_h, grad_c, cache)
    return np.array(norms[::-1]), {name: np.array(values) for name, values in seen.items()}
