"""Questions to a scene: answers as bars; what cannot be asked is said, and nothing breaks."""

import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pytools.errors import CourseError
from pytools.widgets import AskScene, describe_answers, draw_answers
from pytools.widgets.figures import check_labels, mimebundle

IMAGE = np.full((16, 16, 3), 0.5)


def answer(question):
    if "purple" in question:
        raise ValueError("the word <purple> is not known:\nask for red or blue")
    if "cat" in question:
        raise CourseError("there are no cats here")
    return [("no", 0.2), ("yes", 0.8)] if "red" in question else [("yes", 0.1), ("no", 0.9)]


def alt(widget):
    return re.search('alt="([^"]*)"', widget.picture.value)[1]


def test_the_first_question_is_asked_at_once_and_others_from_box_and_menu():
    widget = AskScene(IMAGE, answer, ["is there a red circle?", "is it blue?"])
    assert alt(widget).endswith("is there a red circle? Answers: yes 80 %, no 20 %.")
    widget.menu.value = "is it blue?"
    assert widget.box.value == "is it blue?" and "no 90 %" in alt(widget)
    widget.box.value = "is there a red square?"
    assert "red square? Answers: yes 80 %" in alt(widget)
    assert widget._repr_mimebundle_()["text/html"] == widget.picture.value


@pytest.mark.parametrize("question, line", [("purple?", "&lt;purple&gt;"), ("a cat?", "no cats")])
def test_a_question_outside_the_grammar_gives_one_line(question, line):
    widget = AskScene(IMAGE, answer, ["is there a red circle?"])
    before = widget.picture.value
    widget.box.value = question
    assert line in widget.message.value and "\n" not in widget.message.value
    assert widget.picture.value == before
    widget.box.value = "is it blue?"
    assert widget.message.value == "" and widget.picture.value != before


def test_other_errors_are_no_answers():
    with pytest.raises(ZeroDivisionError):
        AskScene(IMAGE, lambda question: 1 / 0, ["why?"])


def test_the_five_best_as_bars_in_order():
    answers = [(f"answer {i}", p) for i, p in enumerate((0.05, 0.3, 0.1, 0.25, 0.2, 0.08))]
    fig = draw_answers(IMAGE, "what is it?", answers)
    check_labels(fig)
    bars = fig.axes[1]
    assert [bar.get_width() for bar in bars.patches] == [0.3, 0.25, 0.2, 0.1, 0.08]
    names = [label.get_text() for label in bars.get_yticklabels()]
    assert names == ["answer 1", "answer 3", "answer 4", "answer 2", "answer 5"]
    assert fig.get_suptitle() == "what is it?"


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_texts_stay_inside(probability):
    question = "is the small grey triangle above the large green square and so on and on? " * 3
    fig = draw_answers(IMAGE, question, [("a long answer", probability)])
    mimebundle(fig, "x")
    renderer = FigureCanvasAgg(fig).get_renderer()
    width, height = fig.get_size_inches() * fig.dpi
    for text in (fig._suptitle, *fig.axes[1].texts, *fig.axes[1].get_yticklabels()):
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height


def test_one_line_says_it_all():
    text = describe_answers("is it\nred?", [("no", 0.25), ("yes", 0.75)])
    assert text == "A scene, and the question: is it red? Answers: yes 75 %, no 25 %."


def test_nothing_to_ask_and_nothing_to_answer():
    with pytest.raises(ValueError, match="questions must hold one question or more"):
        AskScene(IMAGE, answer, [])
    with pytest.raises(ValueError, match="answers must hold one answer or more"):
        draw_answers(IMAGE, "what?", [])
