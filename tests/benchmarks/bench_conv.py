"""How fast are convolution, pooling and LeNet-5? Whole layers, forward and backward, float32.

NumPy against torch on the CPU (NCHW) and against a bare matrix product of as many operations, on
one thread, in turn, so that all meet the same machine; medians of process-CPU seconds. The ratio
is NumPy's time over torch's. Not collected by plain pytest:

    pytest tests/benchmarks/bench_conv.py -s
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from timing import milliseconds

from pytools.scratch import (
    Linear,
    conv2d_backward,
    conv2d_forward,
    lenet5,
    max_pool_backward,
    max_pool_forward,
    train_net,
)

ROUNDS = 40
EPOCH, EPOCH_ROUNDS = 1_920, 10  # images of one pass; a whole epoch has 60,000
# Name: images, channels, side, filters, filter's side, stride, padding, goal, stretch.
CONVOLUTIONS = {
    "64×16×28², F32 3×3": (64, 16, 28, 32, 3, 1, 1, 2.0, 1.5),
    "64×16×28², F32 5×5": (64, 16, 28, 32, 5, 1, 2, 2.6, 1.9),
    "64×16×29², F32 3×3 stride 2": (64, 16, 29, 32, 3, 2, 1, 1.6, 1.25),
    "LeNet c1: 128×1×28², F6 5×5": (128, 1, 28, 6, 5, 1, 2, 0.5, 0.28),
    "LeNet c3: 128×6×14², F16 5×5": (128, 6, 14, 16, 5, 1, 0, 2.2, 1.7),
}


def row(name: str, ms: dict[str, float], goal: float | None, stretch: float | None) -> str:
    ratio = ms["numpy"] / ms["torch"]
    product = f"{ms['product']:9.2f}" if "product" in ms else f"{'':9}"
    line = f"  {name:32}{ms['numpy']:9.2f}{ms['torch']:9.2f}{product}{ratio:9.2f}"
    if goal is None:
        return line
    reached = "stretch" if ratio <= stretch else "goal" if ratio <= goal else "missed"
    return f"{line}{goal:8.2f}{stretch:9.2f}  {reached}"


def heading(what: str) -> str:
    columns = f"{'':32}{'NumPy':>9}{'torch':>9}{'product':>9}{'ratio':>9}{'goal':>8}{'stretch':>9}"
    return f"\n{what}, ms\n  {columns}"


def bare_product(k: int, weights: int, places: int) -> Callable:
    """The three products of a layer, as if its columns lay ready: out, grad_w, grad of columns."""
    rng = np.random.default_rng(0)
    shapes = (k, weights), (weights, places), (k, places)
    w, columns, out = (rng.random(shape, dtype=np.float32) for shape in shapes)

    def three_products() -> None:
        np.matmul(w, columns)
        np.matmul(out, columns.T)
        np.matmul(w.T, out)

    return three_products


@pytest.mark.parametrize("first", [False, True], ids=["all gradients", "no gradient for x"])
def test_convolution(first, capsys):
    """first: as the first layer of a net, where nobody asks for the gradient of the images."""
    lines = [heading(f"Convolution, forward and backward{', without grad_x' if first else ''}")]
    for name, (n, c, side, k, f, stride, pad, goal, stretch) in CONVOLUTIONS.items():
        rng = np.random.default_rng(0)
        x, w, b = (
            rng.standard_normal(shape, np.float32)
            for shape in [(n, c, side, side), (k, c, f, f), k]
        )
        out, _ = conv2d_forward(x, w, b, stride, pad)
        grad = rng.standard_normal(out.shape, np.float32)
        tensors = [torch.tensor(a) for a in (x, w, b)]
        wanted = [t.requires_grad_() for t in tensors[first:]]
        torch_grad = torch.tensor(grad)

        def by_numpy(x=x, w=w, b=b, stride=stride, pad=pad, grad=grad):
            out, cache = conv2d_forward(x, w, b, stride, pad)
            return out, *conv2d_backward(grad, cache, input_grad=not first)[first:]

        def by_torch(t=tensors, wanted=wanted, stride=stride, pad=pad, grad=torch_grad):
            out = F.conv2d(*t, stride=stride, padding=pad)
            return out.detach(), *torch.autograd.grad(out, wanted, grad)

        for ours, theirs in zip(by_numpy(), by_torch(), strict=True):
            theirs = theirs.numpy()
            assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
        product = bare_product(k, w[0].size, grad[0, 0].size * n)
        ms = milliseconds({"numpy": by_numpy, "torch": by_torch, "product": product}, ROUNDS)
        lines.append(row(name, ms, *((None, None) if first else (goal, stretch))))
    with capsys.disabled():
        print("\n".join(lines))


def test_max_pool(capsys):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 32, 28, 28), np.float32)
    grad = rng.standard_normal((64, 32, 14, 14), np.float32)
    tensor, torch_grad = torch.tensor(x, requires_grad=True), torch.tensor(grad)

    def by_numpy():
        out, cache = max_pool_forward(x, 2, 2)
        return out, max_pool_backward(grad, cache)

    def by_torch():
        out = F.max_pool2d(tensor, 2)
        return out.detach(), *torch.autograd.grad(out, tensor, torch_grad)

    for ours, theirs in zip(by_numpy(), by_torch(), strict=True):
        np.testing.assert_array_equal(ours, theirs.numpy())
    ms = milliseconds({"numpy": by_numpy, "torch": by_torch}, ROUNDS)
    with capsys.disabled():
        print(heading("Max-pooling 2×2, forward and backward"))
        print(row("64×32×28²", ms, 0.6, 0.45))


def torch_lenet(net) -> torch.nn.Sequential:
    """LeNet-5 in torch, in the same order and with the same weights."""
    modules = []
    for layer in net.layers.values():
        if not layer.params:
            modules += [torch.nn.MaxPool2d(2), torch.nn.ReLU()]
            continue
        w, b = (torch.tensor(layer.params[name]) for name in "wb")
        if isinstance(layer, Linear):
            module = torch.nn.Linear(*w.shape)
            module.weight.data, module.bias.data = w.T.contiguous(), b
            modules += [torch.nn.Flatten(), module] + [torch.nn.ReLU()] * layer.relu
        else:
            module = torch.nn.Conv2d(w.shape[1], w.shape[0], w.shape[2], padding=layer.pad)
            module.weight.data, module.bias.data = w, b
            modules.append(module)
    return torch.nn.Sequential(*modules)


def test_lenet_epoch(capsys):
    """A pass over random images in batches of 64, momentum and weight decay, as train_net does."""
    rng = np.random.default_rng(0)
    x, labels = rng.random((EPOCH, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, EPOCH)
    net = lenet5(rng)
    twin = torch_lenet(net)
    torch_x, torch_labels = torch.tensor(x), torch.tensor(labels)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-3)

    np.testing.assert_allclose(
        net.scores(x[:64]), twin(torch_x[:64]).detach().numpy(), rtol=1e-3, atol=1e-3
    )

    def by_numpy():
        return list(train_net(net, x, labels, 1, rng, lr=0.01))

    def by_torch():
        for rows in torch.randperm(EPOCH).split(64):
            loss = F.cross_entropy(twin(torch_x[rows]), torch_labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    ms = milliseconds({"numpy": by_numpy, "torch": by_torch}, EPOCH_ROUNDS)
    seconds = {name: 60_000 / EPOCH * time / 1e3 for name, time in ms.items()}
    with capsys.disabled():
        print(heading(f"LeNet-5, {EPOCH:,} images forward, backward and updated"))
        print(row("28×28, batches of 64", ms, 1.3, 1.15))
        print(f"  60,000 images: {seconds['numpy']:.1f} s, torch {seconds['torch']:.1f} s")
