"""Feature maps on a digit: what is drawn is what the net gives, and a click draws."""

import re

import numpy as np
import pytest
from scipy.special import softmax

from pytools.data import digits
from pytools.scratch import lenet5, small_lenet
from pytools.widgets import FeatureMaps, describe_maps, draw_maps
from pytools.widgets.figures import check_labels

IMAGES, LABELS = (part[:6] for part in digits("test"))


@pytest.fixture
def net():
    return small_lenet(np.random.default_rng(0))


@pytest.fixture
def widget(net):
    return FeatureMaps(net, IMAGES, LABELS)


def alt(widget):
    return re.search('alt="([^"]*)"', widget.picture.value).group(1)


def ink(widget):
    """What the buttons show, 0 white to 1 black."""
    reds = [int(re.match(r"rgb\((\d+)", b.style.button_color).group(1)) for b in widget.buttons]
    return 1 - np.array(reds).reshape(8, 8) / 255


def test_the_maps_are_the_nets(net):
    fig = draw_maps(net, IMAGES[0])
    check_labels(fig)
    outputs = net.outputs(IMAGES[:1])
    np.testing.assert_array_equal(fig.axes[0].images[0].get_array(), IMAGES[0, 0])
    heights = [bar.get_height() for bar in fig.axes[1].patches]
    np.testing.assert_allclose(heights, softmax(outputs["out"][0]), rtol=1e-5)
    for ax, name in zip(fig.axes[2:], ["c1", "s2", "c3", "s4"], strict=True):
        drawn = np.ma.compressed(ax.images[0].get_array())
        assert sorted(drawn) == sorted(outputs[name].ravel())
        assert ax.get_title(loc="left").startswith(f"{name}: {outputs[name].shape[1]} maps")


def test_each_map_stands_as_it_is(net):
    """The second map of c1 is the second square of its row, upright."""
    sheet = draw_maps(net, IMAGES[0]).axes[2].images[0].get_array()
    np.testing.assert_array_equal(sheet[:8, 9:17], net.outputs(IMAGES[:1])["c1"][0, 1])


@pytest.mark.parametrize("make, side", [(small_lenet, 8), (lenet5, 28)])
def test_texts_stay_inside_and_apart(make, side):
    rng = np.random.default_rng(0)
    fig = draw_maps(make(rng), rng.random((1, side, side)))
    fig.draw_without_rendering()
    titles = [t for ax in fig.axes for t in (ax.title, ax._left_title, ax.xaxis.label)]
    extents = [t.get_window_extent() for t in titles if t.get_text()]
    pictures = [ax.get_window_extent() for ax in fig.axes]
    for i, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1
        assert not any(extent.overlaps(other) for other in extents[:i])
        assert not any(extent.overlaps(picture) for picture in pictures)


def test_the_alt_text_says_what_the_net_reads(net, widget):
    probabilities = softmax(net.scores(IMAGES[:1])[0])
    best = probabilities.argmax()
    assert alt(widget) == describe_maps(net, IMAGES[0])
    assert f"reads a {best} (probability {probabilities[best]:.2f})" in alt(widget)
    assert "c1 16 of 8 by 8, s2 16 of 4 by 4, c3 32 of 4 by 4, s4 32 of 2 by 2" in alt(widget)


def test_choosing_another_digit(net, widget):
    widget.choice.value = 3
    assert alt(widget) == describe_maps(net, IMAGES[3])
    np.testing.assert_allclose(ink(widget), IMAGES[3, 0], atol=0.07)
    assert widget.choice.options[3] == (f"image 3: a {LABELS[3]}", 3)


def test_a_click_draws_and_a_second_one_wipes(net, widget):
    before = IMAGES.copy()
    widget.clear.click()
    assert widget.image.sum() == 0 and ink(widget).sum() == 0
    widget.buttons[2 * 8 + 5].click()
    drawn = np.zeros((1, 8, 8))
    drawn[0, 2, 5] = 1
    np.testing.assert_array_equal(widget.image, drawn)
    np.testing.assert_array_equal(ink(widget), drawn[0])
    assert alt(widget) == describe_maps(net, drawn)
    widget.buttons[2 * 8 + 5].click()
    assert widget.image.sum() == 0
    np.testing.assert_array_equal(IMAGES, before)
    assert widget._repr_mimebundle_()["text/html"] == widget.picture.value


def test_large_images_are_drawn_in_cells():
    rng = np.random.default_rng(0)
    widget = FeatureMaps(lenet5(rng), rng.random((2, 1, 28, 28)), [4, 2], mean=0.13, std=0.3)
    assert len(widget.buttons) == 14 * 14
    widget.clear.click()
    widget.buttons[14 + 3].click()
    expected = np.zeros((1, 28, 28))
    expected[:, 2:4, 6:8] = 1
    np.testing.assert_array_equal(widget.image, expected)
    assert alt(widget) == describe_maps(widget.net, (expected - 0.13) / 0.3)


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (IMAGES[:, 0], LABELS, r"images must be \(M, 1, S, S\), but have shape \(6, 8, 8\)"),
        (IMAGES[:0], LABELS[:0], "images must have a label each, but there are 0 images and 0"),
        (IMAGES, LABELS[:4], "there are 6 images and 4 labels"),
    ],
)
def test_bad_input_is_named(net, images, labels, message):
    with pytest.raises(ValueError, match=message):
        FeatureMaps(net, images, labels)
