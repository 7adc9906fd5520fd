"""Readings beside what is true: as few marks as the edit distance, and a figure for each line."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import edit_distance
from pytools.widgets import aligned, draw_readings

texts = st.text("abc", max_size=6)


@given(read=texts, true=texts)
@settings(max_examples=30, deadline=None)
def test_alignment_spells_both_and_differs_as_little_as_can_be(read, true):
    pairs = aligned(read, true)
    assert "".join(a for a, _ in pairs if a != "·") == read
    assert "".join(b for _, b in pairs if b != "·") == true
    assert sum(a != b for a, b in pairs) == edit_distance(read, true)


def test_only_wrong_symbols_are_in_colour():
    fig = draw_readings([np.zeros((24, 90))] * 2, ["Anna", "box"], ["Ama", "box"], "Readings")
    first, second = fig.axes
    assert fig.get_suptitle() == "Readings"
    bold = [t.get_text() for t in first.texts if t.get_fontweight() == "bold"]
    assert len(bold) == 4 and set(bold) <= set("nm·")
    assert not any(t.get_fontweight() == "bold" for t in second.texts)
    plt.close(fig)


def test_bad_input_is_said():
    with pytest.raises(ValueError, match="as many, at least one, but are 1, 2 and 0"):
        draw_readings([np.zeros((2, 2))], ["a", "b"], [], "")
    with pytest.raises(ValueError, match="but are 0, 0 and 0"):
        draw_readings([], [], [], "")
