"""Losses of Siamese and triplet nets against central differences, torch and limits; training."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools import models
from pytools.data import digits

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 6)


def drawn(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes]


@settings(max_examples=25, deadline=None)
@given(SEEDS, SIZES, SIZES)
def test_gradients_are_those_of_central_differences(seed, n, d):
    a, p, negative = drawn(seed, (n, d), (n, d), (n, d))
    far = (a - negative).abs().detach().min() > 1e-4  # away from the kink of an absolute value
    if far:
        assert torch.autograd.gradcheck(models.l1_distance, (a, negative))
    alpha = 0.7
    gap = ((a - p) ** 2).sum(1) - ((a - negative) ** 2).sum(1) + alpha
    if gap.abs().detach().min() > 1e-3:
        arguments = (a, p, negative, alpha)
        assert torch.autograd.gradcheck(models.triplet_loss, arguments)
    assert torch.autograd.gradcheck(models.distance_ratio, (a[:, 0], p[:, 0]))


@settings(max_examples=25, deadline=None)
@given(SEEDS, SIZES, st.floats(0.1, 10))
def test_hinge_embedding_is_torch_s_with_minus_one_for_different(seed, n, margin):
    rng = np.random.default_rng(seed)
    distance, same = (
        torch.tensor(rng.uniform(0, 2 * margin, n)),
        torch.tensor(rng.integers(0, 2, n)),
    )
    ours = models.hinge_embedding(distance, same, margin)
    torch.testing.assert_close(ours, F.hinge_embedding_loss(distance, 2 * same - 1, margin))


@settings(max_examples=25, deadline=None)
@given(SEEDS, SIZES, SIZES)
def test_distances_and_ratio_are_torch_s(seed, n, d):
    a, b = drawn(seed, (n, d), (n, d))
    expected = F.pairwise_distance(a, b, p=1, eps=0)
    torch.testing.assert_close(models.l1_distance(a, b), expected)
    near, far = a[:, 0].abs(), b[:, 0].abs()
    choice = torch.stack([-near, -far], dim=1)
    wanted = F.cross_entropy(choice, torch.zeros(n, dtype=torch.long))
    torch.testing.assert_close(models.distance_ratio(near, far), wanted)


def test_the_ratio_is_stable():
    near = torch.tensor([0.0, 1e4, 1e4], dtype=torch.float64, requires_grad=True)
    far = torch.tensor([1e4, 0.0, 1e4], dtype=torch.float64, requires_grad=True)
    loss = models.distance_ratio(near, far)
    loss.backward()
    assert loss.item() == pytest.approx((1e4 + np.log(2)) / 3)
    np.testing.assert_allclose(near.grad, [0, 1 / 3, 1 / 6], atol=1e-12)
    np.testing.assert_allclose(far.grad, [0, -1 / 3, -1 / 6], atol=1e-12)


def test_all_points_on_one_place_cost_alpha_and_give_no_gradient():
    points = torch.zeros(5, 3, requires_grad=True)
    loss = models.triplet_loss(points, points.roll(1, 0), points.roll(2, 0), 0.3)
    loss.backward()
    assert loss.item() == pytest.approx(0.3)
    assert not points.grad.any()


# --- training --------------------------------------------------------------------------------

IMAGES, LABELS = (part[:300] for part in digits("train"))
MADE = {
    "pairs": models.pairs_loss(5.0),
    "triplets": models.triplets_loss(1.0),
    "ratio": models.ratio_loss(),
}


def trained(loss, steps=60, **how):
    torch.manual_seed(0)
    net, rng = models.EmbeddingNet(8, widths=(8, 16)), np.random.default_rng(0)
    losses = models.train_embedding(net, IMAGES, LABELS, loss, steps, rng, **how)
    return net, losses


@pytest.mark.parametrize("name", MADE)
def test_the_loss_falls_and_equal_seeds_give_equal_nets(name):
    net, losses = trained(MADE[name])
    again, _ = trained(MADE[name])
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])
    np.testing.assert_array_equal(models.embed(net, IMAGES), models.embed(again, IMAGES))


def test_batches_can_be_of_few_classes():
    seen = []

    def look(images, labels, rng):
        seen.append(labels)
        return images, labels

    trained(MADE["triplets"], steps=3, batch=12, per_class=4, change=look)
    for labels in seen:
        _, counts = np.unique(labels, return_counts=True)
        assert counts.tolist() == [4, 4, 4]


def test_embed_works_in_parts_and_leaves_the_mode():
    net = models.EmbeddingNet(4, widths=(4,), pools=0, normalize=True)
    points = models.embed(net, IMAGES[:50], batch=7)
    assert points.shape == (50, 4) and net.training
    np.testing.assert_allclose(points, models.embed(net, IMAGES[:50]), atol=1e-6)


def test_what_does_not_fit_is_refused():
    net, rng = models.EmbeddingNet(4), np.random.default_rng(0)
    with pytest.raises(ValueError, match="each image needs a label, but got 300 and 299"):
        models.train_embedding(net, IMAGES, LABELS[1:], MADE["ratio"], 1, rng)
    with pytest.raises(ValueError, match=r"one class only .*add pictures of another class"):
        models.train_embedding(net, IMAGES, 0 * LABELS, MADE["pairs"], 1, rng)
    with pytest.raises(FloatingPointError, match="the loss is nan at step 0: a smaller lr"):
        models.train_embedding(net, IMAGES * np.nan, LABELS, MADE["ratio"], 1, rng)
