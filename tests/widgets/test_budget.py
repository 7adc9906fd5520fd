"""The budget slider: bars and whiskers are the study's numbers, and one can read them."""

import re

import numpy as np
import pytest

from pytools.widgets import Study, budget_slider, describe_budget, draw_budget
from pytools.widgets.figures import check_labels, mimebundle

RNG = np.random.default_rng(0)
BUDGETS = (1, 4, 16)
STUDY = Study(
    BUDGETS,
    {
        name: np.array([[base], [base + 0.1], [base + 0.2]]) + RNG.uniform(0, 0.05, (3, 5))
        for name, base in {"raw pixels": 0.1, "visual words": 0.4, "features": 0.7}.items()
    },
    chance=0.1,
)


@pytest.mark.parametrize("step", range(len(BUDGETS)))
def test_bars_and_whiskers_are_the_numbers(step):
    fig = draw_budget(STUDY, step)
    check_labels(fig)
    bars, curves = fig.axes
    values = np.array([accuracies[step] for accuracies in STUDY.accuracies.values()])
    np.testing.assert_allclose([bar.get_height() for bar in bars.patches], values.mean(axis=1))
    ends = [whisker.get_segments()[0][:, 1] for whisker in bars.collections]
    np.testing.assert_allclose(ends, np.stack([values.min(axis=1), values.max(axis=1)], axis=1))
    for line, accuracies in zip(curves.get_lines(), STUDY.accuracies.values(), strict=False):
        np.testing.assert_allclose(line.get_ydata(), np.mean(accuracies, axis=1))


@pytest.mark.parametrize("step", range(len(BUDGETS)))
def test_texts_do_not_overlap(step):
    fig = draw_budget(STUDY, step)
    fig.draw_without_rendering()
    bars, curves = fig.axes
    texts = [*bars.texts, *bars.get_xticklabels(), fig._suptitle, curves.xaxis.label]
    extents = [text.get_window_extent() for text in [*texts, bars.xaxis.label]]
    for i, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
        assert not any(extent.overlaps(other) for other in extents[:i])


def test_the_alt_text_holds_the_numbers():
    described = describe_budget(STUDY, 0)
    assert described.startswith("Test accuracy with 1 label a class: raw pixels 0.1")
    values = STUDY.accuracies["features"][2]
    words = f"features {values.mean():.2f}, from {values.min():.2f} to {values.max():.2f}"
    assert words in describe_budget(STUDY, 2)
    assert "with 16 labels a class" in describe_budget(STUDY, 2)
    assert "\n" not in described


def test_the_slider_moves_the_picture():
    widget = budget_slider(STUDY)

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert alt() == describe_budget(STUDY, 0) and widget.slider.max == 2
    widget.slider.value = 2
    assert alt() == describe_budget(STUDY, 2)


def test_steps_have_one_size_and_a_look_of_their_own():
    figures = [draw_budget(STUDY, step) for step in range(3)]
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "Bars.")[0]["image/png"] for fig in figures}) == 3


def test_a_study_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at least one budget and one representation"):
        Study((), {}, 0.1)
    with pytest.raises(ValueError, match=r"accuracies of 'a' must be \(budgets, seeds\) for 2"):
        Study((1, 2), {"a": np.zeros((3, 5))}, 0.1)
    with pytest.raises(ValueError, match=r"but have shape \(2,\)"):
        Study((1, 2), {"a": np.zeros(2)}, 0.1)
