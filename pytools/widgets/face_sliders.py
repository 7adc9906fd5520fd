"""A face whose score answers to sliders, beside what annotators and a model think of it."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from pytools.data.faces import DETAILS, TOP, draw_faces, face_scores, sample_faces
from pytools.widgets.figures import BLUE, VERMILION, mimebundle

SIDE = 32
SHOWN = {"mouth_curve": "Mouth", "eye_size": "Eye size", "eye_spacing": "Spacing"}
SHOWN |= {"asymmetry": "Asymmetry"}  # what the sliders are called


class FaceSliders(ipywidgets.VBox):
    """A face with a slider for each detail, and one that chooses the scene.

    model: takes a picture, float32 (1, 3, 32, 32) in [0, 1], and returns its score (1,), in points;
    None: the true score alone is shown. seed: of the scenes.
    """

    def __init__(self, model: Callable | None = None, seed: int = 0):
        self.model, self.seed = model, seed
        self.sliders = {
            name: ipywidgets.FloatSlider(
                (low + high) / 2, min=low, max=high, step=0.1, description=SHOWN[name]
            )
            for name, (low, high) in DETAILS.items()
        }
        self.scene = ipywidgets.IntSlider(0, 0, 19, description="Scene")
        self.picture = ipywidgets.HTML()
        super().__init__([self.picture, *self.sliders.values(), self.scene])
        for slider in (*self.sliders.values(), self.scene):
            slider.observe(lambda _: self._show(), names="value")
        self._show()

    def _show(self) -> None:
        details = {name: slider.value for name, slider in self.sliders.items()}
        image, score, guess = judged(details, self.scene.value, self.model, self.seed)
        alt = describe_face(details, score, guess)
        data, _ = mimebundle(draw_face(image, score, guess), alt)
        self.picture.value = data["text/html"]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def judged(
    details: Mapping[str, float], scene: int, model: Callable | None, seed: int = 0
) -> tuple[np.ndarray, float, float | None]:
    """A face with these details in a scene: its picture (3, 32, 32), its true score, the model's.

    Raises ValueError for a detail that is not there.
    """
    if unknown := sorted(details.keys() - DETAILS.keys()):
        raise ValueError(f"details must be among {', '.join(DETAILS)}, but hold {unknown}")
    face = sample_faces(1, np.random.default_rng([seed, scene]))
    face |= {name: np.array([value], np.float32) for name, value in details.items()}
    image = draw_faces(face, SIDE)
    guess = None if model is None else float(np.clip(model(image)[0], 0, TOP))
    return image[0], float(face_scores(face)[0]), guess


def describe_face(details: Mapping[str, float], score: float, guess: float | None) -> str:
    """What draw_face draws, in one line: its alt text."""
    words = ", ".join(f"{SHOWN[name].lower()} {value:.1f}" for name, value in details.items())
    opinion = "" if guess is None else f"; the model says {guess:.1f}"
    return f"A generated face with {words}. Its true score is {score:.1f} of {TOP}{opinion}."


def draw_face(image: np.ndarray, score: float, guess: float | None) -> Figure:
    """A picture (3, S, S), and beside it a scale with the true score and the model's."""
    fig = Figure(figsize=(5.6, 3.0), facecolor="white", layout="none")
    face = fig.add_axes((0.02, 0.04, 0.5, 0.84), xticks=[], yticks=[])
    face.imshow(image.transpose(1, 2, 0), interpolation="nearest")
    fig.suptitle("A face and its score", fontsize=12)
    scale = fig.add_axes((0.66, 0.12, 0.1, 0.72), xlim=(0, 1), ylim=(0, TOP), xticks=[])
    scale.set_ylabel("score")
    scale.set_yticks(range(TOP + 1))
    marks = [("true score", score, BLUE, "-")]
    if guess is not None:
        marks.append(("the model", guess, VERMILION, "--"))
    heights = [value for _, value, _, _ in marks]
    if guess is not None and abs(score - guess) < 1:  # texts keep apart, and on the scale
        middle, sign = np.clip(np.mean(heights), 0.5, TOP - 0.5), 1 if score >= guess else -1
        heights = [middle + sign * 0.5, middle - sign * 0.5]
    for (name, value, colour, style), height in zip(marks, heights, strict=True):
        scale.axhline(value, color=colour, linestyle=style, linewidth=3, clip_on=False)
        words = {"color": colour, "fontsize": 11, "va": "center", "clip_on": False}
        scale.text(1.25, height, f"{name} {value:.1f}", **words)
    return fig
