"""The confusion matrix with its images: what is drawn is what is in the cell."""

import re

import numpy as np
import pytest

from pytools.data import digits
from pytools.widgets import ConfusionImages, describe_confusion, draw_confusion
from pytools.widgets.confusion import COLUMNS, largest_mistakes
from pytools.widgets.figures import check_labels

IMAGES = digits("test")[0][:40]
TRUE = np.repeat([0, 1, 2, 3], 10)
PRED = TRUE.copy()
PRED[[3, 5, 8]] = 1  # three of class 0 are taken for 1
PRED[[25]] = 0
NAMES = ["none", "one", "two", "three"]


@pytest.fixture
def widget():
    return ConfusionImages(IMAGES, PRED, TRUE, NAMES)


def alt(widget):
    return re.search('alt="([^"]*)"', widget.picture.value).group(1)


def test_it_opens_on_the_largest_mistake_and_goes_on(widget):
    assert largest_mistakes(PRED, TRUE, 4) == [(0, 1), (2, 0)]
    assert widget.cell == (0, 1)
    assert alt(widget) == describe_confusion(PRED, TRUE, NAMES, (0, 1))
    assert "3 of 10 images of none are taken for one" in alt(widget)
    widget.next.click()
    assert widget.cell == (2, 0) and "1 of 10 images of two" in alt(widget)
    widget.next.click()
    assert widget.cell == (0, 1)
    assert widget._repr_mimebundle_()["text/html"] == widget.picture.value


def test_a_cell_can_be_chosen(widget):
    widget.row.value, widget.column.value = 3, 3
    assert "10 of 10 images of three are rightly taken for it" in alt(widget)
    widget.next.click()
    assert widget.cell == (0, 1)


def test_the_images_are_those_of_the_cell_upright():
    fig = draw_confusion(IMAGES, PRED, TRUE, NAMES, (0, 1))
    check_labels(fig)
    sheet = np.asarray(fig.axes[1].images[0].get_array())
    for place, number in enumerate([3, 5, 8]):
        left = place * 9
        np.testing.assert_array_equal(sheet[:8, left : left + 8], IMAGES[number, 0])
    assert sheet.shape[1] == COLUMNS * 9 and not sheet[9:].any()
    counts = [text.get_text() for text in fig.axes[0].texts]
    assert counts == ["7", "3", "10", "1", "9", "10"]


def test_an_empty_cell_and_coloured_images():
    fig = draw_confusion(IMAGES, PRED, TRUE, NAMES, (3, 0))
    assert not fig.axes[1].images
    assert fig.axes[1].get_title(loc="left") == "three, taken for none: none"
    colour = np.random.default_rng(0).random((40, 3, 4, 4))
    sheet = draw_confusion(colour, PRED, TRUE, NAMES, (0, 1)).axes[1].images[0].get_array()
    np.testing.assert_allclose(sheet[:4, :4], colour[3].transpose(1, 2, 0))


def test_texts_stay_inside_and_apart():
    names = ["airplane", "automobile", "bird", "deer"]
    fig = draw_confusion(IMAGES, PRED, TRUE, names, (1, 1))
    fig.draw_without_rendering()
    titles = [t for ax in fig.axes for t in (ax.title, ax._left_title, ax.xaxis.label)]
    extents = [t.get_window_extent() for t in titles if t.get_text()]
    for i, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1
        assert not any(extent.overlaps(other) for other in extents[:i])


def test_nothing_wrong_is_no_next_mistake():
    widget = ConfusionImages(IMAGES, TRUE, TRUE, NAMES)
    assert widget.next.disabled and widget.cell == (0, 0)


@pytest.mark.parametrize(
    "args, message",
    [
        ((IMAGES[:, 0], PRED, TRUE, NAMES), r"images must be \(N, 1 or 3, H, W\)"),
        ((IMAGES, PRED[:9], TRUE, NAMES), "there are 40 images, 9 predictions and 40 classes"),
        ((IMAGES, PRED, TRUE, NAMES[:3]), "true must be class numbers from 0 to 2|pred must be"),
    ],
)
def test_bad_input_is_named(args, message):
    with pytest.raises(ValueError, match=message):
        ConfusionImages(*args)
