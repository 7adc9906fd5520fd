"""Histograms of what the layers of some nets put out, layer by layer, side by side."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from pytools.widgets.figures import PALETTE, STYLE
from pytools.widgets.stepper import Stepper

Outputs = Mapping[str, Sequence[np.ndarray]]  # name of a net -> the output of each of its layers

HEIGHT, WIDTH = 2.9, 2.2  # of a panel, in inches
BINS = 41  # odd: 0 lies in the middle of one
TALLEST = 0.3  # share of the values in a bin; a taller bar is cut off there
FLAT = 0.95  # beyond this an output of tanh hardly moves: its slope is below 0.1


def watch_layers(outputs: Outputs) -> Stepper:
    """One layer a step: a histogram of its outputs for each net.

    outputs: name -> list of arrays of any shape, one a layer, all lists of one length; meant for
    tanh, whose outputs lie in [-1, 1]. Raises ValueError for no nets or layers, or uneven lists.
    """
    last = _count(outputs) - 1
    return Stepper(partial(draw_layer, outputs), partial(describe_layer, outputs), last)


def describe_layer(outputs: Outputs, step: int) -> str:
    """What draw_layer draws, in one line: its alt text."""
    nets = "; ".join(f"{name}, {_words(layers[step], ', ')}" for name, layers in outputs.items())
    return f"Outputs of layer {step + 1} of {_count(outputs)}: {nets}."


def draw_layer(outputs: Outputs, step: int) -> Figure:
    """A histogram for each net, with one scale for all nets and layers."""
    with style.context(STYLE):
        fig = Figure(figsize=(WIDTH * len(outputs), HEIGHT))
        axes = fig.subplots(1, len(outputs), sharey=True, squeeze=False)[0]
    for ax, color, (name, layers) in zip(axes, PALETTE, outputs.items(), strict=False):
        values = np.ravel(layers[step])
        share = np.full(values.size, 1 / values.size)
        ax.hist(values, BINS, range=(-1, 1), weights=share, color=color)
        ax.set(xlim=(-1.05, 1.05), ylim=(0, TALLEST), xticks=[-1, 0, 1])
        ax.set_title(f"{name}\n{_words(values, chr(10))}", fontsize=10)
    fig.supxlabel("output", fontsize=11)
    axes[0].set_ylabel("share of values")
    fig.suptitle(f"Layer {step + 1} of {_count(outputs)}", fontsize=12)
    return fig


def _words(values: np.ndarray, joint: str) -> str:
    flat = np.mean(np.abs(values) > FLAT)
    return f"spread {np.std(values):.2g}{joint}{flat:.0%} beyond ±{FLAT}"


def _count(outputs: Outputs) -> int:
    counts = {name: len(layers) for name, layers in outputs.items()}
    if not counts or min(counts.values()) == 0 or len(set(counts.values())) > 1:
        raise ValueError(
            f"outputs must hold nets of equally many layers, at least one, but has {counts}"
        )
    return min(counts.values())
