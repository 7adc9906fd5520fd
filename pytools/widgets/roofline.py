"""The roofline of a machine, which fills in as it is measured: one number a step.

Source: Williams, Waterman & Patterson (2009), Roofline: an insightful visual performance model for
multicore architectures.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.models import Roof, Work
from pytools.widgets.figures import BLUE, GREEN, STYLE, VERMILION
from pytools.widgets.stepper import Stepper

SIZE = (7.6, 4.2)  # inches
SLOPE_AND_PEAK = 2  # the steps before the first work


def watch_roofline(roof: Roof, works: Sequence[Work]) -> Stepper:
    """Step 0 draws the memory's slope, step 1 the arithmetic's ceiling, then one work a step.

    Raises ValueError where there is no work to show.
    """
    if not works:
        raise ValueError("works is empty: measure_work gives a list of what was measured")
    last = len(works) + 1
    return Stepper(
        partial(draw_roofline, roof, works), partial(describe_roofline, roof, works), last
    )


def describe_roofline(roof: Roof, works: Sequence[Work], step: int) -> str:
    """What draw_roofline draws, in one line: its alt text."""
    start = f"Step {step + 1} of {len(works) + 2}. "
    slope = f"Memory moves {roof.bandwidth:.3g} GB/s: a slope"
    if step == 0:
        return f"{start}{slope}."
    ceiling = f"arithmetic gives {roof.peak:.3g} GFLOP/s: a ceiling from {roof.ridge:.2g} FLOP/byte"
    shown = works[: max(0, step - 1)]
    points = "; ".join(
        f"{w.name} at {w.intensity:.2g} FLOP/byte reaches {w.rate:.3g} GFLOP/s" for w in shown
    )
    return f"{start}{slope}; {ceiling}{'. ' if points else ''}{points}."


def draw_roofline(roof: Roof, works: Sequence[Work], step: int) -> Figure:
    """The roofline with all that is measured up to a step, on the same axes at every step.

    Raises IndexError where there is no such step.
    """
    if not 0 <= step < len(works) + SLOPE_AND_PEAK:
        raise IndexError(f"step must be 0 to {len(works) + 1}, but is {step}")
    left = min([0.04, *(w.intensity / 2 for w in works)])
    right = max([4 * roof.ridge, *(3 * w.intensity for w in works)])
    low = min([roof.allows(left), *(w.rate / 2 for w in works)])
    high = 3 * max([roof.peak, *(w.rate for w in works)])
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        ax = fig.add_subplot()
    ax.set(xscale="log", yscale="log", xlim=(left, right), ylim=(low, high))
    ax.set(xlabel="operations for each byte moved, FLOP/byte", ylabel="GFLOP/s")
    _draw_roof(ax, roof, left, right, step)
    shown = works[: max(0, step - 1)]
    for number, work in enumerate(shown, start=1):
        latest = number == step - 1
        ax.plot(work.intensity, work.rate, "o", color=VERMILION if latest else GREEN, markersize=9)
        words = f"{number}  {work.name}"
        ax.plot([], [], "o", color=VERMILION if latest else GREEN, label=words)
        ax.annotate(str(number), (work.intensity, work.rate), (6, -13), textcoords="offset points")
    if shown:
        ax.legend(loc="lower right", fontsize=9)
    ax.set_title(_title(roof, works, step), fontsize=11)
    return fig


def _draw_roof(ax: Axes, roof: Roof, left: float, right: float, step: int) -> None:
    if step == 0:
        x = np.array([left, right])
        ax.plot(x, roof.bandwidth * x, "--", color=BLUE)
        return
    x = np.array([left, roof.ridge, right])
    ax.plot(x, [roof.allows(value) for value in x], color=BLUE)
    ax.axvline(roof.ridge, color=BLUE, linewidth=1, linestyle=":")


def _title(roof: Roof, works: Sequence[Work], step: int) -> str:
    if step == 0:
        return f"Memory: {roof.bandwidth:.3g} GB/s"
    if step == 1:
        return f"Arithmetic: {roof.peak:.3g} GFLOP/s, from {roof.ridge:.2g} FLOP/byte on"
    work = works[step - SLOPE_AND_PEAK]
    share = work.rate / roof.allows(work.intensity)
    return f"{work.name}: {work.rate:.3g} GFLOP/s, {share:.0%} of what the roof allows"
