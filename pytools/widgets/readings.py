"""Lines with what was read on them, the wrong symbols marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.scratch import edit_alignment
from pytools.widgets.figures import STYLE, VERMILION

GAP = "·"  # stands where the other text has a symbol and this one has none


def describe_readings(texts: Sequence[str], read: Sequence[str], title: str) -> str:
    """What draw_readings draws, in one line: its alt text."""
    _require_as_many(texts=texts, read=read)
    lines = (
        f"{text} read as {said or 'nothing'}" if text != said else f"{text} read rightly"
        for text, said in zip(texts, read, strict=True)
    )
    return f"{title}: {'; '.join(lines)}."


def draw_readings(
    images: Sequence[np.ndarray], texts: Sequence[str], read: Sequence[str], title: str
) -> Figure:
    """Each line's image (H, W), 1 is ink; below it what is true, and what was read.

    Wrong symbols are bold and in colour, left-out ones a dot. Raises ValueError where there are no
    lines, or not as many of each.
    """
    _require_as_many(images=images, texts=texts, read=read)
    with style.context(STYLE):
        fig = Figure(figsize=(6.4, 0.95 * len(images) + 0.4))
        axes = fig.subplots(len(images), 1, squeeze=False)[:, 0]
        for ax, image, text, said in zip(axes, images, texts, read, strict=True):
            ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            ax.set_anchor("W")
            ax.axis("off")
            pairs = edit_alignment(said, text)
            for name, row in (("true", 1), ("read", 0)):
                below = -11 - 12 * (1 - row)  # points
                _write(ax, name, 0, below, color="grey")
                for place, pair in enumerate(pairs):
                    wrong = {"color": VERMILION, "fontweight": "bold"} if pair[0] != pair[1] else {}
                    _write(ax, pair[row] or GAP, 36 + 6.6 * place, below, **wrong)
        fig.suptitle(title, fontsize=11)
    return fig


def _write(ax: Axes, text: str, right: float, up: float, **look: str) -> None:
    """Text so many points to the right of the lower left corner, and above it."""
    ax.annotate(
        text,
        (0, 0),
        xycoords="axes fraction",
        xytext=(right, up),
        textcoords="offset points",
        family="monospace",
        fontsize=9,
        va="baseline",
        **look,
    )


def _require_as_many(**lists: Sequence) -> None:
    sizes = [len(items) for items in lists.values()]
    if len(set(sizes)) > 1 or 0 in sizes:
        raise ValueError(
            f"{', '.join(lists)} must be as many, at least one, but are "
            f"{', '.join(map(str, sizes))}"
        )
