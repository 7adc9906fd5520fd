"""A right recurrent net passes however it is written: loops, lists, float32, torch, scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from pytools import check


def to_torch(*arrays, grad=True):
    return [torch.tensor(np.ascontiguousarray(a), requires_grad=grad) for a in arrays]


# --- rnn_step --------------------------------------------------------------------------------


def unit_by_unit(x, h, wx, wh, b):
    out = []
    for row, old in zip(x.tolist(), h.tolist(), strict=True):
        new = []
        for k in range(len(b)):
            total = float(b[k])
            total += sum(v * float(w) for v, w in zip(row, wx[:, k], strict=True))
            total += sum(v * float(w) for v, w in zip(old, wh[:, k], strict=True))
            new.append(math.tanh(total))
        out.append(new)
    return out, None


def one_product(x, h, wx, wh, b):
    h_next = np.tanh(np.hstack([x, h]) @ np.vstack([wx, wh]) + b)
    return [np.asfortranarray(h_next), "whatever"]


def rnn_step_in_single_precision(x, h, wx, wh, b):
    x, h, wx, wh, b = (np.float32(a) for a in (x, h, wx, wh, b))
    return np.tanh(x.dot(wx) + h.dot(wh) + b[None, :]), {}


def rnn_step_by_torch(x, h, wx, wh, b):
    cell = torch.nn.RNNCell(*wx.shape).to(torch.tensor(x).dtype)
    weights = wx.T, wh.T, b, np.zeros_like(b)
    for p, value in zip(cell.parameters(), weights, strict=True):
        p.data = to_torch(value, grad=False)[0]
    return cell(*to_torch(x, h)), cell


# --- rnn_step_backward -----------------------------------------------------------------------


def graph_kept(x, h, wx, wh, b):
    leaves = to_torch(x, h, wx, wh, b)
    x, h, wx, wh, b = leaves
    h_next = torch.tanh(x @ wx + h @ wh + b)
    return h_next, (h_next, leaves)


def autograd(grad, cache):
    h_next, leaves = cache
    return torch.autograd.grad(h_next, leaves, torch.tensor(grad))


def sum_kept(x, h, wx, wh, b):
    z = x @ wx + h @ wh + b
    return np.tanh(z), [x, h, wx, wh, z]


def row_by_row(grad, cache):
    x, h, wx, wh, z = cache
    gx, gh = np.zeros_like(x), np.zeros_like(h)
    gwx, gwh, gb = np.zeros_like(wx), np.zeros_like(wh), [0.0] * wh.shape[0]
    for n in range(len(x)):
        for k in range(wh.shape[1]):
            dz = float(grad[n, k]) * (1 - math.tanh(z[n, k]) ** 2)
            gx[n] += dz * wx[:, k]
            gh[n] += dz * wh[:, k]
            gwx[:, k] += dz * x[n]
            gwh[:, k] += dz * h[n]
            gb[k] += dz
    return gx, gh, gwx, gwh, gb


def backward_in_single_precision(grad, cache):
    x, h, wx, wh, z = (np.float32(a) for a in cache)
    dz = np.float32(grad) * (1 - np.tanh(z) ** 2)
    gwx, gwh = np.einsum("nd,nh->dh", x, dz), np.einsum("ni,nj->ij", h, dz)
    return dz @ wx.T, dz @ wh.T, gwx, gwh, dz.sum(0)


# --- lstm_step -------------------------------------------------------------------------------


def gate_by_gate(x, h, c, params):
    """Gates cut out by slices; scipy's sigmoid; a dictionary as cache."""
    size = h.shape[1]
    z = x @ params["wx"] + h @ params["wh"] + params["b"]
    peep_i, peep_f, peep_o = params["peep"][0], params["peep"][1], params["peep"][2]
    i = expit(z[:, :size] + c * peep_i)
    f = expit(z[:, size : 2 * size] + c * peep_f)
    g = np.tanh(z[:, 2 * size : 3 * size])
    c_next = f * c + i * g
    o = expit(z[:, 3 * size :] + c_next * peep_o)
    cache = {"x": x, "h": h, "c": c, "p": params, "i": i, "f": f, "g": g, "o": o, "c_next": c_next}
    return o * np.tanh(c_next), c_next, cache


