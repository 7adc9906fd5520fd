"""Lines with what was read on them, the wrong symbols marked."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.widgets.figures import VERMILION

GAP = "·"  # stands where the other text has a symbol and this one has none


def aligned(read: str, true: str) -> list[tuple[str, str]]:
    """The two texts symbol by symbol, with as few differences as the edit distance; '·' is a gap.

    Raises nothing: either may be empty.
    """
    table = np.zeros((len(read) + 1, len(true) + 1), int)
    table[:, 0], table[0] = np.arange(len(read) + 1), np.arange(len(true) + 1)
    for i, a in enumerate(read, start=1):
        for j, b in enumerate(true, start=1):
            swap = table[i - 1, j - 1] + (a != b)
            table[i, j] = min(swap, table[i - 1, j] + 1, table[i, j - 1] + 1)
    pairs, i, j = [], len(read), len(true)
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (read[i - 1] != true[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((read[i], true[j]))
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            pairs.append((read[i], GAP))
        else:
            j -= 1
            pairs.append((GAP, true[j]))
    return pairs[::-1]


def draw_readings(
    images: Sequence[np.ndarray], texts: Sequence[str], read: Sequence[str], title: str
) -> Figure:
    """Each line's image (H, W), 1 is ink; below it what is true, and what was read.

    Wrong symbols are bold and in colour, left-out ones a dot. Raises ValueError where there are no
    lines, or not as many of each.
    """
    if not len(images) == len(texts) == len(read) or not len(images):
        raise ValueError(
            "images, texts and read must be as many, at least one, but are "
            f"{len(images)}, {len(texts)} and {len(read)}"
        )
    fig, axes = plt.subplots(len(images), 1, figsize=(6.4, 0.95 * len(images) + 0.4), squeeze=False)
    for ax, image, text, said in zip(axes[:, 0], images, texts, read, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set_anchor("W")
        ax.axis("off")
        pairs = aligned(said, text)
        for name, row in (("true", 1), ("read", 0)):
            below = -11 - 12 * (1 - row)  # points
            _write(ax, name, 0, below, color="grey")
            for place, pair in enumerate(pairs):
                wrong = {"color": VERMILION, "fontweight": "bold"} if pair[0] != pair[1] else {}
                _write(ax, pair[row], 36 + 6.6 * place, below, **wrong)
    fig.suptitle(title, fontsize=11)
    return fig


def _write(ax: Axes, text: str, right: float, up: float, **style: str) -> None:
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
        **style,
    )
