"""A net that grows step by step, beside the curve of what it computes."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.widgets.figures import BLUE, PALETTE, STYLE, VERMILION
from pytools.widgets.stepper import Stepper

# What a step is called -> (w, b) of each linear layer: w (out, in), b (out,). ReLU between them.
Nets = Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]

SIZE = (9.0, 3.4)  # in inches
INPUTS = np.linspace(-3, 3, 301)
EQUAL = 1e-5  # outputs nearer than that count as the same


def watch_growth(nets: Nets) -> Stepper:
    """One net a step: its units and weights on the left, what it computes on the right.

    nets: each with one input and one output, two layers or more; the first one is what the others
    are compared with. Raises ValueError for other nets, or none.
    """
    _check(nets)
    return Stepper(partial(draw_growth, nets), partial(describe_growth, nets), len(nets) - 1)


def describe_growth(nets: Nets, step: int) -> str:
    """What draw_growth draws, in one line: its alt text."""
    name, layers = list(nets.items())[step]
    sizes = "-".join(map(str, _widths(layers)))
    return f"Step {step}, {name}: a net of {sizes} units. {_verdict(nets, step)}."


def draw_growth(nets: Nets, step: int) -> Figure:
    """The net of a step as circles and lines, and its output beside that of the first net.

    Units of one colour have the same incoming weights: they are copies. A line is as thick as its
    weight is large, blue above 0 and red below; the number in a unit is its bias.
    """
    _check(nets)
    name, layers = list(nets.items())[step]
    everything = np.concatenate([_outputs(net) for net in nets.values()])
    room = 0.1 * np.ptp(everything) + 0.1
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        net, curve = fig.subplots(1, 2, width_ratios=(1.35, 1))
        _draw_net(net, layers, max(max(_widths(net)) for net in nets.values()))
        net.set_title(f"Step {step}: {name}", fontsize=11)
        first = _outputs(next(iter(nets.values())))
        curve.plot(INPUTS, first, color="lightgrey", linewidth=7, label="the first net")
        curve.plot(INPUTS, _outputs(layers), color="black", linestyle="--", label="this one")
        curve.set(ylim=(everything.min() - room, everything.max() + 3 * room))
        curve.set(xlabel="input", ylabel="output")
        curve.set_title(_verdict(nets, step), fontsize=11)
        curve.legend(ncols=2, loc="upper center", fontsize=10)
    return fig


def _verdict(nets: Nets, step: int) -> str:
    start, now = (_outputs(list(nets.values())[i]) for i in (0, step))
    moved = np.max(np.abs(now - start))
    return "Outputs stay" if moved <= EQUAL else f"Outputs move by up to {moved:.2g}"


def _draw_net(ax: Axes, layers: Sequence[tuple[np.ndarray, np.ndarray]], tallest: int) -> None:
    widths = _widths(layers)
    heights = [(width - 1) / 2 - np.arange(width) for width in widths]
    for column, (w, _) in enumerate(layers):
        for i, j in np.argwhere(w != 0):
            ends = heights[column][j], heights[column + 1][i]
            color = BLUE if w[i, j] > 0 else VERMILION
            thick = 1 + 2.2 * np.abs(w[i, j])
            ax.plot((column, column + 1), ends, color=color, linewidth=thick, alpha=0.55, zorder=1)
    colors, numbers = ["white"], [[""]]
    for w, b in layers:
        rows = np.round(np.column_stack([w, b]), 6)
        kinds = [int(np.flatnonzero((rows == row).all(axis=1))[0]) for row in rows]
        colors.append([PALETTE[kind % len(PALETTE)] for kind in kinds])
        numbers.append([f"{bias + 0:.1f}" for bias in b])
    colors[-1] = "white"
    for column, (height, color, texts) in enumerate(zip(heights, colors, numbers, strict=True)):
        places = np.full(len(height), column)
        ax.scatter(places, height, s=560, c=color, edgecolors="black", linewidths=1.2, zorder=2)
        for y, text in zip(height, texts, strict=True):
            box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "linewidth": 0}
            ax.text(column, y, text, ha="center", va="center", fontsize=8.5, zorder=3, bbox=box)
    last = len(layers)
    ax.text(0, heights[0][0] - 0.55, "input", ha="center", va="top", fontsize=10)
    ax.text(last, heights[-1][-1] - 0.55, "output", ha="center", va="top", fontsize=10)
    ax.set(xlim=(-0.4, last + 0.4), ylim=(-tallest / 2 - 0.3, tallest / 2 + 0.3))
    ax.axis("off")


def _outputs(layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    hidden = INPUTS[:, None]
    for w, b in layers[:-1]:
        hidden = np.maximum(hidden @ w.T + b, 0)
    w, b = layers[-1]
    return (hidden @ w.T + b)[:, 0]


def _widths(layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[int]:
    return [layers[0][0].shape[1], *(len(b) for _, b in layers)]


def _check(nets: Nets) -> None:
    for name, layers in nets.items():
        fits = len(layers) > 1 and all(
            w.shape == (len(b), inner)
            for (w, b), inner in zip(layers, _widths(layers), strict=False)
        )
        if not fits or layers[0][0].shape[1] != 1 or len(layers[-1][1]) != 1:
            shapes = [w.shape for w, _ in layers]
            raise ValueError(
                f"{name!r} must have one input, one output and two layers or more that fit each "
                f"other, but its weights have shapes {shapes}"
            )
    if not nets:
        raise ValueError("nets must hold one net or more, but is empty")
