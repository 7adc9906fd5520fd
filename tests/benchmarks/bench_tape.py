"""How fast is the tape? One training step of the two-layer net, N=64, D=1000, H=100, O=10.

The tape against the gradient derived by hand and against torch's autograd on one thread, in turn,
so that all meet the same machine; medians of process-CPU seconds. Not collected by plain pytest:

    pytest tests/benchmarks/bench_tape.py -s
"""

import numpy as np
import pytest
import torch
from timing import milliseconds, one_thread

from pytools.scratch import Tensor, two_layer_loss

ROUNDS = 200


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_step(dtype):
    rng = np.random.default_rng(0)
    shapes = [(64, 1000), (64, 10), (1000, 100), (100, 10)]
    x, y, w1, w2 = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    lr = 1e-9  # moves the weights, but hardly: every round works on alike numbers

    hand_w = [w1.copy(), w2.copy()]

    def by_hand():
        _, *grads = two_layer_loss(x, y, *hand_w)
        for w, grad in zip(hand_w, grads, strict=True):
            w -= lr * grad
        return grads

    tape_w = [Tensor(w1.copy()), Tensor(w2.copy())]

    def by_tape():
        loss = (((x @ tape_w[0]).relu() @ tape_w[1] - y) ** 2).sum() / len(x)
        loss.backward()
        for w in tape_w:
            w.data -= lr * w.grad
        return [w.grad for w in tape_w]

    torch_x, torch_y = torch.tensor(x), torch.tensor(y)
    torch_w = [torch.tensor(w, requires_grad=True) for w in (w1, w2)]

    def by_torch():
        loss = (((torch_x @ torch_w[0]).relu() @ torch_w[1] - torch_y) ** 2).sum() / len(x)
        grads = torch.autograd.grad(loss, torch_w)
        with torch.no_grad():
            for w, grad in zip(torch_w, grads, strict=True):
                w -= lr * grad
        return [grad.numpy() for grad in grads]

    ways = {"by hand": by_hand, "tape": by_tape, "torch": by_torch}
    with one_thread():
        results = {name: step() for name, step in ways.items()}
    for name in ("tape", "torch"):
        for grad, by_hand_grad in zip(results[name], results["by hand"], strict=True):
            scale = np.abs(by_hand_grad).max()
            assert np.abs(grad - by_hand_grad).max() < 1e-4 * scale, name

    medians = milliseconds(ways, ROUNDS)
    print(f"\n{np.dtype(dtype).name}: CPU time of a step, median of {ROUNDS}")
    for name, time in medians.items():
        ratios = "  ".join(f"{time / other:5.2f} × {base}" for base, other in medians.items())
        print(f"  {name:8} {time:7.3f} ms  {ratios}")
