"""A net that reads and writes: gradients, the state handed on, texts in pieces, sampling."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from pytools.scratch import (
    Alphabet,
    Writer,
    bits_per_id,
    clip_gradients,
    lstm_reach,
    numerical_gradient,
    rnn_reach,
    sample,
    text_batches,
    train_writer,
)

properties = settings(max_examples=30, deadline=None)
few = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 10**6)
kinds = st.sampled_from(["rnn", "lstm", "lstm without peepholes"])


def writer(kind, vocab=5, hidden=4, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    net = Writer(kind.split()[0], vocab, hidden, rng, peepholes="without" not in kind)
    net.params = {n: w.astype(dtype) + rng.normal(0, 0.3, w.shape) for n, w in net.params.items()}
    return net


# --- Writer ----------------------------------------------------------------------------------


@given(kind=kinds, seed=seeds)
@few
def test_every_gradient_against_central_differences(kind, seed):
    """Some targets are not asked for; the state is not 0 at the start."""
    net, rng = writer(kind, seed=seed), np.random.default_rng(seed)
    ids, targets = rng.integers(0, 5, (6, 3)), rng.integers(-1, 5, (6, 3))
    targets[0, 0] = 1
    state = tuple(rng.standard_normal((3, 4)) for _ in net.start(3))
    _, grads, _ = net.loss(ids, targets, state)
    assert grads.keys() == net.params.keys()
    for name, value in dict(net.params).items():

        def loss(w, name=name):
            net.params[name] = w
            return net.loss(ids, targets, state)[0]

        np.testing.assert_allclose(
            grads[name], numerical_gradient(loss, value), rtol=1e-6, atol=1e-8
        )
        net.params[name] = value


@given(seed=seeds)
@properties
def test_loss_and_scores_against_torch(seed):
    net, rng = writer("lstm without peepholes", seed=seed), np.random.default_rng(seed)
    p = {name: torch.tensor(w) for name, w in net.params.items()}
    lstm = torch.nn.LSTM(5, 4).double()
    values = p["wx"].T, p["wh"].T, p["b"], 0 * p["b"]
    for weight, value in zip(lstm.parameters(), values, strict=True):
        weight.data = value.contiguous()
    ids, targets = rng.integers(0, 5, (2, 7, 3))
    hs, _ = lstm(torch.eye(5).double()[ids])
    expected = (hs @ p["wo"] + p["bo"]).detach()
    scores, _ = net.scores(ids)
    loss, _, _ = net.loss(ids, targets)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)  # the start is float32
    torch_loss = functional.cross_entropy(expected.flatten(0, 1), torch.tensor(targets).flatten())
    assert loss == pytest.approx(torch_loss.item(), rel=1e-5)


@given(kind=kinds, cut=st.integers(1, 8), seed=seeds)
@properties
def test_reading_in_pieces_is_reading(kind, cut, seed):
    """The state that comes back is all that the net knows."""
    net = writer(kind, seed=seed)
    ids = np.random.default_rng(seed).integers(0, 5, (9, 2))
    whole, end = net.scores(ids)
    first, state = net.scores(ids[:cut])
    second, last = net.scores(ids[cut:], state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(last, end, rtol=1e-9, atol=1e-12)
    state = net.start(1)
    for row, expected in zip(ids[:, 0], whole[:, 0], strict=True):
        scores, state = net.step(int(row), state)
        np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)


def test_weights_begin_as_said():
    net = Writer("lstm", 30, 64, np.random.default_rng(0), forget_bias=3.0)
    assert all(w.dtype == np.float32 for w in net.params.values())
    for name in ("wx", "wh", "wo"):
        assert 0.95 / 8 < np.abs(net.params[name]).max() <= 1 / 8
    np.testing.assert_array_equal(net.params["b"], np.repeat([0, 3, 0, 0], 64))
    assert not net.params["peep"].any() and net.params["peep"].shape == (3, 64)


def test_the_state_is_handed_on_where_asked():
    """The second batch's loss, with the first one's state and without."""
    rng = np.random.default_rng(0)
    batches = [tuple(rng.integers(0, 5, (2, 4, 2))) for _ in range(2)]
    still = {"lr": 0.0}
    net = writer("lstm")
    _, with_state = train_writer(net, batches, **still, carry=True)
    _, without = train_writer(net, batches, **still)
    (ids, targets), (then, now) = batches
    _, _, state = net.loss(ids, targets)
    assert with_state == pytest.approx(net.loss(then, now, state)[0], rel=1e-12)
    assert without == pytest.approx(net.loss(then, now)[0], rel=1e-12)
    assert with_state != pytest.approx(without, rel=1e-4)


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_it_learns_a_round(kind):
    """0 1 2 3 4 0 1 …: nothing is left to be surprised by, and it goes on by itself."""
    ids = np.arange(2000) % 5
    net = Writer(kind, 5, 16, np.random.default_rng(0))
    assert bits_per_id(net, ids, 4, 10) > 2
    losses = list(train_writer(net, text_batches(ids, 4, 10), 0.02, carry=True))
    assert losses[-1] < 0.1 < losses[0]
    assert bits_per_id(net, ids, 4, 10) < 0.1
    assert sample(net.step, net.start(1), [0, 1], 7, 0.1, np.random.default_rng(0)) == [
        *(2, 3, 4, 0, 1, 2, 3)
    ]


# --- texts -----------------------------------------------------------------------------------


@given(length=st.integers(2, 200), batch=st.integers(1, 5), steps=st.integers(1, 9))
@properties
def test_strands_go_on_where_they_ended(length, batch, steps):
    ids = np.arange(length)
    strand = (length - 1) // batch
    if strand < steps:
        with pytest.raises(ValueError, match=f"ids must be at least .* but are {length}"):
            next(text_batches(ids, batch, steps))
        return
    pieces = list(text_batches(ids, batch, steps))
    assert len(pieces) == strand // steps
    read, targets = (np.concatenate(rows) for rows in zip(*pieces, strict=True))
    np.testing.assert_array_equal(targets, read + 1)
    np.testing.assert_array_equal(np.diff(read, axis=0), np.ones((len(read) - 1, batch)))
    np.testing.assert_array_equal(read[0], strand * np.arange(batch))


def test_bits_of_a_net_that_knows_nothing():
    net = Writer("rnn", 8, 3, np.random.default_rng(0))
    net.params["wo"][:] = 0
    assert bits_per_id(net, np.arange(300) % 8, 2, 20) == pytest.approx(3, rel=1e-6)


@given(text=st.text("abc d\n", max_size=30))
@properties
def test_alphabet_goes_there_and_back(text):
    alphabet = Alphabet("\n abcd")
    ids = alphabet.encode(text)
    assert ids.dtype == np.int64 and ids.shape == (len(text),)
    assert alphabet.decode(ids) == text


# --- clipping, sampling ----------------------------------------------------------------------


@given(seed=seeds, max_norm=st.floats(0.1, 20), dtype=st.sampled_from([np.float32, np.float64]))
@properties
def test_clipping_against_torch(seed, max_norm, dtype):
    rng = np.random.default_rng(seed)
    grads = [rng.standard_normal(shape).astype(dtype) for shape in [(3, 4), (5,), (2, 1, 2)]]
    before = [g.copy() for g in grads]
    params = [torch.zeros(g.shape, dtype=torch.tensor(g).dtype) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(params, max_norm)
    for g, p in zip(clip_gradients(grads, max_norm), params, strict=True):
        assert g.dtype == dtype
        np.testing.assert_allclose(g, p.grad, rtol=2e-5)
    for g, old in zip(grads, before, strict=True):
        np.testing.assert_array_equal(g, old)


def test_sampling_follows_the_scores():
    logits = np.array([0.0, 1.0, -1.0, 0.5])
    for temperature in (0.5, 1.0, 2.0):
        p = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
        rng = np.random.default_rng(1)
        ids = sample(lambda i, state: (logits, state), None, [0], 8000, temperature, rng)
        np.testing.assert_allclose(np.bincount(ids) / 8000, p, atol=0.025)


# --- how far a gradient reaches ---------------------------------------------------------------


@given(seed=seeds, kind=st.sampled_from(["rnn", "lstm"]))
@few
def test_reach_against_autograd(seed, kind):
    """Any net on any input; gradient_norms, which calls it, is tested with the steps."""
    net, units = writer(kind, seed=seed), 4
    p = {name: torch.tensor(w) for name, w in net.params.items()}
    xs = np.random.default_rng(seed).standard_normal((5, 2, 5))
    h = c = torch.zeros(2, units, dtype=torch.float64)
    hs, cells = [], []
    for x in torch.tensor(xs):
        z = x @ p["wx"] + h @ p["wh"] + p["b"]
        if kind == "rnn":
            h = torch.tanh(z)
        else:
            i, f, g, o = z.chunk(4, dim=1)
            i, f = torch.sigmoid(i + p["peep"][0] * c), torch.sigmoid(f + p["peep"][1] * c)
            c = f * c + i * torch.tanh(g)
            h = torch.sigmoid(o + p["peep"][2] * c) * torch.tanh(c)
        hs.append(h.requires_grad_())
        cells.append(c)
    expected = [g.norm() for g in torch.autograd.grad(hs[-1].sum(), hs)]
    if kind == "rnn":
        np.testing.assert_allclose(rnn_reach(xs, net.params), expected, rtol=1e-9)
        return
    norms, seen = lstm_reach(xs, net.params)
    np.testing.assert_allclose(norms, expected, rtol=1e-9)
    np.testing.assert_allclose(seen["c"], torch.stack(cells).detach(), rtol=1e-9)
    assert all(seen[gate].min() > 0 and seen[gate].max() < 1 for gate in "ifo")


# --- bad input -------------------------------------------------------------------------------

NET = writer("lstm")
RNG = np.random.default_rng(0)
IDS = np.zeros((4, 2), int)


def write(seed_ids=(0,), length=3, temperature=1.0):
    return sample(NET.step, NET.start(1), seed_ids, length, temperature, RNG)


SPOILT = {
    "unknown character": (lambda: Alphabet("abc").encode("cab!"), "but has '!' at position 3"),
    "no characters": (lambda: Alphabet(""), "characters must be different ones, but are ''"),
    "one twice": (lambda: Alphabet("aba"), "characters must be different ones, but are 'aba'"),
    "no seed": (lambda: write(()), "seed_ids must hold at least one id"),
    "length": (lambda: write(length=-1), "length must be at least 0, but is -1"),
    "temperature": (lambda: write(temperature=0), "temperature must be above 0, but is 0"),
    "id": (lambda: write((7,)), "x must hold ids 0 to 4, but has 7 to 7"),
    "limit": (lambda: clip_gradients([np.ones(2)], 0), "max_norm must be above 0, but is 0"),
    "kind": (lambda: Writer("gru", 3, 4, RNG), "kind must be 'rnn' or 'lstm', but is 'gru'"),
    "sizes": (lambda: Writer("rnn", 0, 4, RNG), "must be at least 1, but are 0 and 4"),
    "an empty text": (lambda: NET.loss(IDS[:0], IDS[:0]), r"targets must have the shape \(0, 2\)"),
    "nothing to read": (lambda: NET.scores(IDS[:0]), r"x must have at least one .* \(0, 2\)"),
    "one row": (lambda: NET.scores(IDS[0]), r"ids must be whole numbers \(T, N\).* \(2,\)"),
    "fractions": (lambda: NET.scores(IDS + 0.5), "ids must be whole numbers .* dtype float64"),
    "nothing asked": (lambda: NET.loss(IDS, IDS - 1), "one that is not -1"),
    "targets": (lambda: NET.loss(IDS, IDS[1:]), r"the shape \(4, 2\) of ids .* \(3, 2\)"),
    "a text of one": (lambda: next(text_batches([3], 1, 1)), "ids must be at least 2 .* are 1"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_named(name):
    call, message = SPOILT[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_sequence_of_one_step_is_read():
    scores, state = NET.scores(IDS[:1])
    assert scores.shape == (1, 2, 5) and state[0].shape == (2, 4)
    loss, grads, _ = NET.loss(IDS[:1], IDS[:1])
    assert np.isfinite(loss) and all(np.isfinite(g).all() for g in grads.values())
