"""Readings beside what is true: wrong symbols are marked, and told in one line."""

import numpy as np
import pytest

from pytools.widgets import describe_readings, draw_readings
from pytools.widgets.figures import check_labels, mimebundle


def test_only_wrong_symbols_are_in_colour():
    fig = draw_readings([np.zeros((24, 90))] * 2, ["Anna", "box"], ["Ama", "box"], "Readings")
    first, second = fig.axes
    assert fig.get_suptitle() == "Readings"
    bold = [t.get_text() for t in first.texts if t.get_fontweight() == "bold"]
    assert len(bold) == 4 and set(bold) <= set("nm·")
    assert not any(t.get_fontweight() == "bold" for t in second.texts)
    check_labels(fig)
    mimebundle(fig, "x")


def test_the_alt_text_says_every_reading_in_one_line():
    text = describe_readings(["Anna", "box", "1"], ["Ama", "box", ""], "Three lines")
    assert text == "Three lines: Anna read as Ama; box read rightly; 1 read as nothing."


def test_bad_input_is_said():
    with pytest.raises(
        ValueError, match="images, texts, read must be as many, at least one, but are 1, 2, 0"
    ):
        draw_readings([np.zeros((2, 2))], ["a", "b"], [], "")
    with pytest.raises(ValueError, match="but are 0, 0, 0"):
        draw_readings([], [], [], "")
    with pytest.raises(
        ValueError, match=r"^texts, read must be as many, at least one, but are 1, 2"
    ):
        describe_readings(["a"], ["a", "b"], "")
