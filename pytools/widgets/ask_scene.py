"""A picture to ask questions about, beside the answers and how sure the net is of each."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets
import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from pytools.errors import CourseError
from pytools.widgets.figures import BLUE, STYLE, mimebundle

Answers = Sequence[tuple[str, float]]
SHOWN = 5  # answers at most
SIZE = (7.6, 2.9)  # inches


class AskScene(ipywidgets.VBox):
    """A picture, a box for a question, a list of some to begin with, and the answers.

    image: (H, W, 3) in [0, 1]; answer: question -> [(answer, probability), …]; questions: one or
    more, the first is asked at once. Where `answer` raises ValueError or CourseError its text is
    shown below the box, and the picture stays.
    """

    def __init__(
        self, image: np.ndarray, answer: Callable[[str], Answers], questions: Sequence[str]
    ):
        if not questions:
            raise ValueError("questions must hold one question or more, but is empty")
        self.image, self.answer = image, answer
        self.picture = ipywidgets.HTML()
        self.box = ipywidgets.Text(questions[0], description="Ask", continuous_update=False)
        self.box.layout.width = "32em"
        self.menu = ipywidgets.Dropdown(options=list(questions), description="or take")
        self.menu.layout.width = "32em"
        self.message = ipywidgets.HTML()
        super().__init__([self.picture, self.box, self.message, self.menu])
        self.box.observe(lambda change: self._show(change.new), names="value")
        self.menu.observe(lambda change: setattr(self.box, "value", change.new), names="value")
        self._show(questions[0])

    def _show(self, question: str) -> None:
        try:
            answers = self.answer(question)
        except (CourseError, ValueError) as error:
            text = escape(" ".join(str(error).split()))
            self.message.value = f'<span style="color: #A03000">{text}</span>'
            return
        self.message.value = ""
        alt = describe_answers(question, answers)
        data, _ = mimebundle(draw_answers(self.image, question, answers), alt)
        self.picture.value = data["text/html"]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def describe_answers(question: str, answers: Answers) -> str:
    """What draw_answers draws, in one line: its alt text."""
    best = ", ".join(f"{word} {100 * p:.0f} %" for word, p in _best(answers))
    return f"A scene, and the question: {' '.join(question.split()).rstrip('?')}? Answers: {best}."


def draw_answers(image: np.ndarray, question: str, answers: Answers) -> Figure:
    """The picture (H, W, 3) in [0, 1], and beside it the most probable answers as bars.

    answers: (word, probability), one or more, in any order. Raises ValueError where there is none.
    """
    best = _best(answers)
    names, values = [word for word, _ in best], [p for _, p in best]
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        scene, bars = fig.subplots(1, 2, width_ratios=(1, 1.5))
        scene.imshow(np.clip(image, 0, 1), interpolation="nearest")
        scene.axis("off")
        places = np.arange(len(best))
        bars.barh(places, values, color=BLUE, height=0.6)
        for place, value in zip(places, values, strict=True):
            bars.text(value + 0.02, place, f"{value:.2f}", va="center", fontsize=10)
        bars.set(xlim=(0, 1.15), ylim=(SHOWN - 0.4, -0.6), yticks=places, yticklabels=names)
        bars.set(xlabel="probability", ylabel="answer", xticks=np.linspace(0, 1, 6))
        bars.grid(axis="y", visible=False)
        fig.suptitle(_shortened(question), fontsize=12)
    return fig


def _best(answers: Answers) -> list[tuple[str, float]]:
    """The most probable answers, the first first."""
    if not len(answers):
        raise ValueError("answers must hold one answer or more, but is empty")
    return sorted(answers, key=lambda pair: -pair[1])[:SHOWN]


def _shortened(question: str, most: int = 75) -> str:
    words = " ".join(question.split())
    return words if len(words) <= most else words[: most - 2].rstrip() + " …"
