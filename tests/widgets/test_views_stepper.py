"""Neighbours and templates, view by view: what they say is right, and it can be read."""

import re

import numpy as np
import pytest

from pytools.data import digits
from pytools.scratch import knn_predict
from pytools.widgets import Readers, compare_views, describe_view, draw_view
from pytools.widgets.figures import check_labels, mimebundle

TRAIN_X, TRAIN_Y = (part[:200] for part in digits("train"))
IMAGE, LABEL = digits("test")[0][10], int(digits("test")[1][10])
VIEWS = {"as it is": IMAGE, "2 pixels to the right": np.roll(IMAGE, 2, axis=2), "blank": 0 * IMAGE}


def scores(images):
    """The mean of each digit as its template."""
    of_each = np.arange(10)[:, None] == TRAIN_Y
    templates = np.stack([TRAIN_X[one].mean(axis=0).ravel() for one in of_each])
    return (images.reshape(len(images), -1) - 0.3) @ (templates - 0.3).T


@pytest.fixture
def readers():
    return Readers(VIEWS, LABEL, TRAIN_X, TRAIN_Y, scores)


def test_the_readers_say_what_the_classifiers_say(readers):
    images = np.stack(list(VIEWS.values()))
    rows, train = images.reshape(len(images), -1), TRAIN_X.reshape(len(TRAIN_X), -1)
    for k in (1, 3, 5):
        voted = Readers(VIEWS, LABEL, TRAIN_X, TRAIN_Y, scores, k).voted
        np.testing.assert_array_equal(voted, knn_predict(train, TRAIN_Y, rows, k, "l2"))
    np.testing.assert_array_equal(readers.scored, scores(images).argmax(axis=1))
    nearest = ((train - rows[0]) ** 2).sum(axis=1).argmin()
    assert readers.near[0, 0] == nearest


def test_the_alt_text_says_who_says_what(readers):
    described = describe_view(readers, 1)
    near = ", ".join(map(str, TRAIN_Y[readers.near[1]]))
    assert described.startswith(
        f"A {LABEL}, 2 pixels to the right. Its nearest neighbours are {near}"
    )
    assert described.endswith(f"The templates say {readers.scored[1]}.")
    assert "\n" not in described


@pytest.mark.parametrize("step", range(len(VIEWS)))
def test_the_figure_shows_it_and_its_texts_do_not_overlap(readers, step):
    fig = draw_view(readers, step)
    check_labels(fig)
    fig.draw_without_rendering()
    seen, *shown, bars = fig.axes
    np.testing.assert_array_equal(seen.images[0].get_array(), list(VIEWS.values())[step][0])
    for ax, row in zip(shown, readers.near[step], strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), TRAIN_X[row, 0])
    np.testing.assert_allclose([p.get_height() for p in bars.patches], readers.scores[step])
    verdict = readers.scored[step]
    right = "right" if verdict == LABEL else "wrong"
    assert bars.get_title() == f"templates say {verdict}: {right}"
    titles = [ax.title for ax in fig.axes] + [fig._suptitle, shown[1].xaxis.label]
    extents = [text.get_window_extent() for text in titles]
    for i, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1, titles[i]
        assert not any(extent.overlaps(other) for other in extents[:i]), titles[i]


def test_views_have_one_size_and_a_look_of_their_own(readers):
    figures = [draw_view(readers, step) for step in range(len(VIEWS))]
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "A view.")[0]["image/png"] for fig in figures}) == len(VIEWS)


def test_buttons_move_the_picture(readers):
    widget = compare_views(VIEWS, LABEL, TRAIN_X, TRAIN_Y, scores)

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert alt() == describe_view(readers, 0)
    widget.next.click()
    assert alt() == describe_view(readers, 1)
    assert widget.slider.max == len(VIEWS) - 1


def test_views_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="views must hold at least one image, but is empty"):
        compare_views({}, LABEL, TRAIN_X, TRAIN_Y, scores)
    with pytest.raises(ValueError, match=r"view 'flat' has shape \(64,\), but the training images"):
        compare_views({"flat": IMAGE.ravel()}, LABEL, TRAIN_X, TRAIN_Y, scores)
