"""How fast is CTC? Losses and gradients of a batch, from log probabilities.

NumPy against torch on the CPU, on one thread, in turn, so that both meet the same machine; medians
of process-CPU seconds. The ratio is NumPy's time over torch's. Both start from log probabilities
and end with their gradient. Not collected by plain pytest:

    pytest tests/benchmarks/bench_ctc.py -s
"""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from timing import milliseconds

from pytools.scratch import ctc_loss_batch

# Name: lines, frames, letters, symbols, dtype, goal.
BATCHES = {
    "B=16, T=80, L=20, C=40, float64": (16, 80, 20, 40, np.float64, 1.3),
    "B=16, T=80, L=20, C=40, float32": (16, 80, 20, 40, np.float32, 0.8),
    "B=64, T=200, L=20, C=40, float64": (64, 200, 20, 40, np.float64, 0.8),
    "B=64, T=200, L=20, C=40, float32": (64, 200, 20, 40, np.float32, 0.8),
}


@pytest.mark.parametrize("name", BATCHES)
def test_ctc(name, capsys):
    n, steps, letters, classes, dtype, goal = BATCHES[name]
    rng = np.random.default_rng(0)
    log_probs = log_softmax(rng.standard_normal((steps, n, classes)), axis=2).astype(dtype)
    texts = rng.integers(1, classes, (n, letters))
    lengths = torch.full((n,), steps), torch.full((n,), letters)
    tensor, targets = torch.tensor(log_probs, requires_grad=True), torch.tensor(texts)

    def by_torch():
        losses = torch.nn.functional.ctc_loss(tensor, targets, *lengths, reduction="none")
        return losses.detach(), *torch.autograd.grad(losses.sum(), tensor)

    def by_numpy():
        return ctc_loss_batch(log_probs, texts)

    losses, grad = by_numpy()
    torch_losses, torch_grad = (result.numpy() for result in by_torch())
    assert np.abs(losses - torch_losses).max() < 1e-5 * losses.max()
    assert np.abs(grad - (torch_grad - np.exp(log_probs))).max() < 2e-3
    ms = milliseconds({"torch": by_torch, "numpy": by_numpy}, rounds=25 if n > 16 else 100)
    ratio = ms["numpy"] / ms["torch"]
    reached = "reached" if ratio <= goal else "missed"
    with capsys.disabled():
        print(f"\nCTC {name}: torch {ms['torch']:.2f} ms, numpy {ms['numpy']:.2f} ms:")
        print(f"  {ratio:.2f} of torch's (goal {goal}: {reached})")
