"""How fast is the LSTM over whole sequences? Forward and backward, every gradient, float32.

NumPy against torch on the CPU, on one thread, in turn, so that both meet the same machine; medians
of process-CPU seconds. The ratio is NumPy's time over torch's. torch.nn.LSTM has no peepholes, so
the goal is for the layer without; the one with them, which does more, and the steps of the
notebook stand beside it, and so do the bare matrix products of a layer, which nothing in NumPy can
go below. Not collected by plain pytest:

    pytest tests/benchmarks/bench_lstm.py -s
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from timing import milliseconds

from pytools.scratch import lstm_backward, lstm_forward, lstm_step, lstm_step_backward

ROUNDS = 60
# Name: batch, steps, inputs, units, goal, stretch.
LAYERS = {
    "B=32, T=50, D=64, H=128": (32, 50, 64, 128, 0.9, 0.75),
    "B=32, T=64, D=65, H=128": (32, 64, 65, 128, None, None),
    "B=16, T=32, D=27, H=64": (16, 32, 27, 64, None, None),
}


def twin_of(params: dict[str, np.ndarray], units: int) -> torch.nn.LSTM:
    """torch's layer with the same weights."""
    twin = torch.nn.LSTM(len(params["wx"]), units)
    values = params["wx"].T, params["wh"].T, params["b"], 0 * params["b"]
    for weight, value in zip(twin.parameters(), values, strict=True):
        weight.data = torch.tensor(np.ascontiguousarray(value))
    return twin


def by_steps(x: np.ndarray, start: np.ndarray, params: dict, grad: np.ndarray) -> None:
    """As the notebook's reader writes it: step after step, weights' gradients at each."""
    h = c = start
    caches, total = [], {name: 0.0 for name in params}
    for row in x:
        h, c, cache = lstm_step(row, h, c, params)
        caches.append(cache)
    grad_h = grad_c = np.zeros_like(start)
    for row, cache in zip(grad[::-1], reversed(caches), strict=True):
        _, grad_h, grad_c, grads = lstm_step_backward(grad_h + row, grad_c, cache)
        total = {name: total[name] + grads[name] for name in total}


def bare_products(n: int, steps: int, d: int, units: int) -> Callable:
    """The six products of a layer: h wh and its way back at each step, the others all at once."""
    rng = np.random.default_rng(0)
    gates, rows = 4 * units, n * steps
    shapes = (d, gates), (units, gates), (rows, d), (rows, units), (rows, gates)
    wx, wh, x, h, dz = (rng.standard_normal(shape, np.float32) for shape in shapes)
    back_x, back_h = wx.T.copy(), wh.T.copy()

    def products() -> None:
        _ = x @ wx, dz @ back_x, x.T @ dz, h.T @ dz
        for first in range(0, rows, n):
            _ = h[first : first + n] @ wh, dz[first : first + n] @ back_h

    return products


@pytest.mark.parametrize("name", LAYERS)
def test_lstm(name, capsys):
    n, steps, d, units, goal, stretch = LAYERS[name]
    rng = np.random.default_rng(0)
    x, grad = (rng.standard_normal((steps, n, k), np.float32) for k in (d, units))
    shapes = {"wx": (d, 4 * units), "wh": (units, 4 * units), "b": 4 * units}
    plain = {name: 0.1 * rng.standard_normal(s, np.float32) for name, s in shapes.items()}
    peep = {**plain, "peep": 0.1 * rng.standard_normal((3, units), np.float32)}
    start = np.zeros((n, units), np.float32)
    twin = twin_of(plain, units)
    tensor, torch_grad = torch.tensor(x, requires_grad=True), torch.tensor(grad)

    def by_numpy(params=plain):
        hs, _, cache = lstm_forward(x, start, start, params)
        gx, _, _, grads = lstm_backward(grad, start, cache)
        return hs, gx, grads["wx"].T, grads["wh"].T, grads["b"]

    def by_torch():
        hs, _ = twin(tensor)
        wanted = [tensor, *twin.parameters()]
        return hs.detach(), *torch.autograd.grad(hs, wanted, torch_grad)[:-1]

    for ours, theirs in zip(by_numpy(), by_torch(), strict=True):
        theirs = theirs.numpy()
        assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
    ways = {
        "torch": by_torch,
        "numpy": by_numpy,
        "peepholes": lambda: by_numpy(peep),
        "steps": lambda: by_steps(x, start, peep, grad),
        "products": bare_products(n, steps, d, units),
    }
    ms = milliseconds(ways, ROUNDS)
    ratio = ms["numpy"] / ms["torch"]
    verdict = ""
    if goal is not None:
        reached = "stretch" if ratio <= stretch else "goal" if ratio <= goal else "missed"
        verdict = f" (goal {goal}, stretch {stretch}: {reached})"
    with capsys.disabled():
        print(f"\nLSTM {name}, forward and backward, ms")
        for way, time in ms.items():
            note = verdict if way == "numpy" else ""
            print(f"  {way:10}{time:8.2f}{time / ms['torch']:8.2f} of torch's{note}")
