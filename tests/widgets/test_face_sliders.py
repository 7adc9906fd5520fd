"""Faces with sliders: the score answers, the model is asked, texts stay apart and inside."""

import itertools
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pytools.data.faces import DETAILS
from pytools.widgets import FaceSliders, describe_face, draw_face, judged
from pytools.widgets.figures import check_labels, mimebundle


def alt(sliders):
    return re.search('alt="([^"]*)"', sliders.picture.value).group(1)


def test_the_score_answers_to_each_slider():
    sliders = FaceSliders()
    before = alt(sliders)
    for name, better in [("mouth_curve", 0.3), ("eye_size", 0.7), ("asymmetry", 0.3)]:
        sliders.sliders[name].value = better
        now = alt(sliders)
        assert now != before
        true = [float(re.search(r"score is (\d\.\d)", text).group(1)) for text in (before, now)]
        assert true[1] > true[0]
        before = now
    assert "the model" not in before


def test_another_scene_is_another_picture_of_the_same_score():
    sliders = FaceSliders()
    text, picture = alt(sliders), sliders.picture.value
    sliders.scene.value = 3
    assert alt(sliders) == text and sliders.picture.value != picture


def test_the_model_sees_the_picture_and_its_opinion_is_shown():
    seen = []

    def model(images):
        seen.append(images)
        return np.array([12.0])

    sliders = FaceSliders(model)
    assert seen[0].shape == (1, 3, 32, 32) and seen[0].dtype == np.float32
    assert alt(sliders).endswith("; the model says 9.0.")  # the scale ends there
    sliders.sliders["eye_size"].value = 1
    assert len(seen) == 2 and not np.array_equal(*seen)


@pytest.mark.parametrize("score, guess", [(4.0, None), (0, 0), (9, 9), (3.3, 3.4), (0.2, 8.7)])
def test_texts_stay_apart_and_inside(score, guess):
    fig = draw_face(np.zeros((3, 32, 32)), score, guess)
    check_labels(fig)
    mimebundle(fig, "x")
    renderer = FigureCanvasAgg(fig).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in fig.axes[1].texts]
    width, height = fig.get_size_inches() * fig.dpi
    for box in boxes:
        assert box.x0 > 0 and box.x1 < width and box.y0 > 0 and box.y1 < height
    assert len(boxes) == 1 + (guess is not None)
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))


def test_one_line_says_it_all():
    details = {name: 0.5 for name in DETAILS}
    text = describe_face(details, 4.25, 6.0)
    assert "\n" not in text and "asymmetry 0.5" in text and text.endswith("model says 6.0.")


def test_an_unknown_detail_is_refused():
    with pytest.raises(ValueError, match=r"details must be among mouth_curve, .*\['nose'\]"):
        judged({"nose": 1}, 0, None)