def four_weights(x, h, c, params):
    """Four products, one a gate, added up in place on arrays of its own."""
    gates = []
    blocks = (np.split(params[name], 4, axis=-1) for name in ("wx", "wh", "b"))
    for wx, wh, b in zip(*blocks, strict=True):
        z = x @ wx
        z += h @ wh
        z += b
        gates.append(z)
    i, f, g, o = gates
    i += params["peep"][0] * c
    f += params["peep"][1] * c
    i, f, g = 1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), np.tanh(g)
    c = c * f
    c += i * g
    o += params["peep"][2] * c
    return [np.asfortranarray(np.tanh(c) / (1 + np.exp(-o))), c, None]


def number_by_number(x, h, c, params):
    def sigmoid(v):
        return 1 / (1 + math.exp(-v)) if v > 0 else 1 - 1 / (1 + math.exp(v))

    units = len(h[0])
    hs, cs = [], []
    for n in range(len(x)):
        z = [float(v) for v in x[n] @ params["wx"] + h[n] @ params["wh"] + params["b"]]
        hs.append([])
        cs.append([])
        for k in range(units):
            old, peep = float(c[n, k]), [float(p) for p in params["peep"][:, k]]
            i, f = sigmoid(z[k] + peep[0] * old), sigmoid(z[units + k] + peep[1] * old)
            new = f * old + i * math.tanh(z[2 * units + k])
            cs[-1].append(new)
            hs[-1].append(sigmoid(z[3 * units + k] + peep[2] * new) * math.tanh(new))
    return hs, cs, ()


def lstm_step_in_single_precision(x, h, c, params):
    single = {name: np.float32(w) for name, w in params.items()}
    return gate_by_gate(np.float32(x), np.float32(h), np.float32(c), single)


# --- lstm_step_backward ----------------------------------------------------------------------


def lstm_graph_kept(x, h, c, params):
    leaves = to_torch(x, h, c, *params.values())
    x, h, c, *weights = leaves
    p = dict(zip(params, weights, strict=True))
    zi, zf, zg, zo = (x @ p["wx"] + h @ p["wh"] + p["b"]).chunk(4, dim=1)
    i, f = torch.sigmoid(zi + p["peep"][0] * c), torch.sigmoid(zf + p["peep"][1] * c)
    c_next = f * c + i * torch.tanh(zg)
    h_next = torch.sigmoid(zo + p["peep"][2] * c_next) * torch.tanh(c_next)
    return h_next, c_next, (h_next, c_next, leaves, list(params))


def lstm_autograd(grad_h, grad_c, cache):
    h_next, c_next, leaves, names = cache
    arriving = to_torch(grad_h, grad_c, grad=False)
    gx, gh, gc, *rest = torch.autograd.grad([h_next, c_next], leaves, arriving)
    return gx, gh, gc, dict(zip(names, rest, strict=True))


def gradients_gate_by_gate(grad_h, grad_c, cache):
    """Each gate's weights for themselves; keys in another order; a cell's gradient on a copy."""
    x, h, c, p, i, f, g, o, c_next = cache.values()
    to_i, to_f, to_o = p["peep"]
    do = grad_h * np.tanh(c_next) * (o - o * o)
    dc = grad_c.copy()
    dc += grad_h * o / np.cosh(c_next) ** 2
    dc += do * to_o
    parts = [dc * g * (i - i * i), dc * c * (f - f * f), dc * i * (1 - g * g), do]
    wx, wh = np.split(p["wx"], 4, axis=1), np.split(p["wh"], 4, axis=1)
    gx = sum(d @ w.T for d, w in zip(parts, wx, strict=True))
    gh = sum(d @ w.T for d, w in zip(parts, wh, strict=True))
    gc = dc * f + parts[0] * to_i + parts[1] * to_f
    gparams = {
        "peep": [np.sum(parts[0] * c, 0), np.sum(parts[1] * c, 0), np.sum(do * c_next, 0)],
        "b": np.concatenate([d.sum(0) for d in parts]),
        "wh": np.hstack([h.T @ d for d in parts]),
        "wx": np.hstack([x.T @ d for d in parts]),
    }
    return [gx, gh, gc, gparams]


