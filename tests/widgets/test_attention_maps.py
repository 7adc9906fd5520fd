"""Attention maps: clear where the net looks, one picture a word, each width asked for once."""

import re

import numpy as np
import pytest

from pytools.widgets import AttentionMaps, describe_attention, draw_attention
from pytools.widgets.figures import check_labels, mimebundle


def maps(*places, shape=(4, 4)):
    """Weights that are nearly 1 at a place (row, column) for each word."""
    weights = np.full((len(places), *shape), 0.01)
    for w, place in zip(weights, places, strict=True):
        w[place] = 0.85
    return weights


def pictures(fig):
    return [ax.images[0].get_array() for ax in fig.axes if ax.images]


def test_clear_where_the_net_looks_and_faded_elsewhere():
    image = np.zeros((16, 16, 3))
    fig = draw_attention(image, ["red", "circle"], maps((0, 0), (3, 2)))
    whole, red, circle = pictures(fig)
    assert np.all(whole == 0)
    assert np.all(red[1, 1] < 0.05) and np.all(red[14, 10] > 0.8)
    assert np.all(circle[14, 10] < 0.2) and np.all(circle[1, 1] > 0.8)
    assert np.all((red >= 0) & (red <= 1))


def test_each_word_has_its_name_and_its_largest_share():
    fig = draw_attention(np.zeros((8, 8, 3)), ["red", "circle"], maps((0, 0), (3, 2)), "A title")
    titles = [ax.get_title() for ax in fig.axes if ax.get_title()]
    assert titles == ["the picture", "red  85 %", "circle  85 %"]
    assert fig.get_suptitle() == "A title"
    check_labels(fig)
    mimebundle(fig, "x")


@pytest.mark.parametrize("words", [1, 5, 6, 17])
def test_any_number_of_words_and_any_shape_of_maps(words):
    weights = np.random.default_rng(0).random((words, 3, 5))
    fig = draw_attention(np.ones((9, 12, 3)), ["word"] * words, weights)
    assert len(pictures(fig)) == words + 1
    one = draw_attention(np.ones((9, 12, 3)), ["word"], np.ones((1, 1, 1)))
    assert np.all(pictures(one)[1] == 1)


def test_the_alt_text_says_the_places_in_one_line():
    weights = np.concatenate([maps((0, 0), (3, 3), (0, 2)), np.full((1, 4, 4), 1 / 16)])
    text = describe_attention(["red", "circle", "of", "a"], weights, "Beam width 2")
    assert "\n" not in text
    assert text.startswith("Beam width 2: red circle of a.")
    assert "red top left, circle bottom right, of top middle, a everywhere." in text


def test_the_slider_asks_for_each_width_once():
    asked = []

    def caption(width):
        asked.append(width)
        return ["word"] * width, maps(*[(0, 0)] * width)

    widget = AttentionMaps(np.zeros((8, 8, 3)), caption, widest=3)
    first = widget.picture.value
    widget.slider.value = 3
    assert widget.picture.value != first
    assert "Beam width 3: word word word." in re.search('alt="([^"]*)"', widget.picture.value)[1]
    widget.slider.value = 1
    assert widget.picture.value == first and asked == [1, 3]
    assert widget._repr_mimebundle_()["text/html"] == first


@pytest.mark.parametrize("tokens, shape", [(["a"], (2, 4, 4)), (["a"], (4, 4)), ([], (0, 4, 4))])
def test_words_and_weights_that_do_not_fit(tokens, shape):
    with pytest.raises(ValueError, match=r"weights must be \(words, h, w\) for .*but have shape"):
        draw_attention(np.zeros((8, 8, 3)), tokens, np.zeros(shape))


def test_a_picture_of_another_shape():
    with pytest.raises(ValueError, match=r"image must be \(H, W, 3\), but has shape \(3, 8, 8\)"):
        draw_attention(np.zeros((3, 8, 8)), ["a"], maps((0, 0)))
