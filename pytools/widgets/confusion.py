"""A confusion matrix whose cells can be opened: the images that were taken for something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytools.widgets.figures import STYLE, VERMILION, mimebundle

SIZE = (9.6, 4.6)
COLUMNS, ROWS = 6, 4  # of the images that are shown of a cell


class ConfusionImages(ipywidgets.VBox):
    """A confusion matrix beside the images of one of its cells, which can be chosen.

    images (N, C, H, W) from 0 to 1, C being 1 or 3; pred and true (N,), class numbers from 0;
    classes: their names. It opens on the largest mistake.
    """

    def __init__(
        self, images: np.ndarray, pred: np.ndarray, true: np.ndarray, classes: Sequence[str]
    ):
        self.images, self.pred, self.true = (np.asarray(a) for a in (images, pred, true))
        self.classes = tuple(map(str, classes))
        check_input(self.images, self.pred, self.true, self.classes)
        self.mistakes = largest_mistakes(self.pred, self.true, len(self.classes))
        names = [(name, k) for k, name in enumerate(self.classes)]
        self.row = ipywidgets.Dropdown(options=names, description="True class")
        self.column = ipywidgets.Dropdown(options=names, description="Taken for")
        self.next = ipywidgets.Button(description="Next mistake", icon="arrow-right")
        self.next.disabled = not self.mistakes
        self.picture = ipywidgets.HTML()
        super().__init__([ipywidgets.HBox([self.row, self.column, self.next]), self.picture])
        self.row.observe(lambda change: self.draw(), names="value")
        self.column.observe(lambda change: self.draw(), names="value")
        self.next.on_click(lambda _: self.select_next())
        self.draw()
        if self.mistakes:
            self.select(self.mistakes[0])

    @property
    def cell(self) -> tuple[int, int]:
        return self.row.value, self.column.value

    def select(self, cell: tuple[int, int]) -> None:
        """Show the images of true class cell[0] that were taken for cell[1]."""
        self.row.value, self.column.value = cell

    def select_next(self) -> None:
        """The next smaller mistake; after the last one, the largest again."""
        at = self.mistakes.index(self.cell) if self.cell in self.mistakes else -1
        self.select(self.mistakes[(at + 1) % len(self.mistakes)])

    def draw(self) -> None:
        """The picture of the chosen cell."""
        given = (self.pred, self.true, self.classes, self.cell)
        data, _ = mimebundle(draw_confusion(self.images, *given), describe_confusion(*given))
        self.picture.value = data["text/html"]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def check_input(
    images: np.ndarray, pred: np.ndarray, true: np.ndarray, classes: Sequence[str]
) -> None:
    """ValueError where they do not fit each other."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images must be (N, 1 or 3, H, W), but have shape {images.shape}")
    if not len(images) == len(pred) == len(true) or len(images) == 0:
        raise ValueError(
            "each image needs a prediction and a true class, but there are "
            f"{len(images)} images, {len(pred)} predictions and {len(true)} classes"
        )
    for name, numbers in (("pred", pred), ("true", true)):
        if numbers.min() < 0 or numbers.max() >= len(classes):
            raise ValueError(
                f"{name} must be class numbers from 0 to {len(classes) - 1}, but goes from "
                f"{numbers.min()} to {numbers.max()}"
            )


def counted(pred: np.ndarray, true: np.ndarray, classes: int) -> np.ndarray:
    """The confusion matrix, true classes in rows."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (true, pred), 1)
    return counts


def largest_mistakes(pred: np.ndarray, true: np.ndarray, classes: int) -> list[tuple[int, int]]:
    """The cells off the diagonal that hold images, the fullest first."""
    counts = counted(pred, true, classes)
    cells = [(t, p) for t, p in zip(*map(np.ndarray.tolist, counts.nonzero()), strict=True)]
    return sorted((cell for cell in cells if cell[0] != cell[1]), key=lambda c: -counts[c])


def describe_confusion(
    pred: np.ndarray, true: np.ndarray, classes: Sequence[str], cell: tuple[int, int]
) -> str:
    """What draw_confusion draws, in one line: its alt text."""
    counts = counted(pred, true, len(classes))
    t, p = cell
    name, other = classes[t], classes[p]
    what = "rightly taken for it" if t == p else f"taken for {other}"
    return (
        f"Confusion matrix of {counts.sum()} images, {np.trace(counts)} of them right. The chosen "
        f"cell: {counts[cell]} of {counts[t].sum()} images of {name} are {what}."
    )


def draw_confusion(
    images: np.ndarray,
    pred: np.ndarray,
    true: np.ndarray,
    classes: Sequence[str],
    cell: tuple[int, int],
) -> Figure:
    """The matrix with one cell framed, and beside it the first images of this cell."""
    counts = counted(pred, true, len(classes))
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        left, right = fig.subplots(1, 2)
    draw_counts(left, counts, classes)
    frame = dict(fill=False, color=VERMILION, linewidth=3, clip_on=False)  # whole at the border
    left.add_patch(Rectangle((cell[1] - 0.5, cell[0] - 0.5), 1, 1, **frame))
    chosen = images[(true == cell[0]) & (pred == cell[1])]
    if len(chosen):
        sheet = side_by_side(chosen[: COLUMNS * ROWS])
        right.imshow(sheet, vmin=0, vmax=1, cmap="gray_r", interpolation="nearest")
    right.axis("off")
    shown = min(len(chosen), COLUMNS * ROWS)
    words = f"{classes[cell[0]]}, taken for {classes[cell[1]]}"
    title = f"{words}: {shown} of {len(chosen)}" if shown else f"{words}: none"
    right.set_title(title, loc="left")
    return fig


def draw_counts(ax: Axes, counts: np.ndarray, classes: Sequence[str]) -> None:
    """Counts as numbers; the darker a cell, the larger its share of the row."""
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (t, p), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[t, p] > 0.5 else "black"
            ax.text(p, t, str(count), ha="center", va="center", color=colour, fontsize=9)
    upright = max(map(len, classes)) <= 2
    ax.set_xticks(range(len(classes)), classes, rotation=0 if upright else 60)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(title="confusion matrix", xlabel="taken for", ylabel="true class")
    ax.grid(False)


def side_by_side(images: np.ndarray) -> np.ndarray:
    """Images (K, C, H, W) in rows of COLUMNS, one pixel apart: (rows, columns) or (.., .., 3)."""
    _, channels, height, width = images.shape
    paper = 0.0 if channels == 1 else 1.0  # grey images are ink on paper, coloured ones light
    sheet = np.full((ROWS, COLUMNS, height + 1, width + 1, channels), paper)
    for number, image in enumerate(images):
        sheet[divmod(number, COLUMNS)][:height, :width] = image.transpose(1, 2, 0)
    sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(ROWS * (height + 1), -1, channels)
    return np.clip(sheet[..., 0] if channels == 1 else sheet, 0, 1)