def gradients_in_single_precision(grad_h, grad_c, cache):
    cache = {k: v if k == "p" else np.float32(v) for k, v in cache.items()}
    cache["p"] = {name: np.float32(w) for name, w in cache["p"].items()}
    return gradients_gate_by_gate(np.float32(grad_h), np.float32(grad_c), cache)


# --- gradient_norms --------------------------------------------------------------------------


def norms_by_torch(steps, kind, rng):
    """Autograd for each step's state; uniform input; weights drawn one by one, in another order."""

    def normal(std, *shape):
        return torch.tensor(std * rng.standard_normal(shape))

    xs = torch.tensor(rng.uniform(-1, 1, (steps, 16)))
    h, c, hs = torch.zeros(16, dtype=torch.float64), torch.zeros(16, dtype=torch.float64), []
    std = 0.5 / 16**0.5 if kind == "rnn" else 0.1
    wide = 16 if kind == "rnn" else 64
    wh, wx, b, peep = normal(std, 16, wide), normal(std, 16, wide), normal(std, wide), None
    if kind == "lstm":
        peep = normal(0.1, 3, 16)
        b[16:32] = 3
    for x in xs:
        z = x @ wx + h @ wh + b
        if kind == "rnn":
            h = torch.tanh(z)
        else:
            i, f, g, o = z.split(16)
            i, f = torch.sigmoid(i + peep[0] * c), torch.sigmoid(f + peep[1] * c)
            c = f * c + i * torch.tanh(g)
            h = torch.sigmoid(o + peep[2] * c) * torch.tanh(c)
        h.requires_grad_()
        hs.append(h)
    return [float(g.norm()) for g in torch.autograd.grad(hs[-1].sum(), hs)]


def norms_of_jacobians(steps, kind, rng):
    """Jacobians multiplied up for the RNN; central differences of the rest of the way else."""
    xs = rng.normal(size=(steps, 16))
    if kind == "rnn":
        wx, wh = (rng.normal(0, 0.5 / 4, (16, 16)) for _ in range(2))
        h, slopes = rng.normal(size=16) * 0, []
        for x in xs:
            h = np.tanh(x @ wx + h @ wh)
            slopes.append(1 - h**2)
        row, out = np.ones(16), [4.0]
        for slope in slopes[:0:-1]:
            row = (row * slope) @ wh.T
            out.insert(0, float(np.linalg.norm(row)))
        return out
    wx, wh, b = rng.normal(0, 0.1, (16, 64)), rng.normal(0, 0.1, (16, 64)), np.zeros(64)
    b[16:32], peep = 3, rng.normal(0, 0.1, (3, 16))
    params = {"wx": wx, "wh": wh, "b": b, "peep": peep}

    def rest(h, c, t):
        for x in xs[t:]:
            h, c, _ = gate_by_gate(x[None], h, c, params)
        return h.sum()

    h = c = np.zeros((1, 16))
    norms = np.zeros(steps)
    for t, x in enumerate(xs, start=1):
        h, c, _ = gate_by_gate(x[None], h, c, params)
        nudges = 1e-5 * np.eye(16)[:, None]
        slopes = [(rest(h + e, c, t) - rest(h - e, c, t)) / 2e-5 for e in nudges]
        norms[t - 1] = np.sqrt(np.sum(np.square(slopes)))
    return norms


# --- clip_gradients --------------------------------------------------------------------------


def as_torch_clips(grads, max_norm):
    tensors = [torch.zeros(g.shape, dtype=torch.tensor(g).dtype) for g in grads]
    for tensor, g in zip(tensors, grads, strict=True):
        tensor.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(tensors, max_norm)
    return [tensor.grad for tensor in tensors]


def entry_by_entry(grads, max_norm):
    total = math.sqrt(sum(float(v) ** 2 for g in grads for v in g.flat))
    scale = min(1.0, max_norm / total) if total > 0 else 1
    return tuple((scale * g.astype(float)).tolist() for g in grads)


def one_long_row(grads, max_norm):
    row = np.concatenate([g.reshape(-1) for g in grads])
    norm = np.linalg.norm(row)
    if norm > max_norm:
        row = row / norm * max_norm
    ends = np.cumsum([g.size for g in grads])[:-1]
    parts = np.split(row, ends)
    return [part.reshape(g.shape) for part, g in zip(parts, grads, strict=True)]


