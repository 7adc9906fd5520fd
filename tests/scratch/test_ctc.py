"""CTC: torch, central differences and a list of all paths agree; impossible texts, bad input."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from pytools.scratch import (
    beam_decode,
    ctc_align,
    ctc_loss,
    ctc_loss_batch,
    ctc_posterior,
    greedy_decode,
)


def frames(rng, *shape, spread=1.0):
    return log_softmax(spread * rng.standard_normal(shape), axis=-1)


def text_of(path, blank):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)


def all_texts(log_probs, blank):
    """The probability of each text, by listing all paths."""
    shares = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        share = np.exp(log_probs[np.arange(len(path)), list(path)].sum())
        text = text_of(path, blank)
        shares[text] = shares.get(text, 0.0) + share
    return shares


def by_torch(log_probs, texts, lengths, blank):
    """torch's losses, and its gradients less those of the softmax that it takes for granted."""
    tensor = torch.tensor(log_probs, requires_grad=True)
    flat = torch.tensor([symbol for text in texts for symbol in text], dtype=torch.long)
    counts = torch.tensor([len(text) for text in texts])
    given = tensor, flat, torch.tensor(lengths), counts
    losses = torch.nn.functional.ctc_loss(*given, blank=blank, reduction="none")
    possible = torch.isfinite(losses)
    losses[possible].sum().backward()
    inside = np.arange(len(log_probs))[:, None] < np.array(lengths)
    counted = (inside & possible.numpy())[..., None]
    return losses.detach().numpy(), np.where(counted, tensor.grad.numpy() - np.exp(log_probs), 0)


