"""The LSTM with peepholes: one step, with its way back.

    i = σ(x W_xi + h₋ W_hi + w_ci ∘ c₋ + b_i)     how much of the new is let in
    f = σ(x W_xf + h₋ W_hf + w_cf ∘ c₋ + b_f)     how much of the old is kept
    g = tanh(x W_xg + h₋ W_hg + b_g)              what is new
    c = f ∘ c₋ + i ∘ g                            the cell
    o = σ(x W_xo + h₋ W_ho + w_co ∘ c + b_o)      how much of it is shown
    h = o ∘ tanh(c)

x (N, D); h, c (N, H). The weights stand side by side in the order i, f, g, o: wx (D, 4H),
wh (H, 4H), b (4H,); the peepholes below each other in the order i, f, o: peep (3, H).

Sources: Hochreiter & Schmidhuber (1997), Long short-term memory; Gers, Schmidhuber & Cummins
(2000), the forget gate; Gers, Schraudolph & Schmidhuber (2002), peepholes.
"""

from typing import Any

import numpy as np

from pytools.scratch.rnn import check_shapes, same_shape

Params = dict[str, np.ndarray]


def lstm_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, params: Params
) -> tuple[np.ndarray, np.ndarray, Any]:
    """One step of an LSTM with peepholes, as above.

    x (N, D), h and c (N, H), params: wx (D, 4H), wh (H, 4H), b (4H,), peep (3, H). Returns h_next
    and c_next, (N, H), and a cache for lstm_step_backward. Raises ValueError for shapes that do
    not fit.
    """
    x, h = np.asarray(x), np.asarray(h)
    check_shapes(x, h, params, 4)
    c = same_shape("c", c, h.shape)
    to_i, to_f, to_o = params["peep"]
    zi, zf, zg, zo = np.split(x @ params["wx"] + h @ params["wh"] + params["b"], 4, axis=1)
    i, f, g = sigmoid(zi + to_i * c), sigmoid(zf + to_f * c), np.tanh(zg)
    c_next = f * c + i * g
    o = sigmoid(zo + to_o * c_next)
    tanh_c = np.tanh(c_next)
    return o * tanh_c, c_next, (x, h, c, params, i, f, g, o, c_next, tanh_c)


def lstm_step_backward(
    grad_h: np.ndarray, grad_c: np.ndarray, cache: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Params]:
    """The gradients of lstm_step.

    grad_h, grad_c (N, H): the gradients for h_next and c_next. Returns gx (N, D), gh and gc
    (N, H), and gparams, a dict with params' keys and shapes, summed over the batch.

    Each way from the loss to c_next counts: grad_c itself, h = o ∘ tanh(c), and the peephole of o,
    which looks at c_next. Three ways lead on to c: f, and the peepholes of i and f.
    """
    x, h, c, params, i, f, g, o, c_next, tanh_c = cache
    grad_h, grad_c = same_shape("grad_h", grad_h, h.shape), same_shape("grad_c", grad_c, h.shape)
    to_i, to_f, to_o = params["peep"]
    dzo = grad_h * tanh_c * o * (1 - o)
    dc = grad_c + grad_h * o * (1 - tanh_c**2) + dzo * to_o
    dzi = dc * g * i * (1 - i)
    dzf = dc * c * f * (1 - f)
    dzg = dc * i * (1 - g**2)
    dz = np.concatenate([dzi, dzf, dzg, dzo], axis=1)
    gparams = {
        "wx": x.T @ dz,
        "wh": h.T @ dz,
        "b": dz.sum(axis=0),
        "peep": np.stack([(dzi * c).sum(0), (dzf * c).sum(0), (dzo * c_next).sum(0)]),
    }
    gc = dc * f + dzi * to_i + dzf * to_f
    return dz @ params["wx"].T, dz @ params["wh"].T, gc, gparams


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)) as ½ tanh(½ z) + ½: no overflow for any z, and quick."""
    return 0.5 * np.tanh(0.5 * z) + 0.5
