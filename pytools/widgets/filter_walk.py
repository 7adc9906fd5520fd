"""A filter that walks over a small image: stride and padding to choose, one place a step."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytools.scratch import conv2d_forward, conv_output_size
from pytools.widgets.figures import BLUE, mimebundle
from pytools.widgets.stepper import Stepper

STRIDES, PADS = (1, 3), (0, 2)  # from, to
CELL, GAP, HEADER, FOOTER, MARGIN = 0.42, 0.55, 0.75, 0.55, 0.15  # inches
INK = {"idle": "#666666", "now": "#B04600", "done": BLUE}
TINT = {"pixel": "white", "zero": "#EEEEEE", "now": "#FCE9DC", "done": "#E3F1FA"}


class FilterWalk(ipywidgets.VBox):
    """A Stepper over the places of a filter, with a slider each for stride and padding.

    image (N, N) and filter_ (F, F), whole numbers of one or two digits, F <= N; small ones: the
    whole is drawn. Where the stride does not divide, the picture says so.
    """

    def __init__(self, image: np.ndarray, filter_: np.ndarray, stride: int = 1, pad: int = 0):
        self.image, self.filter = _square("image", image), _square("filter_", filter_)
        if len(self.filter) > len(self.image):
            raise ValueError(
                f"filter_ must not be larger than image, "
                f"but they have {len(self.filter)} and {len(self.image)} rows"
            )
        self.stride = ipywidgets.IntSlider(stride, *STRIDES, description="Stride")
        self.pad = ipywidgets.IntSlider(pad, *PADS, description="Padding")
        self.place = ipywidgets.VBox()
        super().__init__([ipywidgets.HBox([self.stride, self.pad]), self.place])
        for slider in (self.stride, self.pad):
            slider.observe(lambda _: self._begin(), names="value")
        self._begin()

    def _begin(self) -> None:
        """Start again at the first place, with the stride and padding that the sliders show."""
        given = self.image, self.filter, self.stride.value, self.pad.value
        misfit = _misfit(*given)
        if misfit:
            data, _ = mimebundle(draw_misfit(*given), misfit)
            self.place.children = [ipywidgets.HTML(data["text/html"])]
            return
        last = len(_results(*given).ravel()) - 1
        self.place.children = [
            Stepper(partial(draw_place, *given), partial(describe_place, *given), last)
        ]

    @property
    def picture(self) -> ipywidgets.HTML:
        (child,) = self.place.children
        return child.picture if isinstance(child, Stepper) else child

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def describe_place(image: np.ndarray, filter_: np.ndarray, stride: int, pad: int, step: int) -> str:
    """What draw_place draws, in one line: its alt text."""
    results = _results(image, filter_, stride, pad)
    row, column = np.unravel_index(step, results.shape)
    return (
        f"An image of {len(image)} by {len(image)} numbers, a filter of {len(filter_)} by "
        f"{len(filter_)}, stride {stride}, padding {pad}. Place {step + 1} of {results.size}, "
        f"row {row + 1} and column {column + 1} of the result: "
        f"{_sum(image, filter_, stride, pad, step)}."
    )


def draw_place(image: np.ndarray, filter_: np.ndarray, stride: int, pad: int, step: int) -> Figure:
    """The filter at one of its places: the image under it, the filter, the results so far."""
    results = _results(image, filter_, stride, pad)
    row, column = np.unravel_index(step, results.shape)
    top, left, f = row * stride, column * stride, len(filter_)
    fig, ax = _canvas(image, filter_)
    board = _Board(ax, image, filter_)
    board.image(image, pad, [(top + i, left + j) for i, j in np.ndindex(f, f)])
    board.filter(filter_, "now")
    board.results(results, step)
    n, side = len(image), len(results)
    zeros = f" + 2·{pad}" if pad else ""
    board.write(
        f"({n} − {f}{zeros}) / {stride} + 1 = {side} places a side: place {step + 1} of {side**2}",
        _sum(image, filter_, stride, pad, step),
    )
    return fig


def draw_misfit(image: np.ndarray, filter_: np.ndarray, stride: int, pad: int) -> Figure:
    """Image and filter, and why there are no places: the stride does not divide."""
    fig, ax = _canvas(image, filter_)
    board = _Board(ax, image, filter_)
    f, padded = len(filter_), len(image) + 2 * pad
    places = range(0, padded - f + 1, stride)
    unseen = [(i, j) for i, j in np.ndindex(padded, padded) if max(i, j) >= places[-1] + f]
    board.image(image, pad, unseen)
    board.filter(filter_, "idle")
    board.write(
        _misfit(image, filter_, stride, pad), "No place of the filter reaches what is marked."
    )
    return fig


class _Board:
    """Where the three grids stand; lengths in inches."""

    def __init__(self, ax: Axes, image: np.ndarray, filter_: np.ndarray):
        self.ax = ax
        n, f = len(image), len(filter_)
        self.largest = n + 2 * PADS[1]  # cells of the padded image
        self.middle = FOOTER + CELL * self.largest / 2
        sizes = self.largest, f, self.largest - f + 1
        starts = np.cumsum([MARGIN, *(CELL * size + GAP for size in sizes)])
        self.centres = [x + CELL * size / 2 for x, size in zip(starts, sizes, strict=False)]

    def image(self, image: np.ndarray, pad: int, marked: list[tuple[int, int]]) -> None:
        padded = np.pad(image, pad)
        inner = range(pad, pad + len(image))
        for i, j in sorted(np.ndindex(padded.shape), key=lambda place: place in marked):
            tint = "pixel" if i in inner and j in inner else "zero"
            looks = ("now", "now") if (i, j) in marked else (tint, "idle")
            self._cell(0, len(padded), i, j, padded[i, j], *looks)
        self._name(0, len(padded), "image" if pad == 0 else "image, with zeros around it")

    def filter(self, filter_: np.ndarray, state: str) -> None:
        for i, j in np.ndindex(filter_.shape):
            tint = "now" if state == "now" else "pixel"
            self._cell(1, len(filter_), i, j, filter_[i, j], tint, state)
        self._name(1, len(filter_), "filter")

    def results(self, results: np.ndarray, step: int) -> None:
        for number, (i, j) in enumerate(np.ndindex(results.shape)):
            if number > step:
                self._cell(2, len(results), i, j, "", "pixel", "idle")
            elif number < step:
                self._cell(2, len(results), i, j, results[i, j], "done", "done")
        i, j = np.unravel_index(step, results.shape)
        self._cell(2, len(results), i, j, results[i, j], "now", "now")
        self._name(2, len(results), "result")

    def write(self, title: str, line: str) -> None:
        width, height = self.ax.figure.get_size_inches()
        self.ax.figure.suptitle(
            title, x=MARGIN / width, y=1 - 0.08 / height, ha="left", fontsize=12
        )
        size = min(12, 12 * (width - 2 * MARGIN) / (0.1 * len(line)))  # 0.1 inch a character at 12
        self.ax.text(MARGIN, FOOTER / 2, line, fontsize=size, va="center")

    def _corner(self, grid: int, size: int) -> tuple[float, float]:
        return self.centres[grid] - CELL * size / 2, self.middle + CELL * size / 2

    def _cell(
        self, grid: int, size: int, i: int, j: int, value: Any, tint: str, state: str
    ) -> None:
        x, y = self._corner(grid, size)
        x, y = x + CELL * j, y - CELL * (i + 1)
        style = {"facecolor": TINT[tint], "edgecolor": INK[state]}
        style["linewidth"] = 0.8 if state == "idle" else 2
        self.ax.add_patch(Rectangle((x, y), CELL, CELL, **style))
        ink = INK[state] if state != "idle" or tint == "zero" else "black"
        middle = {"ha": "center", "va": "center"}
        text = _text(value)
        fontsize = min(11, 36 / max(1, len(text)))  # four characters are as wide as a cell allows
        self.ax.text(x + CELL / 2, y + CELL / 2, text, fontsize=fontsize, color=ink, **middle)

    def _name(self, grid: int, size: int, name: str) -> None:
        x, y = self._corner(grid, size)
        self.ax.text(x + CELL * size / 2, y + 0.1, name, fontsize=11, ha="center", va="bottom")


def _canvas(image: np.ndarray, filter_: np.ndarray) -> tuple[Figure, Axes]:
    """One size for all places, strides and paddings, so that nothing jumps."""
    largest = len(image) + 2 * PADS[1]
    wide = 2 * MARGIN + 2 * GAP + CELL * (2 * largest + 1)
    high = HEADER + CELL * largest + FOOTER
    fig = Figure(figsize=(wide, high), facecolor="white", layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(0, high))
    ax.axis("off")
    return fig, ax


def _results(image: np.ndarray, filter_: np.ndarray, stride: int, pad: int) -> np.ndarray:
    out, _ = conv2d_forward(image[None, None], filter_[None, None], np.zeros(1), stride, pad)
    return out[0, 0]


def _misfit(image: np.ndarray, filter_: np.ndarray, stride: int, pad: int) -> str:
    """Why the filter has no places, '' where it has some."""
    n, f = len(image), len(filter_)
    try:
        conv_output_size(n, f, stride, pad)
    except ValueError:
        zeros = f" + 2·{pad}" if pad else ""
        return f"Stride {stride} does not divide {n} − {f}{zeros} = {n - f + 2 * pad}."
    return ""


def _sum(image: np.ndarray, filter_: np.ndarray, stride: int, pad: int, step: int) -> str:
    """The sum at a place, without its terms that are 0."""
    results = _results(image, filter_, stride, pad)
    row, column = np.unravel_index(step, results.shape)
    window = np.pad(image, pad)[row * stride :, column * stride :]
    terms = list(_terms(window, filter_))
    total = _text(results[row, column])
    return (
        f"{' + '.join(terms)} = {total}" if terms else f"every product is 0, so is the sum: {total}"
    )


def _terms(window: np.ndarray, filter_: np.ndarray) -> Iterator[str]:
    for i, j in np.ndindex(filter_.shape):
        if window[i, j] and filter_[i, j]:
            weight = _text(filter_[i, j])
            yield f"{_text(window[i, j])}·{weight if filter_[i, j] > 0 else f'({weight})'}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.0f}".replace("-", "−")


def _square(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or len(values) != len(values.T) or np.any(values != np.round(values)):
        raise ValueError(f"{name} must be a square of whole numbers, but is {values.tolist()}")
    return values