@st.composite
def batches(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    steps, n, classes = (draw(st.integers(1, top)) for top in (9, 4, 5))
    blank = draw(st.integers(0, classes))
    spread = draw(st.sampled_from([0.5, 5, 500]))
    log_probs = frames(rng, steps, n, classes + 1, spread=spread)
    letters = [c for c in range(classes + 1) if c != blank]
    texts = [rng.choice(letters, rng.integers(0, 6)).tolist() for _ in range(n)]
    return log_probs, texts, rng.integers(1, steps + 1, n).tolist(), blank


@settings(max_examples=60, deadline=None)
@given(batches())
def test_equals_torch(batch):
    losses, grad = ctc_loss_batch(*batch)
    torch_losses, torch_grad = by_torch(*batch)
    np.testing.assert_allclose(losses, torch_losses, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(grad, torch_grad, rtol=1e-7, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(batches())
def test_one_line_equals_its_place_in_a_batch(batch):
    log_probs, texts, lengths, blank = batch
    losses, grad = ctc_loss_batch(*batch)
    for n, (text, length) in enumerate(zip(texts, lengths, strict=True)):
        loss, one = ctc_loss(log_probs[:length, n], text, blank)
        np.testing.assert_allclose(loss, losses[n], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(one, grad[:length, n], rtol=1e-9, atol=1e-12)
        assert not grad[length:, n].any()


@pytest.mark.parametrize("text", [[], [1], [1, 2], [2, 2], [1, 2, 1], [1, 1, 2]])
@pytest.mark.parametrize("spread", [1, 30, 1000])
def test_gradient_is_that_of_central_differences(text, spread):
    """Any row of numbers is an input: each entry is changed alone."""
    log_probs = frames(np.random.default_rng(3), 5, 3, spread=spread)
    loss, grad = ctc_loss(log_probs, text)
    h = 1e-4
    for place in np.ndindex(*log_probs.shape):
        step = np.zeros_like(log_probs)
        step[place] = h
        up, down = (ctc_loss(log_probs + sign * step, text)[0] for sign in (1, -1))
        slope = (up - down) / (2 * h)
        np.testing.assert_allclose(grad[place], slope, atol=1e-6 + 1e-15 * abs(loss) / h)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(2, 4))
def test_all_paths(seed, steps, classes):
    """The losses of all texts, and the best of them, against a list of all paths."""
    rng = np.random.default_rng(seed)
    blank = int(rng.integers(classes))
    log_probs = frames(rng, steps, classes)
    shares = all_texts(log_probs, blank)
    for text, share in list(shares.items())[:20]:
        np.testing.assert_allclose(ctc_loss(log_probs, text, blank)[0], -np.log(share), atol=1e-9)
    found = tuple(beam_decode(log_probs, 4**steps, blank))
    assert shares[found] >= max(shares.values()) * (1 - 1e-9)
    best = log_probs.argmax(axis=1)
    assert tuple(greedy_decode(log_probs, blank)) == text_of(best.tolist(), blank)


def test_extremes_stay_in_reach():
    """The only way to the end leads through what is 1e4 less probable in each log."""
    log_probs = np.full((6, 3), -1e4)
    log_probs[:, 0] = 0
    for dtype in (np.float64, np.float32):
        loss, grad = ctc_loss(log_probs.astype(dtype), [1, 2, 1])
        np.testing.assert_allclose(loss, 3e4 - np.log(20), rtol=1e-6)
        np.testing.assert_allclose(grad.sum(axis=1), -1, rtol=1e-5)
        np.testing.assert_allclose(grad[:, 1].sum(), -2, rtol=1e-2)


def test_minus_infinity_forbids():
    log_probs = np.log([[0.5, 0.5, 1], [0.25, 0.25, 0.5], [0.5, 0.5, 1]])
    log_probs[[0, 2], 2] = -np.inf
    loss, grad = ctc_loss(log_probs, [2])
    np.testing.assert_allclose(loss, -np.log(0.125))
    np.testing.assert_allclose(grad, [[-1, 0, 0], [0, 0, -1], [-1, 0, 0]], atol=1e-12)
    assert ctc_loss(log_probs[:1], [2])[0] == np.inf


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("text, steps", [([1, 2], 1), ([1, 1], 2), ([2, 2, 2], 4), ([1], 0)])
def test_impossible(text, steps, dtype):
    log_probs = np.log(np.full((steps, 3), 1 / 3, dtype))
    loss, grad = ctc_loss(log_probs, text)
    assert loss == np.inf
    assert grad.shape == log_probs.shape and grad.dtype == dtype and not grad.any()


def test_nothing():
    """No frames, no text: certain. No lines: nothing to say."""
    loss, grad = ctc_loss(np.zeros((0, 3)), [])
    assert loss == 0 and grad.shape == (0, 3)
    losses, grad = ctc_loss_batch(np.zeros((4, 0, 3)), [])
    assert losses.shape == (0,) and grad.shape == (4, 0, 3)
    assert greedy_decode(np.zeros((0, 3))) == [] and beam_decode(np.zeros((0, 3)), 3) == []


def test_single_precision_is_as_good_as_torch():
    rng = np.random.default_rng(0)
    log_probs = frames(rng, 120, 4, 30)
    texts, lengths = list(rng.integers(1, 30, (4, 20))), [120] * 4
    losses, grad = ctc_loss_batch(log_probs, texts)
    ours = ctc_loss_batch(log_probs.astype(np.float32), texts)
    theirs = by_torch(log_probs.astype(np.float32), texts, lengths, 0)
    assert ours[0].dtype == ours[1].dtype == np.float32
    np.testing.assert_allclose(ours[0], losses, rtol=1e-6)
    assert np.abs(ours[1] - grad).max() < max(2 * np.abs(theirs[1] - grad).max(), 1e-4)


def test_inputs_stay():
    log_probs, text = np.log(np.full((4, 3), 1 / 3)), np.array([1, 2])
    before = log_probs.copy(), text.copy()
    ctc_loss(log_probs, text)
    beam_decode(log_probs, 5)
    assert np.array_equal(log_probs, before[0]) and np.array_equal(text, before[1])


OK = np.log(np.full((4, 2, 3), 1 / 3))


@pytest.mark.parametrize(
    "given, words",
    [
        ((OK[:, 0], [[1], [2]]), r"log_probs must be \(T, N, C\), but has shape \(4, 3\)"),
        ((OK.astype(int), [[1], [2]]), "log_probs must be float64 or float32, but has dtype int64"),
        ((OK * np.nan, [[1], [2]]), "log_probs holds NaN or .inf"),
        ((OK, [[1]]), "labels must hold 2 texts, one a line, but holds 1"),
        ((OK, [[1], [3]]), r"labels\[1\] must hold symbols from 0 to 2 .* but holds 3"),
        ((OK, [[0, 1], [2]]), r"labels\[0\] must hold symbols .* without the blank, 0"),
        ((OK, [[1.5], [2]]), "labels must be rows of ints, but have dtype float64"),
        ((OK, [[1], [2]], [4, 5]), "lengths must be 2 numbers from 0 to 4"),
        ((OK, [[1], [2]], [4]), "lengths must be 2 numbers from 0 to 4"),
        ((OK, [[1], [2]], None, 3), "blank must be 0 to 2, a symbol of log_probs, but is 3"),
    ],
)
def test_bad_batches_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        ctc_loss_batch(*given)


@pytest.mark.parametrize(
    "log_probs, words",
    [
        (OK, r"must be floats \(T, C\), but has shape \(4, 2, 3\)"),
        (OK[:, 0] * np.nan, "holds NaN"),
        (np.full((2, 3), -np.inf), "a frame of nothing but -inf"),
        (np.zeros((2, 0)), "blank must be 0 to -1, but is 0"),
    ],
)
def test_bad_frames_are_refused(log_probs, words):
    with pytest.raises(ValueError, match=words):
        greedy_decode(log_probs)
    with pytest.raises(ValueError, match=words):
        beam_decode(log_probs, 5)


def test_beam_needs_a_width():
    with pytest.raises(ValueError, match="width must be at least 1, but is 0"):
        beam_decode(OK[:, 0], 0)


def test_more_width_is_no_worse_here():
    """Frames on which the best path misleads: the search finds the better text."""
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert greedy_decode(log_probs) == [] and beam_decode(log_probs, 2) == [1]


def test_no_path_is_no_alignment():
    forbidden = np.log(np.full((4, 3), 1 / 3))
    forbidden[:, 1] = -np.inf
    for wanted in (ctc_align, ctc_posterior):
        with pytest.raises(ValueError, match="probability 0"):
            wanted(forbidden, [1])
        with pytest.raises(ValueError, match="without the blank"):
            wanted(forbidden, [0])
