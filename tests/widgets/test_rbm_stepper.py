"""A Boltzmann machine while it learns: right numbers, legible pictures, sliders that move."""

import re

import numpy as np
import pytest

from pytools.data import digits
from pytools.scratch import gibbs, rbm_free_energy, reconstruct, start_rbm, train_rbm
from pytools.widgets import describe_rbm, draw_pictures, draw_rbm, mosaic, watch_rbm
from pytools.widgets.figures import check_labels, mimebundle
from pytools.widgets.rbm_stepper import ROUNDS, SHOWN, take_snapshots

PICTURES = (digits("test")[0].reshape(-1, 64) > 0.5).astype(np.float32)


@pytest.fixture(scope="module")
def machines():
    x, rng = digits("train")[0].reshape(-1, 64), np.random.default_rng(0)
    trained = list(train_rbm(x, 40, 8, rng))
    return {0: tuple(start_rbm(x, 40, rng)), 1: trained[0], 8: trained[-1]}


@pytest.fixture(scope="module")
def snapshots(machines):
    return take_snapshots(machines, PICTURES, np.random.default_rng(1))


@pytest.fixture
def widget(machines):
    return watch_rbm(machines, PICTURES, np.random.default_rng(1))


def alt(widget):
    return re.search('alt="([^"]*)"', widget.stepper.picture.value).group(1)


def test_energies_are_the_machines_own(machines, snapshots):
    for snapshot, (epoch, machine) in zip(snapshots, machines.items(), strict=True):
        assert snapshot.epoch == epoch
        gaps = snapshot.digits - rbm_free_energy(PICTURES, *machine)
        np.testing.assert_allclose(gaps, gaps[0], atol=1e-3)  # moved, but by one amount
        assert snapshot.noise.mean() == pytest.approx(0, abs=1e-4)
        pairs = [d < n for d in snapshot.digits for n in snapshot.noise]
        assert snapshot.told_apart == pytest.approx(np.mean(pairs))


def test_the_noise_has_the_digits_own_means(machines):
    """A machine without weights, whose visible biases are these means, cannot tell them apart."""
    mean = np.clip(PICTURES.mean(axis=0), 0.01, 0.99)
    blind = np.zeros((64, 2)), np.zeros(2), np.log(mean / (1 - mean))
    (snapshot,) = take_snapshots({0: blind}, PICTURES, np.random.default_rng(0))
    assert abs(snapshot.told_apart - 0.5) < 0.06


def test_learning_shows(snapshots):
    apart = [snapshot.told_apart for snapshot in snapshots]
    assert abs(apart[0] - 0.5) < 0.1
    assert apart[2] > max(0.7, apart[1])


def test_samples_begin_with_the_same_noise_and_go_on(machines):
    """The samples of the first machine, made again by hand with an equal generator."""
    rng = np.random.default_rng(1)
    first, second, _ = take_snapshots(machines, PICTURES, np.random.default_rng(1))
    np.testing.assert_array_equal(first.samples[0], second.samples[0])
    v = (rng.random((SHOWN, 64)) < 0.5).astype(np.float32)
    rng.random(PICTURES.shape)
    for done, rounds in zip((0, *ROUNDS[1:]), ROUNDS[1:], strict=False):
        v = gibbs(v, *machines[0], rounds - done, rng)
        np.testing.assert_array_equal(first.samples[rounds], reconstruct(v, *machines[0]))


@pytest.mark.parametrize("step", [0, 2])
@pytest.mark.parametrize("rounds", [0, 1000])
def test_the_picture_shows_the_snapshot(snapshots, step, rounds):
    fig = draw_rbm(snapshots, rounds, step)
    check_labels(fig)
    weights, samples, energies = fig.axes
    drawn = weights.images[0].get_array()
    np.testing.assert_allclose(drawn[:8, 9:17], snapshots[step].weights[1].reshape(8, 8))
    drawn = samples.images[0].get_array()
    np.testing.assert_allclose(drawn[9:17, :8], snapshots[step].samples[rounds][8].reshape(8, 8))
    assert sum(bar.get_height() for bar in energies.patches) == 2 * len(PICTURES)
    assert f"{snapshots[step].told_apart:.0%}" in energies.get_title()


@pytest.mark.parametrize("step", [0, 1, 2])
def test_texts_stay_inside_and_apart(snapshots, step):
    fig = draw_rbm(snapshots, 1000, step)
    fig.draw_without_rendering()
    texts = [fig._suptitle, *(ax.title for ax in fig.axes)]
    extents = [t.get_window_extent() for t in texts]
    for i, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1
        assert not any(extent.overlaps(other) for other in extents[:i])


def test_each_step_has_one_size_and_a_look_of_its_own(snapshots):
    figures = [draw_rbm(snapshots, rounds, step) for rounds in (0, 10) for step in (0, 2)]
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "A machine.")[0]["image/png"] for fig in figures}) == 4


def test_the_alt_text_says_what_there_is(snapshots):
    words = describe_rbm(snapshots, 1, 1)
    assert "after 1 epoch:" in words and "after 1 round from noise" in words
    assert f"in {snapshots[1].told_apart:.0%} of all pairs" in words
    assert "\n" not in words


def test_sliders_move_the_picture(widget):
    snapshots = widget.snapshots
    assert alt(widget) == describe_rbm(snapshots, 1000, 2)
    widget.stepper.back.click()
    assert alt(widget) == describe_rbm(snapshots, 1000, 1)
    widget.rounds.value = 10  # the step stays
    assert alt(widget) == describe_rbm(snapshots, 10, 1)
    assert widget.children == (widget.rounds, widget.stepper)
    widget.stepper.next.click()
    assert alt(widget) == describe_rbm(snapshots, 10, 2)
    assert widget._repr_mimebundle_()["text/html"] == widget.stepper.picture.value


def test_a_mosaic_places_pictures_row_by_row():
    pictures = np.arange(3 * 4.0).reshape(3, 2, 2)
    nan = np.nan
    expected = [
        [0, 1, nan, 4, 5],
        [2, 3, nan, 6, 7],
        [nan] * 5,
        [8, 9, nan, nan, nan],
        [10, 11, nan, nan, nan],
    ]
    np.testing.assert_array_equal(mosaic(pictures, 2), expected)
    np.testing.assert_array_equal(mosaic(pictures.reshape(3, 4), 2), expected)


def test_weights_are_white_at_zero(snapshots):
    ax = draw_rbm(snapshots, 0, 2).axes[0]
    low, high = ax.images[0].get_clim()
    assert -low == high == pytest.approx(np.abs(snapshots[2].weights).max())


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: watch_rbm({}, PICTURES, np.random.default_rng(0)), "machines must hold at least"),
        (
            lambda: watch_rbm({0: ()}, PICTURES[:, :60], np.random.default_rng(0)),
            r"v must be \(N, D\), D a square, but has shape \(355, 60\)",
        ),
        (lambda: mosaic(np.ones((2, 3)), 2), r"pictures must be .* but have shape \(2, 3\)"),
        (lambda: mosaic(np.ones((0, 4)), 2), r"pictures must be .* but have shape \(0, 4\)"),
        (lambda: draw_pictures(None, np.ones((2, 4)), 0), "columns must be at least 1, but is 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
