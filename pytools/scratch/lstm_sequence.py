"""The LSTM over whole sequences made fast, in NumPy alone. `lstm.py` holds one step to read first.

1. What does not depend on the state is done for all steps at once: x wx before the loop, the
   products for the weights after it. Left in the loop is h wh, one product a step.
2. σ(z) = ½ tanh(½ z) + ½. The half in front of z goes into the weights, once. Then one tanh serves
   the gates i, f and g together; o waits for the cell, which its peephole looks at.
3. A gate's numbers lie together in memory: arrays are (4, T, N, H), so that at each step every
   operation runs through one block of N H numbers. The weights are dealt out likewise.
4. The bias is the weight of an input that is always 1: no sum over steps is needed for it.
5. Results are written where they belong (`out=`), so that the loop asks for no new memory.
"""

from typing import Any

import numpy as np

from pytools.scratch.rnn import check_shapes, input_rows, same_shape

Params = dict[str, np.ndarray]


def lstm_forward(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, params: Params
) -> tuple[np.ndarray, np.ndarray, Any]:
    """A whole sequence: lstm_step from one step to the next.

    x (T, N, D) floats, or ids (T, N) that stand for one-hot rows of length D; h, c (N, H) before
    the first step; params as in lstm_step, where peep may be left out: no peepholes then. All is
    computed in the dtype of wx. Returns hs (T, N, H), after each step, c (N, H), after the last,
    and a cache for lstm_backward. Raises ValueError for shapes that do not fit, T = 0, and ids
    outside of 0 … D - 1.
    """
    x, h = np.asarray(x), np.asarray(h)
    dtype = params["wx"].dtype
    rows = input_rows(x, len(params["wx"]), dtype)
    check_shapes(x, h, params, 4)
    half = dtype.type(0.5)
    halves = np.array([half, half, 1, half], dtype).reshape(4, 1, 1)
    wh = _by_gate(params["wh"]) * halves
    z = np.matmul(rows, _by_gate(np.vstack([params["wx"], params["b"]])) * halves)
    z = z.reshape(4, len(x), *h.shape)
    hs, cs = np.empty((2, len(x) + 1, *h.shape), dtype)
    hs[0], cs[0] = h, same_shape("c", c, h.shape)
    tanh_c = np.empty_like(hs[1:])
    peep = params.get("peep")
    to_if, to_o = (None, None) if peep is None else (half * peep[:2, None], half * peep[2])

    from_h, part, parts = np.empty_like(z[:, 0]), np.empty_like(hs[0]), np.empty_like(z[:2, 0])
    for t in range(len(x)):
        now, cell = z[:, t], cs[t + 1]
        i, f, g, o = now
        now += np.matmul(hs[t], wh, out=from_h)
        if peep is not None:
            now[:2] += np.multiply(cs[t], to_if, out=parts)
        np.tanh(now[:3], out=now[:3])
        now[:2] += 1
        now[:2] *= half
        np.multiply(f, cs[t], out=cell)
        cell += np.multiply(i, g, out=part)
        if peep is not None:
            o += np.multiply(cell, to_o, out=part)
        np.tanh(o, out=o)
        o += 1
        o *= half
        np.multiply(o, np.tanh(cell, out=tanh_c[t]), out=hs[t + 1])
    return hs[1:], cs[-1], (x, rows, z, hs, cs, tanh_c, params)


def lstm_backward(
    grad_hs: np.ndarray, grad_c: np.ndarray, cache: Any
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray, Params]:
    """Backpropagation through time: the gradients of lstm_forward.

    grad_hs (T, N, H): the gradient for each hs; grad_c (N, H): that for the last c. Returns gx
    (T, N, D), None where x were ids; gh and gc (N, H), for the state before the first step; and
    gparams, a dict with params' keys.
    """
    x, rows, gates, hs, cs, tanh_c, params = cache
    grad_hs = same_shape("grad_hs", grad_hs, tanh_c.shape)
    peep = params.get("peep")
    to_i, to_f, to_o = (None,) * 3 if peep is None else peep
    wh = _by_gate(params["wh"]).transpose(0, 2, 1).copy()
    dz, from_h = np.empty_like(gates), np.empty_like(gates[:, 0])
    dh, u, v = np.zeros((3, *hs[0].shape), hs.dtype)
    dc = same_shape("grad_c", grad_c, hs[0].shape).astype(hs.dtype)
    for t in reversed(range(len(dz[0]))):
        i, f, g, o = gates[:, t]
        dzi, dzf, dzg, dzo = dz[:, t]
        dh += grad_hs[t]
        np.multiply(dh, o, out=u)
        np.multiply(u, tanh_c[t], out=v)
        _times_one_minus(v, o, dzo)  # dh tanh(c) o (1 - o)
        dc += u
        dc -= np.multiply(v, tanh_c[t], out=v)  # both: dh o (1 - tanh²(c))
        if peep is not None:
            dc += np.multiply(dzo, to_o, out=u)
        np.multiply(dc, i, out=u)
        np.multiply(u, g, out=v)
        _times_one_minus(v, i, dzi)  # dc g i (1 - i)
        np.multiply(v, g, out=v)
        np.subtract(u, v, out=dzg)  # dc i (1 - g²)
        dc *= f
        _times_one_minus(np.multiply(dc, cs[t], out=u), f, dzf)  # dc c₋ f (1 - f)
        if peep is not None:
            dc += np.multiply(dzi, to_i, out=u)
            dc += np.multiply(dzf, to_f, out=u)
        np.sum(np.matmul(dz[:, t], wh, out=from_h), axis=0, out=dh)
    return _for_input(x, dz, params), dh, dc, _for_weights(rows, dz, hs, cs, params)


def _for_input(x: np.ndarray, dz: np.ndarray, params: Params) -> np.ndarray | None:
    if x.ndim == 2:
        return None  # ids
    flat = dz.reshape(4, -1, dz.shape[-1])
    wx = _by_gate(params["wx"]).transpose(0, 2, 1)
    return np.matmul(flat, wx).sum(axis=0).reshape(x.shape)


def _for_weights(
    rows: np.ndarray, dz: np.ndarray, hs: np.ndarray, cs: np.ndarray, params: Params
) -> Params:
    flat = dz.reshape(4, len(rows), -1)
    gw = _side_by_side(np.matmul(rows.T, flat))  # its last row: the input that is always 1
    gwh = _side_by_side(np.matmul(hs[:-1].reshape(flat[0].shape).T, flat))
    gparams = {"wx": gw[:-1], "wh": gwh, "b": gw[-1]}
    if "peep" in params:
        seen = [(dz[0], cs[:-1]), (dz[1], cs[:-1]), (dz[3], cs[1:])]
        gparams["peep"] = np.stack([np.einsum("tnh,tnh->h", d, c) for d, c in seen])
    return gparams


def _times_one_minus(a: np.ndarray, s: np.ndarray, out: np.ndarray) -> None:
    """out = a (1 - s)."""
    np.multiply(a, s, out=out)
    np.subtract(a, out, out=out)


def _by_gate(w: np.ndarray) -> np.ndarray:
    """(K, 4H), the gates side by side, as (4, K, H)."""
    return np.ascontiguousarray(w.reshape(len(w), 4, -1).transpose(1, 0, 2))


def _side_by_side(w: np.ndarray) -> np.ndarray:
    """(4, K, H) as (K, 4H)."""
    return w.transpose(1, 0, 2).reshape(w.shape[1], -1)