def short_ones_as_they_are(grads, max_norm):
    """A short gradient comes back itself: results may share memory with inputs."""
    norm = np.sqrt(sum((np.float32(g) ** 2).sum() for g in grads))
    return grads if norm <= max_norm else (g * (max_norm / norm) for g in grads)


# --- sample ----------------------------------------------------------------------------------


def by_the_cumulative_sum(step, state, seed_ids, length, temperature, rng):
    for i in seed_ids:
        logits, state = step(i, state)
    out = np.zeros(length, int)
    for n in range(length):
        p = softmax(logits / temperature)
        out[n] = min(np.searchsorted(np.cumsum(p), rng.random()), len(p) - 1)
        logits, state = step(out[n], state)
    return out


def by_gumbel_noise(step, state, seed_ids, length, temperature, rng):
    """The largest of scores with Gumbel's noise; no step after the last id."""
    seeds, out = list(seed_ids), []
    for i in seeds[:-1]:
        _, state = step(i, state)
    last = seeds[-1]
    for _ in range(length):
        logits, state = step(last, state)
        last = np.argmax(logits / temperature + rng.gumbel(size=len(logits)))
        out.append(last)
    return out


def all_luck_beforehand(step, state, seed_ids, length, temperature, rng):
    """The random numbers drawn at once; torch's softmax in single precision; a tuple."""
    luck = rng.random(length)
    logits, ids = None, []
    for number in range(len(seed_ids) + length):
        if number >= len(seed_ids):
            p = torch.softmax(torch.tensor(logits).float() / temperature, dim=0)
            ids.append(int((p.cumsum(0) < float(luck[len(ids)])).sum().clamp(max=len(p) - 1)))
        logits, state = step(ids[-1] if ids else seed_ids[number], state)
    return tuple(ids)


def by_multinomial(step, state, seed_ids, length, temperature, rng):
    ids, box = [], [state]
    for i in seed_ids:
        logits = step_to(step, i, box)
    while len(ids) < length:
        p = softmax(np.asarray(logits, float) / temperature)
        ids.append(int(np.flatnonzero(rng.multinomial(1, p))[0]))
        logits = step_to(step, ids[-1], box)
    return np.array(ids)


def step_to(step, i, box):
    logits, box[0] = step(i, box[0])
    return logits


RIGHT = [
    ("rnn_step", unit_by_unit),
    ("rnn_step", one_product),
    ("rnn_step", rnn_step_in_single_precision),
    ("rnn_step", rnn_step_by_torch),
    ("rnn_step_backward", (graph_kept, autograd)),
    ("rnn_step_backward", (sum_kept, row_by_row)),
    ("rnn_step_backward", (sum_kept, backward_in_single_precision)),
    ("lstm_step", gate_by_gate),
    ("lstm_step", four_weights),
    ("lstm_step", number_by_number),
    ("lstm_step", lstm_step_in_single_precision),
    ("lstm_step_backward", (lstm_graph_kept, lstm_autograd)),
    ("lstm_step_backward", (gate_by_gate, gradients_gate_by_gate)),
    ("lstm_step_backward", (gate_by_gate, gradients_in_single_precision)),
    ("gradient_norms", norms_by_torch),
    ("clip_gradients", as_torch_clips),
    ("clip_gradients", entry_by_entry),
    ("clip_gradients", one_long_row),
    ("clip_gradients", short_ones_as_they_are),
    ("sample", by_the_cumulative_sum),
    ("sample", by_gumbel_noise),
    ("sample", all_luck_beforehand),
    ("sample", by_multinomial),
]


def name_of(attempt):
    return attempt[-1].__name__ if isinstance(attempt, tuple) else attempt.__name__


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[name_of(a) for _, a in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(5 if function == "sample" else 20):  # a thousand draws a case take a while
        earned = check(f"lstm.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, capsys.readouterr().out


def test_norms_by_central_differences(capsys):
    """Slow, so one seed: the state nudged unit by unit, and the rest of the way gone again."""
    earned = check("lstm.gradient_norms", norms_of_jacobians, points=4, seed=0)
    assert earned == 4.0, capsys.readouterr().out
