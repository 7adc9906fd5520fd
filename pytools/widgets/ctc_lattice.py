"""A line of text and CTC's lattice below it: where each letter stands, and what it depends on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytools.scratch import ctc_align, ctc_posterior
from pytools.widgets.figures import BLUE, STYLE, VERMILION
from pytools.widgets.stepper import Stepper

LONGEST = 32  # letters that the picture has room for
WIDTH = 8.6  # inches
HEAT = LinearSegmentedColormap.from_list("heat", [(1, 1, 1, 0), VERMILION])  # from clear


class LineReading:
    """What the lattice says of one line.

    image (H, W): the line, any range, drawn from dark for low values to bright for high ones;
    log_probs (T, C): of T frames that share the image's columns evenly, from left to right; class 0
    is the blank; text: the true text, or what was read; symbols: the character of each class from 1
    on, C - 1 of them. sensitivity: for each letter of the text how much its log probability moves
    with each pixel, (L, H, W) or a function of the letter's number that returns (H, W); its
    absolute value is drawn. Raises ValueError where these do not fit, and for a text that has
    another symbol, is empty, too long to draw, or longer than the frames allow.
    """

    def __init__(
        self,
        image: np.ndarray,
        log_probs: np.ndarray,
        text: str,
        symbols: str,
        sensitivity: np.ndarray | Callable[[int], np.ndarray] | None = None,
    ):
        self.image, log_probs = np.asarray(image, float), np.asarray(log_probs, float)
        if self.image.ndim != 2:
            raise ValueError(f"image must be (H, W), but has shape {self.image.shape}")
        if log_probs.ndim != 2 or log_probs.shape[1] != len(symbols) + 1:
            raise ValueError(
                f"log_probs must be (T, {len(symbols) + 1}), a blank and {len(symbols)} symbols, "
                f"but has shape {log_probs.shape}"
            )
        if not 1 <= len(text) <= LONGEST:
            raise ValueError(f"text must have 1 to {LONGEST} letters, but has {len(text)}")
        unknown = sorted(set(text) - set(symbols))
        if unknown:
            raise ValueError(f"text must be written with {symbols!r}, but has {unknown[0]!r}")
        labels = [symbols.index(letter) + 1 for letter in text]
        self.text, self.frames = text, len(log_probs)
        self.posterior = ctc_posterior(log_probs, labels)  # (T, 2L + 1)
        self.path = ctc_align(log_probs, labels)  # (T,)
        self.sensitivity = sensitivity

    def columns(self, letter: int) -> tuple[float, float]:
        """Where in the image the best path shows a letter: from one column up to another."""
        frames = np.flatnonzero(self.path == 2 * letter + 1)
        width = self.image.shape[1] / self.frames
        return frames[0] * width, (frames[-1] + 1) * width

    def moved_by(self, letter: int) -> np.ndarray | None:
        """How much the letter's log probability depends on each pixel, (H, W), if that is known."""
        if self.sensitivity is None:
            return None
        given = self.sensitivity
        values = np.abs(np.asarray(given(letter) if callable(given) else given[letter], float))
        if values.shape != self.image.shape:
            raise ValueError(
                f"sensitivity must be {self.image.shape} for each letter, as the image is, "
                f"but has shape {values.shape}"
            )
        return values


def watch_lattice(
    image: np.ndarray,
    log_probs: np.ndarray,
    text: str,
    symbols: str,
    sensitivity: np.ndarray | Callable[[int], np.ndarray] | None = None,
) -> Stepper:
    """One letter of the text a step. Arguments, and what is raised, as in LineReading."""
    line = LineReading(image, log_probs, text, symbols, sensitivity)
    return Stepper(partial(draw_lattice, line), partial(describe_lattice, line), len(text) - 1)


def describe_lattice(line: LineReading, step: int) -> str:
    """What draw_lattice draws, in one line: its alt text."""
    first, end = line.columns(step)
    sure = line.posterior[line.path == 2 * step + 1, 2 * step + 1].mean()
    said = (
        f"Letter {step + 1} of {len(line.text)} in {line.text!r}, {line.text[step]!r}: "
        f"the best path shows it in columns {first:.0f} to {end:.0f} of {line.image.shape[1]}, "
        f"with a posterior of {sure:.2f} there."
    )
    values = line.moved_by(step)
    if values is None:
        return said
    return f"{said} Its log probability depends on {_reach(values, first, end)}."


