"""The training loop: a run that is stopped anywhere and resumed is the run that was not."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import TensorDataset

from pytools.errors import CourseError
from pytools.models import ShuffledBatches, Snapshots, Solver, Trainer, augment, loader, resume
from pytools.models.devices import out_of_memory
from pytools.models.training import parameter_groups, pick_device

PLAN = {
    "base_lr": 0.1,
    "max_iter": 24,
    "lr_policy": "step",
    "stepsize": 7,
    "momentum": 0.9,
    "weight_decay": 1e-3,
    "batch_size": 8,
    "test_interval": 5,
    "shift": 1,
    "flip": True,
    "device": "cpu",
}


def made(plan=PLAN, seed=0, size=30, classes=3, **others):
    """A trainer on random images, with dropout and augmentation: chance on every side."""
    chance = torch.Generator().manual_seed(seed)
    images = torch.rand(size + 6, 1, 6, 6, generator=chance)
    labels = torch.randint(classes, (size + 6,), generator=chance)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.4)]
        net = nn.Sequential(*layers, nn.Linear(64, classes))
    train, valid = (
        TensorDataset(images[rows], labels[rows]) for rows in (slice(6, None), slice(6))
    )
    return Trainer(net, Solver(**{**plan, "random_seed": seed, **others}), train, valid)


def weights(trainer):
    return [w.clone() for w in trainer.model.state_dict().values()]


def equal(one, two):
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(two), strict=True))


# --- exact resume ----------------------------------------------------------------------------


@given(stops=st.lists(st.integers(1, 23), min_size=1, max_size=3), seed=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_broken_and_resumed_equals_unbroken_bit_for_bit(stops, seed, tmp_path_factory):
    whole = made(seed=seed)
    whole.run(progress=False)
    snapshots = Snapshots(tmp_path_factory.mktemp("run") / "run")
    for stop in sorted(stops):
        part = made(seed=seed)
        snapshots.resume(part.load_state_dict, print)
        part.run(until=stop, progress=False)
        snapshots.save(part.state_dict())
        torch.rand(5)  # what others draw meanwhile must not matter
    last = made(seed=seed)
    snapshots.resume(last.load_state_dict, print)
    assert last.step == max(stops)
    last.run(progress=False)
    assert equal(last, whole)
    assert last.history == whole.history


@pytest.mark.parametrize("part", ["batches", "augment", "chance", "optimizer", "step"])
def test_every_part_of_the_state_is_needed(part):
    """Each part that is left as a new run has it gives another run in the end."""
    whole, first, second = made(), made(), made()
    whole.run(progress=False)
    first.run(until=11, progress=False)
    second.load_state_dict({**first.state_dict(), part: made().state_dict()[part]})
    second.run(progress=False)
    assert not equal(whole, second)


def test_early_stopping_goes_on_where_it_was(tmp_path):
    """The learning rate is 0 but for rounding: no look is a gain, three of them end it."""
    plan = {"base_lr": 1e-30, "patience": 3, "momentum": 0.0}
    whole, first, second = (made(**plan) for _ in range(3))
    whole.run(progress=False)
    assert whole.stopped and whole.step == 20
    first.run(until=13, progress=False)
    second.load_state_dict(first.state_dict())
    second.run(progress=False)
    assert second.stopped and second.step == 20
    assert second.history == whole.history
    second.run(progress=False)
    assert second.step == 20, "a run that has stopped stays where it is"


def test_torchs_own_chance_neither_matters_nor_changes():
    torch.manual_seed(1)
    expected = torch.rand(3)
    one, two = made(), made()
    torch.manual_seed(1)
    one.run(progress=False)
    assert torch.equal(torch.rand(3), expected)
    two.run(progress=False)
    assert equal(one, two)


def test_another_seed_is_another_run():
    one, two = made(), made()
    two.batches.generator.manual_seed(5)
    one.run(progress=False), two.run(progress=False)
    assert not equal(one, two)


def test_the_exercises_resume_takes_model_and_optimizer(tmp_path):
    first, second = made(), made()
    first.run(until=5, progress=False)
    path = Snapshots(tmp_path / "run").save(first.state_dict())
    assert resume(path, second.model, second.optimizer) == 5
    assert equal(first, second)
    before = weights(second)
    assert resume(tmp_path / "none.pt", second.model, second.optimizer) == 0
    assert all(torch.equal(a, b) for a, b in zip(before, weights(second), strict=True))


# --- a state that is not the run's -----------------------------------------------------------


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda s: s.pop("batches"), "it is of no training run: 'batches' is missing"),
        (
            lambda s: s.update(model=made(classes=4).state_dict()["model"]),
            r"of another net: 4.weight is \(4, 64\) there, \(3, 64\) here",
        ),
        (lambda s: s["model"].pop("0.bias"), "another net: 0.bias is nothing there"),
        (
            lambda s: s.update(batches=made(size=40).state_dict()["batches"]),
            "it is of 40 training images, not 30",
        ),
        (lambda s: s["optimizer"]["param_groups"].pop(), "of another optimiser"),
        (lambda s: s.update(augment=torch.zeros(3, dtype=torch.uint8)), "state that is no state"),
    ],
)
def test_a_foreign_state_is_refused_and_nothing_is_touched(spoil, message):
    first, second = made(), made()
    first.run(until=5, progress=False)
    state = first.state_dict()
    state["model"] = dict(state["model"])
    spoil(state)
    before = weights(second)
    with pytest.raises(ValueError, match=message):
        second.load_state_dict(state)
    assert second.step == 0 and second.batches.position == 30
    assert all(torch.equal(a, b) for a, b in zip(before, weights(second), strict=True))
    whole = made()
    whole.run(progress=False), second.run(progress=False)
    assert equal(whole, second)


# --- steps -----------------------------------------------------------------------------------


def test_a_step_is_that_of_sgd_with_multipliers():
    """Written out: v ← μv + g + λ·decay_mult·w, w ← w - η·lr_mult·v."""
    trainer = made(max_iter=1, flip=False, shift=0, lr_policy="fixed")
    trainer.model[3].p = 0.0
    groups = parameter_groups(trainer.model, trainer.solver, {"0": (0.5, 3.0), "4": (0.0, 1.0)})
    trainer.optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    before = weights(trainer)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))[:8]
    images, labels = (part[order] for part in trainer.train.tensors)
    loss = F.cross_entropy(trainer.model(images), labels)
    grads = torch.autograd.grad(loss, list(trainer.model.parameters()))
    trainer.run(progress=False)
    after = weights(trainer)
    for k in (0, 1):
        expected = before[k] - 0.1 * 0.5 * (grads[k] + 3e-3 * before[k])
        torch.testing.assert_close(after[k], expected)
    assert torch.equal(after[2], before[2]) and torch.equal(after[3], before[3])
    assert math.isclose(trainer.history["train"][0][1], loss.item(), rel_tol=1e-5)


def test_history_has_rates_and_looks():
    trainer = made()
    history = trainer.run(progress=False)
    assert [row[0] for row in history["train"]] == list(range(1, 25))
    rates = [0.1 * 0.1 ** (it // 7) for it in range(24)]
    assert [row[2] for row in history["train"]] == pytest.approx(rates)
    assert [row[0] for row in history["valid"]] == [5, 10, 15, 20, 24]
    images, labels = trainer.valid.tensors
    right = (trainer.predict(images).argmax(dim=1) == labels).double().mean()
    assert history["valid"][-1][2] == pytest.approx(right.item())


def test_memory_that_runs_out_halves_the_pieces_and_says_so():
    said = []
    whole, short = made(), made()
    short.say = said.append
    for trainer in (whole, short):
        trainer.model[3].p = 0.0
    short.model[4].register_forward_pre_hook(no_more_than(3))
    whole.run(until=6, progress=False), short.run(until=6, progress=False)
    assert short.pieces == 4
    assert said[-1] == "out of memory: batches go in 4 pieces from now on"
    for a, b in zip(weights(whole), weights(short), strict=True):
        torch.testing.assert_close(a, b)


def test_memory_for_no_image_at_all_is_one_line():
    trainer = made()
    trainer.say = lambda line: None
    trainer.model[4].register_forward_pre_hook(no_more_than(0))
    with pytest.raises(CourseError, match="out of memory with one image at a time"):
        trainer.run(progress=False)


def no_more_than(most):
    def hook(layer, inputs):
        if layer.training and len(inputs[0]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    return hook


def test_other_errors_come_through():
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    trainer = made()
    trainer.model[4] = nn.Linear(5, 3)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        trainer.run(progress=False)


def test_a_loss_that_is_no_number_ends_the_run():
    with pytest.raises(CourseError, match=r"loss is (nan|inf) at iteration \d+: a smaller base_lr"):
        made(base_lr=1e25, lr_policy="fixed").run(progress=False)


def test_a_device_that_is_not_here_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CourseError, match=r"device: cuda is asked for, but PyTorch finds none"):
        pick_device("cuda")
    assert pick_device("cpu").type == "cpu"


# --- batches ---------------------------------------------------------------------------------


@given(size=st.integers(1, 20), batch=st.integers(1, 8), steps=st.integers(0, 25))
@settings(max_examples=40, deadline=None)
def test_each_epoch_has_every_row_once_and_can_be_gone_on_with(size, batch, steps):
    one = ShuffledBatches(size, batch, torch.Generator().manual_seed(1))
    rows = iter(one)
    epoch = [next(rows) for _ in range(-(-size // batch))]
    assert sorted(torch.cat(epoch).tolist()) == list(range(size))
    for _ in range(steps):
        next(rows)
    two = ShuffledBatches(size, batch, torch.Generator())
    two.load_state_dict(one.state_dict())
    for a, b, _ in zip(rows, two, range(12)):  # noqa: B905 - both are without end
        assert torch.equal(a, b)


def test_a_loader_draws_nothing_from_torchs_own_generator():
    images = TensorDataset(torch.rand(9, 1, 2, 2), torch.arange(9))
    before = torch.get_rng_state()
    rows = iter(loader(images, ShuffledBatches(9, 4, torch.Generator())))
    assert [len(next(rows)[1]) for _ in range(4)] == [4, 4, 1, 4]
    assert torch.equal(torch.get_rng_state(), before)


@given(seed=st.integers(0, 99), shift=st.integers(0, 3), flip=st.booleans())
@settings(max_examples=40, deadline=None)
def test_augmented_images_are_windows_of_the_padded_ones(seed, shift, flip):
    images = torch.rand(5, 2, 6, 4, generator=torch.Generator().manual_seed(seed))
    before = images.clone()
    done = augment(images, torch.Generator().manual_seed(seed), shift, flip)
    assert torch.equal(images, before) and done.shape == images.shape
    padded = F.pad(images, [shift] * 4, mode="replicate") if shift else images
    span = range(2 * shift + 1)
    for one, wide in zip(done, padded, strict=True):
        windows = [wide[:, i : i + 6, j : j + 4] for i in span for j in span]
        windows += [window.flip(2) for window in windows] if flip else []
        assert any(torch.equal(one, window) for window in windows)


def test_all_moves_and_mirrors_come():
    image = torch.arange(9.0).reshape(1, 1, 3, 3).expand(400, -1, -1, -1)
    done = augment(image, torch.Generator().manual_seed(0), shift=1, flip=True)
    assert len({tuple(one.flatten().tolist()) for one in done}) == 18
