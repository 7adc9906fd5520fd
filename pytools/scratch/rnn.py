"""A recurrent layer with tanh: one step with its way back, and whole sequences.

    h = tanh(x wx + h₋ wh + b)        x (N, D), h and h₋ (N, H), wx (D, H), wh (H, H), b (H,)

Sources: Elman (1990), Finding structure in time; Werbos (1990), Backpropagation through time: what
it does and how to do it.
"""

from typing import Any

import numpy as np

from pytools.scratch.inputs import finite_batch


def rnn_step(
    x: np.ndarray, h: np.ndarray, wx: np.ndarray, wh: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, Any]:
    """One step: h_next = tanh(x wx + h wh + b).

    x (N, D), h (N, H), wx (D, H), wh (H, H), b (H,). Returns h_next (N, H) and a cache for
    rnn_step_backward. Raises ValueError for shapes that do not fit.
    """
    x, h, wx, wh, b = (np.asarray(a) for a in (x, h, wx, wh, b))
    check_shapes(x, h, {"wx": wx, "wh": wh, "b": b}, 1)
    h_next = np.tanh(x @ wx + h @ wh + b)
    return h_next, (x, h, wx, wh, h_next)


def rnn_step_backward(
    grad: np.ndarray, cache: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of rnn_step.

    grad (N, H): the gradient for h_next. Returns gx, gh, gwx, gwh and gb, of the shapes of x, h,
    wx, wh and b; those for the weights are summed over the batch. tanh' = 1 - tanh². Raises
    ValueError for a grad of another shape than h_next.
    """
    x, h, wx, wh, h_next = cache
    grad = same_shape("grad", grad, h_next.shape)
    dz = grad * (1 - h_next**2)
    return dz @ wx.T, dz @ wh.T, x.T @ dz, h.T @ dz, dz.sum(axis=0)


def rnn_forward(
    x: np.ndarray, h: np.ndarray, params: dict[str, np.ndarray]
) -> tuple[np.ndarray, Any]:
    """A whole sequence: rnn_step from one step to the next, all x wx at once.

    x (T, N, D) floats, or ids (T, N) that stand for one-hot rows of length D; h (N, H) before the
    first step; params: wx, wh, b as in rnn_step. Returns hs (T, N, H), after each step, and a
    cache. Raises ValueError where rnn_step does, for T = 0 and for ids outside of 0 … D - 1.
    """
    wx, wh, b = params["wx"], params["wh"], params["b"]
    rows = input_rows(x, len(wx), wx.dtype)
    check_shapes(x, h, params, 1)
    hs = np.empty((len(x) + 1, *h.shape), wx.dtype)
    hs[0] = h
    z = (rows @ np.vstack([wx, b])).reshape(hs[1:].shape)
    for t in range(len(x)):
        z[t] += hs[t] @ wh
        np.tanh(z[t], hs[t + 1])
    return hs[1:], (x, rows, hs, params)


def rnn_backward(
    grad_hs: np.ndarray, cache: Any
) -> tuple[np.ndarray | None, np.ndarray, dict[str, np.ndarray]]:
    """Backpropagation through time: the gradients of rnn_forward.

    grad_hs (T, N, H): the gradient for each hs. Returns gx (T, N, D), None where x were ids; gh
    (N, H), for the state before the first step; gparams, a dict with params' keys. The products
    for the weights are taken once, after the loop.
    """
    x, rows, hs, params = cache
    wx, wh = params["wx"], params["wh"]
    grad_hs = same_shape("grad_hs", grad_hs, hs[1:].shape)
    dz = np.empty_like(hs[1:])
    dh = np.zeros_like(hs[0])
    for t in reversed(range(len(dz))):
        np.multiply(dh + grad_hs[t], 1 - hs[t + 1] ** 2, out=dz[t])
        dh = dz[t] @ wh.T
    flat = dz.reshape(-1, dz.shape[-1])
    gw = rows.T @ flat  # its last row belongs to the input that is always 1
    gwh = hs[:-1].reshape(flat.shape).T @ flat
    gx = (flat @ wx.T).reshape(x.shape) if np.ndim(x) == 3 else None
    return gx, dh, {"wx": gw[:-1], "wh": gwh, "b": gw[-1]}


# --- what the LSTM beside this file needs too ------------------------------------------------


def input_rows(x: np.ndarray, num_in: int, dtype: np.dtype) -> np.ndarray:
    """The inputs of all steps below each other, (T N, D + 1): a last input that is always 1.

    Its weights are the bias. x: (T, N, D) floats, or (T, N) ids, which become one-hot rows.
    """
    x = finite_batch("x", x)
    ids = x.ndim == 2 and x.dtype.kind in "iu"
    if not ids and (x.ndim != 3 or x.shape[2] != num_in):
        raise ValueError(
            f"x must be (T, N, {num_in}) numbers or (T, N) whole ids, "
            f"but has shape {x.shape} and dtype {x.dtype}"
        )
    rows = np.zeros((x.shape[0] * x.shape[1], num_in + 1), dtype)
    rows[:, -1] = 1
    if ids:
        if x.min() < 0 or x.max() >= num_in:
            raise ValueError(f"x must hold ids 0 to {num_in - 1}, but has {x.min()} to {x.max()}")
        rows[np.arange(len(rows)), x.ravel()] = 1
    else:
        rows[:, :-1] = x.reshape(len(rows), num_in)
    return rows


def check_shapes(x: np.ndarray, h: np.ndarray, params: dict[str, np.ndarray], gates: int) -> None:
    """Raise ValueError, with what was got, where weights, state and batch do not fit each other.

    x (..., N, D) or ids (T, N); h (N, H); params: wx, wh, b, maybe peep, for `gates` gates.
    """
    if np.ndim(h) != 2 or np.size(h) == 0:
        raise ValueError(f"h must be (N, H), but has shape {np.shape(h)}")
    units = h.shape[1]
    is_ids = x.ndim == 2 and x.dtype.kind in "iu"
    batch = x.shape[1] if x.ndim == 3 or is_ids else len(x)
    num_in = len(params["wx"]) if is_ids else x.shape[-1]
    if batch != len(h):
        raise ValueError(f"h must have a row for each of x's {batch}, but has shape {h.shape}")
    due = {"wx": (num_in, gates * units), "wh": (units, gates * units), "b": (gates * units,)}
    if "peep" in params:
        due["peep"] = (3, units)
    for name, shape in due.items():
        same_shape(name, params[name], shape)


def same_shape(name: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """value as an array, if it has this shape; else ValueError that names it."""
    value = np.asarray(value)
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, but has {value.shape}")
    return value
