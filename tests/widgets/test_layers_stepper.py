"""Histograms layer by layer: their shares add up, and one can read them."""

import re

import numpy as np
import pytest

from pytools.widgets import describe_layer, draw_layer, watch_layers
from pytools.widgets.figures import check_labels

RNG = np.random.default_rng(0)
OUTPUTS = {
    "all zeros": [np.zeros((20, 30))] * 3,
    "narrow": [0.1**layer * RNG.uniform(-1, 1, (20, 30)) for layer in range(3)],
    "at the ends": [np.sign(RNG.standard_normal((20, 30)))] * 3,
    "in between": [np.tanh(RNG.standard_normal((20, 5)))] * 3,
}


@pytest.mark.parametrize("step", range(3))
def test_every_value_is_in_a_bar(step):
    fig = draw_layer(OUTPUTS, step)
    check_labels(fig)
    assert fig.get_suptitle() == f"Layer {step + 1} of 3"
    for ax, layers in zip(fig.axes, OUTPUTS.values(), strict=True):
        bars = [(p.get_x(), p.get_x() + p.get_width(), p.get_height()) for p in ax.patches]
        assert sum(height for *_, height in bars) == pytest.approx(1)
        inside = [np.mean((layers[step] >= a) & (layers[step] < b)) for a, b, _ in bars[:-1]]
        np.testing.assert_allclose([height for *_, height in bars[:-1]], inside, atol=0.02)


def test_zeros_are_one_bar_in_the_middle():
    [ax] = draw_layer({"zeros": [np.zeros(4)]}, 0).axes
    (bar,) = [p for p in ax.patches if p.get_height() > 0]
    assert bar.get_x() < 0 < bar.get_x() + bar.get_width()


def test_numbers_beside_each_net():
    described = describe_layer(OUTPUTS, 2)
    assert described.startswith("Outputs of layer 3 of 3: all zeros, spread 0, 0% beyond ±0.95; ")
    assert "at the ends, spread 1, 100% beyond ±0.95" in described
    assert "\n" not in described
    titles = [ax.get_title() for ax in draw_layer(OUTPUTS, 2).axes]
    assert titles[2] == "at the ends\nspread 1\n100% beyond ±0.95"


def test_titles_do_not_overlap():
    fig = draw_layer(
        {f"a net of long name {i}": layers for i, layers in enumerate(OUTPUTS.values())}, 1
    )
    fig.draw_without_rendering()
    extents = [ax.title.get_window_extent() for ax in fig.axes]
    for i, extent in enumerate(extents):
        assert not any(extent.overlaps(other) for other in extents[:i])


def test_buttons_move_the_picture():
    widget = watch_layers(OUTPUTS)

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert alt() == describe_layer(OUTPUTS, 0)
    widget.next.click()
    assert alt() == describe_layer(OUTPUTS, 1)
    assert widget.slider.max == 2


@pytest.mark.parametrize("outputs", [{}, {"a": []}, {"a": [np.ones(2)], "b": [np.ones(2)] * 2}])
def test_uneven_nets_are_refused(outputs):
    with pytest.raises(ValueError, match=r"equally many layers, at least one, but has \{"):
        watch_layers(outputs)
