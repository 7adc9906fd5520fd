"""Where a net looks while it writes: a picture for each word, and the beam's width as a slider."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from pytools.widgets.figures import STYLE, mimebundle

COLUMNS = 7
SIDE = 1.3  # inches of a small picture
STEPS = 5  # of brightness: few enough that the colours of the picture stay what they are
FADED = 0.12  # of the picture is seen where the net does not look at all
Caption = Callable[[int], tuple[Sequence[str], np.ndarray]]


class AttentionMaps(ipywidgets.VBox):
    """The caption that a net writes with a beam of some width, and where it looks at each word.

    image: (H, W, 3) in [0, 1]; caption: takes a width from 1 to `widest`, and returns the words and
    the weights (words, h, w) as draw_attention takes them. Each width is asked for once.
    """

    def __init__(self, image: np.ndarray, caption: Caption, widest: int = 5):
        self.image, self.caption = image, caption
        self.known: dict[int, tuple[Sequence[str], np.ndarray]] = {}
        self.slider = ipywidgets.IntSlider(1, 1, widest, description="Beam width")
        self.picture = ipywidgets.HTML()
        super().__init__([self.picture, self.slider])
        self.slider.observe(lambda _: self._show(), names="value")
        self._show()

    def _show(self) -> None:
        width = self.slider.value
        if width not in self.known:
            self.known[width] = self.caption(width)
        tokens, weights = self.known[width]
        title = f"Beam width {width}"
        alt = describe_attention(tokens, weights, title)
        data, _ = mimebundle(draw_attention(self.image, tokens, weights, title), alt)
        self.picture.value = data["text/html"]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def describe_attention(tokens: Sequence[str], weights: np.ndarray, title: str = "") -> str:
    """What draw_attention draws, in one line: its alt text."""
    _check(tokens, weights)
    places = [f"{token} {_place(w)}" for token, w in zip(tokens, weights, strict=True)]
    words = f"{title}: {' '.join(tokens)}." if title else f"{' '.join(tokens)}."
    return f"{words} Where the net looks most, word by word: {', '.join(places)}."


def draw_attention(
    image: np.ndarray, tokens: Sequence[str], weights: np.ndarray, title: str = "Word by word"
) -> Figure:
    """The picture, and once more for each word: clear where the net looks, faded elsewhere.

    image (H, W, 3) in [0, 1]; weights (words, h, w), not negative: how much the net looks at each
    place of its last map while it writes a word. The number beside a word is the largest weight, in
    percent of all. Raises ValueError where words and weights do not fit, or image is not (H, W, 3).
    """
    _check(tokens, weights)
    image = np.asarray(image, dtype=float)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be (H, W, 3), but has shape {image.shape}")
    rows = -(-(len(tokens) + 1) // COLUMNS)
    with style.context(STYLE):
        fig = Figure(figsize=(COLUMNS * SIDE, rows * (SIDE + 0.28) + 0.4))
        axes = fig.subplots(rows, COLUMNS, squeeze=False).ravel()
        for ax in axes:
            ax.axis("off")
        fig.suptitle(title, fontsize=12)
        axes[0].imshow(np.clip(image, 0, 1), interpolation="nearest")
        axes[0].set_title("the picture", fontsize=10)
        for ax, token, w in zip(axes[1:], tokens, weights, strict=False):
            look = np.rint(STEPS * _enlarged(w / max(w.max(), 1e-12), image.shape[:2])) / STEPS
            seen = FADED + (1 - FADED) * look[..., None]
            ax.imshow(np.clip(1 + seen * (image - 1), 0, 1), interpolation="nearest")
            share = 100 * w.max() / max(w.sum(), 1e-12)
            ax.set_title(f"{token}  {share:.0f} %", fontsize=10)
    return fig


def _enlarged(w: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map (h, w) at the size of the picture, linear between the middles of its places."""
    for axis, size in enumerate(shape):
        old = w.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        below = np.minimum(at.astype(int), max(old - 2, 0))
        part = np.expand_dims(at - below, 1 - axis)
        upper = np.take(w, np.minimum(below + 1, old - 1), axis)
        w = (1 - part) * np.take(w, below, axis) + part * upper
    return w


def _place(w: np.ndarray) -> str:
    """The place of the largest weight, in words; "everywhere" where all are nearly equal."""
    if w.max() <= 1.2 * w.mean():
        return "everywhere"
    row, column = np.unravel_index(np.argmax(w), w.shape)
    down = ("top", "middle", "bottom")[int(3 * (row + 0.5) / w.shape[0])]
    across = ("left", "middle", "right")[int(3 * (column + 0.5) / w.shape[1])]
    return down if down == across else f"{down} {across}"


def _check(tokens: Sequence[str], weights: np.ndarray) -> None:
    shape = np.shape(weights)
    if len(shape) != 3 or len(tokens) != shape[0] or not len(tokens):
        raise ValueError(
            f"weights must be (words, h, w) for {len(tokens)} words, 1 or more, but have shape "
            f"{shape}"
        )
