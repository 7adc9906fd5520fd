"""Attention, the loss of captions, the ranking loss and the fusion, against slower ways."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from pytools.models import attend, caption_loss, fuse, ranking_loss


def draw(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes
    ]


def test_attend_place_by_place():
    f, h, *weights = draw((2, 5, 3), (2, 4), (3, 6), (4, 6), (6,), (6,))
    params = dict(zip(("wf", "wh", "b", "v"), weights, strict=True))
    context, shares = attend(f, h, params)
    for n in range(2):
        scores = [
            params["v"] @ torch.tanh(place @ params["wf"] + h[n] @ params["wh"] + params["b"])
            for place in f[n]
        ]
        alpha = torch.stack(scores).softmax(dim=0)
        torch.testing.assert_close(shares[n], alpha)
        torch.testing.assert_close(context[n], alpha @ f[n])


def test_gradients_of_attend_and_fuse():
    f, h, *weights = draw((2, 3, 2), (2, 3), (2, 4), (3, 4), (4,), (4,))
    assert gradcheck(
        lambda *a: attend(a[0], a[1], dict(zip(("wf", "wh", "b", "v"), a[2:], strict=True))),
        (f, h, *weights),
    )
    inputs = draw((2, 3), (2, 4), (3, 5), (5,), (4, 5), (5,))
    assert gradcheck(
        lambda *a: fuse(a[0], a[1], dict(zip(("wi", "bi", "wq", "bq"), a[2:], strict=True))), inputs
    )


def test_caption_loss_counts_words_not_places():
    (logits,) = draw((3, 4, 6))
    targets, lengths = torch.randint(0, 6, (3, 4)), torch.tensor([4, 1, 2])
    costs = [
        F.cross_entropy(logits[n, t], targets[n, t]) for n in range(3) for t in range(lengths[n])
    ]
    loss = caption_loss(logits, targets, lengths)
    torch.testing.assert_close(loss, torch.stack(costs).mean())
    loss.backward()
    assert torch.all(logits.grad[1, 1:] == 0) and torch.all(logits.grad[2, 2:] == 0)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_ranking_loss_pair_by_pair(n):
    (sim,) = draw((n, n))
    total = torch.zeros((), dtype=torch.float64)
    for i in range(n):
        for j in range(n):
            if i != j:
                total = total + F.relu(0.3 - sim[i, i] + sim[i, j])
                total = total + F.relu(0.3 - sim[i, i] + sim[j, i])
    torch.testing.assert_close(ranking_loss(sim, 0.3), total / n)