def draw_lattice(line: LineReading, step: int) -> Figure:
    """The image with one letter's columns; the posterior of each state, with the best path; and,
    where it is given, how much this letter depends on each pixel of the line."""
    values = line.moved_by(step)
    states = line.posterior.shape[1]
    heights = [0.8, min(1.2 + 0.075 * states, 4.0), *([0.8] if values is not None else [])]
    with style.context(STYLE):
        fig = Figure(figsize=(WIDTH, sum(heights) + 1.3), facecolor="white", layout="constrained")
        rows = fig.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        letter = _seen(line.text[step])
        fig.suptitle(f"Letter {step + 1} of {len(line.text)}: {letter}", fontsize=12)
        _draw_line(rows[0], line, step)
        _draw_states(rows[1], line, step)
        if values is not None:
            _draw_reach(rows[2], line, step, values)
        rows[-1].set_xlabel("column of the image")
        for ax in rows[:-1]:
            ax.tick_params(labelbottom=False, bottom=False)
    return fig


def _draw_line(ax: Axes, line: LineReading, step: int) -> None:
    _show_image(ax, line)
    first, end = line.columns(step)
    ax.add_patch(Rectangle((first, 0), end - first, 1, alpha=0.35, color=VERMILION, lw=0))
    ax.set_title("The line, and the frames of this letter on the best path", fontsize=10)


def _draw_states(ax: Axes, line: LineReading, step: int) -> None:
    """Posteriors from white to blue; the best path on top; letters beside their rows."""
    width, states = line.image.shape[1], line.posterior.shape[1]
    ax.imshow(
        line.posterior.T,
        cmap=LinearSegmentedColormap.from_list("sure", ["white", BLUE]),
        vmin=0,
        vmax=1,
        extent=(0, width, states - 0.5, -0.5),
        aspect="auto",
        interpolation="nearest",
    )
    middle = (np.arange(line.frames) + 0.5) * width / line.frames
    ax.plot(middle, line.path, color="black", lw=1)
    ax.axhline(2 * step + 1, color=VERMILION, lw=1, zorder=0.5)
    here = line.path == 2 * step + 1
    ax.plot(middle[here], line.path[here], "o", color=VERMILION, ms=4)
    ax.set_yticks(range(1, states, 2), [_seen(letter) for letter in line.text])
    size = 10 if states < 36 else 7
    for number, label in enumerate(ax.get_yticklabels()):
        label.set(color=VERMILION if number == step else "black", fontsize=size)
    ax.tick_params(left=False)
    ax.grid(False)
    ax.set_ylabel("state (blanks between)")
    ax.set_title("Posterior of each state, white 0 to blue 1; black: the best path", fontsize=10)


def _draw_reach(ax: Axes, line: LineReading, step: int, values: np.ndarray) -> None:
    _show_image(ax, line, 0.35)
    width = line.image.shape[1]
    ax.imshow(
        values / (values.max() or 1),
        cmap=HEAT,
        vmin=0,
        vmax=1,
        extent=(0, width, 0, 1),
        aspect="auto",
    )
    ax.set_title("How much its log probability changes with each pixel", fontsize=10)


def _show_image(ax: Axes, line: LineReading, strength: float = 1.0) -> None:
    width = line.image.shape[1]
    ax.imshow(line.image, cmap="gray", extent=(0, width, 0, 1), aspect="auto", alpha=strength)
    ax.set(xlim=(0, width), yticks=[])
    ax.grid(False)


def _reach(values: np.ndarray, first: float, end: float) -> str:
    """In words: how much of the sensitivity lies in the letter's own columns."""
    middles = np.arange(values.shape[1]) + 0.5
    total = values.sum()
    if total == 0:
        return "no pixel at all"
    inside = values[:, (middles >= first) & (middles < end)].sum() / total
    return f"the whole line: {inside:.0%} of the change comes from these columns"


def _seen(letter: str) -> str:
    return "␣" if letter == " " else letter
