"""Questions about scenes: what can be asked, what the true answer is, and how they are balanced."""

from collections import Counter

import numpy as np
import pytest

from pytools.data import scenes
from pytools.data.scene_questions import (
    ANSWERS,
    KINDS,
    POSSIBLE,
    USUAL,
    parse_question,
    scene_questions,
    true_answer,
)
from pytools.data.scenes import Scene, SceneObject

RED_CIRCLE = SceneObject("circle", "red", "small", -0.7, 0.1)
BLUE_SQUARE = SceneObject("square", "blue", "large", 0.6, 0.0)
RED_CROSS = SceneObject("cross", "red", "small", -0.6, -0.7)
THREE = Scene((RED_CIRCLE, BLUE_SQUARE, RED_CROSS))
FOUND = scenes("train", size=1500)[1]
QUESTIONS = scene_questions(FOUND, np.random.default_rng(0))


@pytest.mark.parametrize(
    "text, answer",
    [
        ("is there a red circle", "yes"),
        ("is there a red square", "no"),
        ("is the red circle left of the blue square", "yes"),
        ("is the blue square left of the red circle", "no"),
        ("is the red circle right of the blue square", "no"),
        ("is the red cross above the red circle", "yes"),
        ("how many shapes are there", "3"),
        ("how many red shapes are there", "2"),
        ("how many crosses are there", "1"),
        ("how many rings are there", "0"),
        ("what colour is the square", "blue"),
        ("what shape is below the red cross", "circle"),
        ("What color is the SQUARE?", "blue"),
    ],
)
def test_true_answers(text, answer):
    assert true_answer(THREE, text) == answer


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "is there a purple cat?",
            "the word 'cat' does not fit after 'is there a purple'; what can stand there: circle, "
            "square, triangle, cross, ring",
        ),
        ("why is it red", "the word 'why' does not fit at the beginning; .*: is, how, what"),
        ("", "the question is not complete at the beginning; what can stand there: is, how, what"),
        ("is the red circle next to the ring", "'next' does not fit after .*: left of, right of"),
        ("is the red circle left", "'left' does not fit after 'is the red circle'"),
        ("how many red", "the question is not complete after 'how many red'; .*: shapes"),
        ("what colour is the ring now", "'now' does not fit after .*; the question ends there"),
    ],
)
def test_a_question_outside_the_grammar_is_one_clear_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_question(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("what colour is the ring", "since there is no ring"),
        ("is the red circle above the white ring", "since there is no white ring"),
        ("what shape is above the red cross", "since there is no shape above the red cross"),
    ],
)
def test_a_question_that_supposes_what_is_not_so_has_no_answer(text, message):
    with pytest.raises(ValueError, match=message):
        true_answer(THREE, text)
    two = Scene((RED_CIRCLE, SceneObject("circle", "red", "large", 0.6, 0.0)))
    with pytest.raises(ValueError, match="since there is more than one circle"):
        true_answer(two, "what colour is the circle")


def test_questions_have_their_true_answers_and_ten_possible_ones():
    assert {question.form for question in QUESTIONS} == set(KINDS)
    for question in QUESTIONS:
        assert parse_question(question.text)[0] == question.form
        assert question.answer == true_answer(FOUND[question.scene], question.text)
        assert question.kind == KINDS[question.form]
        assert len(question.answers) == 10
        assert {question.answer, *question.answers} <= set(POSSIBLE[question.form]) <= set(ANSWERS)


def share(form, hit):
    mine = [question for question in QUESTIONS if question.form == form]
    return np.mean([hit(question) for question in mine])


def test_some_forms_are_balanced_and_others_are_not():
    """Margins of four standard deviations or more of so many questions."""
    assert abs(share("exists", lambda q: q.answer == "yes") - 0.5) < 0.06
    assert abs(share("relation", lambda q: q.answer == "yes") - 0.75) < 0.05
    assert share("count", lambda q: q.answer == "0") < 0.15
    shapes = Counter(question.answer for question in QUESTIONS if question.form == "shape")
    assert max(shapes.values()) < 0.3 * shapes.total()
    usual = share("colour", lambda q: q.answer == USUAL[parse_question(q.text)[1][0]])
    assert 0.4 < usual < 0.75


def test_the_words_of_exists_do_not_give_the_answer_away():
    by_text = {}
    for question in QUESTIONS:
        if question.form == "exists":
            by_text.setdefault(question.text, Counter())[question.answer] += 1
    assert all(counts["yes"] and counts["no"] for counts in by_text.values())


def test_people_mostly_agree_with_the_truth_and_not_always():
    agree = np.array([question.answers.count(question.answer) for question in QUESTIONS])
    assert 9 < agree.mean() < 9.7
    assert agree.min() < 7 and (agree == 10).mean() > 0.2


def test_the_same_generator_gives_the_same_questions():
    one, same, other = (scene_questions(FOUND[:50], np.random.default_rng(k)) for k in (3, 3, 4))
    assert one == same and one != other
