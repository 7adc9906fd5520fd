"""Digits in a plane: what is drawn is what was learned, and it can be read."""

import re

import numpy as np
import pytest

from pytools.data import digits
from pytools.scratch import recall_at_k
from pytools.widgets import describe_plane, draw_plane, embedding, explore_plane, learn_plane
from pytools.widgets.figures import check_labels

IMAGES, LABELS = (part[:250] for part in digits("train"))
NEW = (3, 5, 8)
MOMENTS = (0, 10, 80)


@pytest.fixture(scope="module")
def plane():
    return learn_plane(IMAGES, LABELS, NEW, "triplets", 1.0, MOMENTS)


def test_training_parts_the_digits_that_it_sees(plane):
    assert plane.points.shape == (3, 250, 2)
    seen = ~np.isin(LABELS, NEW)
    before, after = (recall_at_k(plane.points[m][seen], LABELS[seen], 1) for m in (0, 2))
    assert plane.recall(2)[0] == after > before + 0.2


def test_equal_seeds_give_equal_planes_and_torch_s_own_state_is_left_alone(plane):
    import torch

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    again = learn_plane(IMAGES, LABELS, NEW, "triplets", 1.0, MOMENTS)
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(again.points, plane.points)


def test_same_pairs_only_collapse():
    plane = learn_plane(IMAGES, LABELS, NEW, "same pairs only", moments=(0, 300))
    before, after = (np.ptp(points, axis=0).max() for points in plane.points)
    assert after < 0.2 * before


@pytest.mark.parametrize("moment", range(len(MOMENTS)))
def test_the_figure_shows_the_points_and_its_texts_fit(plane, moment):
    fig = draw_plane(plane, moment)
    check_labels(fig)
    fig.draw_without_rendering()
    (ax,) = fig.axes
    drawn = np.concatenate([dots.get_offsets() for dots in ax.collections])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(plane.points[moment], axis=0))
    extent = ax.title.get_window_extent()
    assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
    assert f"Step {MOMENTS[moment]}" in ax.get_title()


def test_one_scale_for_all_moments(plane):
    limits = {draw_plane(plane, m).axes[0].get_xlim() for m in range(len(MOMENTS))}
    assert len(limits) == 1


def test_the_alt_text_says_what_was_learned(plane):
    seen, new = plane.recall(2)
    text = describe_plane(plane, 2)
    assert "after 80 steps, triplets, alpha 1" in text and "\n" not in text
    assert f"{seen:.0%} of the digits trained on" in text and f"{new:.0%} of the new ones" in text


def test_controls_move_the_picture(monkeypatch):
    calls = []

    def learn(images, labels, new, loss, margin, seed):
        calls.append((loss, margin))
        points = np.random.default_rng(len(calls)).standard_normal((5, len(labels), 2))
        return embedding.Plane(loss, margin, embedding.MOMENTS, points, labels, new)

    monkeypatch.setattr(embedding, "learn_plane", learn)
    widget = explore_plane(IMAGES, LABELS, NEW)

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert "after 300 steps, triplets, alpha 1" in alt()
    widget.moment.value = 1
    assert "after 20 steps" in alt() and len(calls) == 1
    widget.margin.value = 10.0
    widget.loss.value = "pairs"
    assert "pairs, margin 10" in alt() and not widget.margin.disabled
    widget.loss.value = "distance ratio"
    assert "distance ratio:" in alt() and widget.margin.disabled
    widget.loss.value = "pairs"
    assert calls == [
        ("triplets", 1.0),
        ("triplets", 10.0),
        ("pairs", 10.0),
        ("distance ratio", 1.0),
    ]


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(ValueError, match="new must name some classes and not all"):
        learn_plane(IMAGES, LABELS, range(10))
    with pytest.raises(ValueError, match=r"loss must be one of pairs, .* but is 'hinge'"):
        learn_plane(IMAGES, LABELS, NEW, "hinge")
