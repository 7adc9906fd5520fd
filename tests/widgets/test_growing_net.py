"""The growing net: what is drawn is what it computes, and says when outputs move."""

import re

import numpy as np
import pytest

from pytools import scratch
from pytools.widgets import describe_growth, draw_growth, watch_growth
from pytools.widgets.figures import check_labels


def nets():
    rng = np.random.default_rng(0)
    w1, b1, w2 = np.array([[1.0], [-1.0]]), np.array([0.5, 0.2]), np.array([[1.0, -2.0]])
    b2 = np.array([0.1])
    wide1, wide_b1, wide2 = scratch.widen_linear(w1, b1, w2, 4, rng)
    identity = scratch.deepen_linear(4)
    return {
        "start": [(w1, b1), (w2, b2)],
        "wider": [(wide1, wide_b1), (wide2, b2)],
        "deeper": [(wide1, wide_b1), identity, (wide2, b2)],
        "not divided": [(wide1, wide_b1), (w2[:, [0, 1, 0, 1]], b2)],
    }


@pytest.mark.parametrize("step", range(4))
def test_units_and_curve_are_the_nets(step):
    fig = draw_growth(nets(), step)
    check_labels(fig)
    net, curve = fig.axes
    (name, layers) = list(nets().items())[step]
    assert sum(len(c.get_offsets()) for c in net.collections) == 1 + sum(len(b) for _, b in layers)
    assert len(net.lines) == sum(np.count_nonzero(w) for w, _ in layers)
    assert name in net.get_title()
    x = np.linspace(-3, 3, 301)[:, None]
    for w, b in layers[:-1]:
        x = np.maximum(x @ w.T + b, 0)
    np.testing.assert_allclose(curve.lines[1].get_ydata(), (x @ layers[-1][0].T)[:, 0] + 0.1)
    moves = step == 3
    assert ("move by up to" in curve.get_title()) == moves
    assert ("Outputs stay" in describe_growth(nets(), step)) != moves


def test_copies_have_one_colour():
    fig = draw_growth(nets(), 1)
    hidden = fig.axes[0].collections[1]
    (w, b), _ = nets()["wider"]
    rows = np.column_stack([w, b])
    for i, a in enumerate(hidden.get_facecolors()):
        for j, c in enumerate(hidden.get_facecolors()):
            assert np.array_equal(a, c) == np.array_equal(rows[i], rows[j])


def test_all_steps_have_one_scale_and_size():
    figures = [draw_growth(nets(), step) for step in range(4)]
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({fig.axes[1].get_ylim() for fig in figures}) == 1


def test_buttons_move_the_picture():
    widget = watch_growth(nets())

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert (
        alt() == describe_growth(nets(), 0) == "Step 0, start: a net of 1-2-1 units. Outputs stay."
    )
    widget.next.click()
    assert alt() == describe_growth(nets(), 1)
    assert widget.slider.max == 3


def test_nets_that_cannot_be_drawn_are_named():
    w1, b1 = np.ones((2, 1)), np.ones(2)
    with pytest.raises(
        ValueError, match=r"'odd' must have one input.*shapes \[\(2, 1\), \(1, 3\)\]"
    ):
        watch_growth({"odd": [(w1, b1), (np.ones((1, 3)), np.ones(1))]})
    with pytest.raises(ValueError, match="'two' must have one input, one output"):
        draw_growth({"two": [(w1, b1), (np.ones((2, 2)), np.ones(2))]}, 0)
    with pytest.raises(ValueError, match="nets must hold one net or more"):
        watch_growth({})
