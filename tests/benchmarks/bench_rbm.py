"""How fast do the RBM and the autoencoder learn? Whole training steps, float32.

NumPy against torch on the CPU and against bare matrix products of as many operations, on one
thread, in turn, so that all meet the same machine; medians of process-CPU seconds. The ratio is
NumPy's time over torch's. Not collected by plain pytest:

    pytest tests/benchmarks/bench_rbm.py -s
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from timing import milliseconds

from pytools.scratch import autoencoder_loss, start_rbm, train_autoencoder, train_rbm

ROUNDS, STEPS = 20, 10  # steps of one round, each with a batch of its own
# Name: pictures in a batch, pixels, hidden units.
SIZES = {"digits: 32×64, H64": (32, 64, 64), "MNIST: 128×784, H500": (128, 784, 500)}


def report(what: str, name: str, ms: dict[str, float], capsys) -> None:
    ms = {way: time / STEPS for way, time in ms.items()}
    with capsys.disabled():
        print(f"\n{what}, ms a step\n  {'':24}{'NumPy':>9}{'torch':>9}{'products':>9}{'ratio':>9}")
        times = "".join(f"{ms[way]:9.3f}" for way in ("numpy", "torch", "products"))
        print(f"  {name:24}{times}{ms['numpy'] / ms['torch']:9.2f}")


def bare_products(batch: int, pixels: int, hidden: int) -> Callable:
    """Up, down and up again, and the two products of a gradient: five a step in both nets."""
    rng = np.random.default_rng(0)
    x, h = (rng.random((batch, n), dtype=np.float32) for n in (pixels, hidden))
    w = rng.random((pixels, hidden), dtype=np.float32)

    def products() -> None:
        for _ in range(STEPS):
            _ = x @ w, h @ w.T, x @ w, x.T @ h, x.T @ h

    return products


@pytest.mark.parametrize("name", SIZES)
def test_contrastive_divergence(name, capsys):
    """CD-1 with momentum and weight decay as train_rbm does it, grey pixels drawn anew."""
    batch, pixels, hidden = SIZES[name]
    rng = np.random.default_rng(0)
    v = rng.random((STEPS * batch, pixels), dtype=np.float32)
    w, b, c = (torch.tensor(p) for p in start_rbm(v, hidden, rng))
    tv = torch.tensor(v)

    def by_numpy():
        return list(train_rbm(v, hidden, 1, rng, batch=batch))

    def by_torch():
        params, velocity = [w, b, c], [torch.zeros_like(p) for p in (w, b, c)]
        for step, rows in enumerate(torch.randperm(len(tv)).split(batch)):
            seen = torch.bernoulli(tv[rows])
            tw, tb, tc = params
            first = torch.sigmoid(seen @ tw + tb)
            v1 = torch.bernoulli(torch.sigmoid(torch.bernoulli(first) @ tw.T + tc))
            last = torch.sigmoid(v1 @ tw + tb)
            gw = (v1.T @ last - seen.T @ first) / len(seen) + 1e-4 * tw
            grads = gw, (last - first).mean(0), (v1 - seen).mean(0)
            velocity = [0.9 * s + grad for s, grad in zip(velocity, grads, strict=True)]
            rate = 0.1 * (1 - step / STEPS)
            params = [p - rate * s for p, s in zip(params, velocity, strict=True)]
        return params

    for ours, theirs in zip(by_numpy()[-1], by_torch(), strict=True):
        assert 0.5 < ours.std() / theirs.numpy().std() < 2  # alike: the random numbers are others
    ways = {"numpy": by_numpy, "torch": by_torch, "products": bare_products(*SIZES[name])}
    report("Contrastive divergence", name, milliseconds(ways, ROUNDS), capsys)


@pytest.mark.parametrize("name", SIZES)
def test_tied_autoencoder(name, capsys):
    """Loss, gradients and Adam, as train_autoencoder does it."""
    batch, pixels, hidden = SIZES[name]
    rng = np.random.default_rng(0)
    x = rng.random((STEPS * batch, pixels), dtype=np.float32)
    start = [0.05 * rng.standard_normal((pixels, hidden), np.float32)]
    start += [np.zeros(n, np.float32) for n in (hidden, pixels)]
    tx = torch.tensor(x)

    def by_numpy():
        return list(train_autoencoder(autoencoder_loss, start, x, 1, rng, batch=batch))

    def by_torch(order=None):
        order = torch.randperm(len(tx)) if order is None else order
        w, b, c = params = [torch.tensor(p, requires_grad=True) for p in start]
        optimizer = torch.optim.Adam(params, lr=0.01)
        for step, rows in enumerate(order.split(batch)):
            seen = tx[rows]
            out = torch.sigmoid(seen @ w + b) @ w.T + c
            loss = 0.5 * (out - seen).square().sum() / len(seen)
            optimizer.param_groups[0]["lr"] = 0.01 * (1 - step / STEPS)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return params

    twin = np.random.default_rng(1)
    *_, (ours, _) = train_autoencoder(autoencoder_loss, start, x, 1, twin, batch=batch)
    order = torch.tensor(np.random.default_rng(1).permutation(len(x)))
    for a, b in zip(ours, by_torch(order), strict=True):
        np.testing.assert_allclose(a, b.detach(), atol=1e-3)
    ways = {"numpy": by_numpy, "torch": by_torch, "products": bare_products(*SIZES[name])}
    report("Tied autoencoder with Adam", name, milliseconds(ways, ROUNDS), capsys)
