"""Optimisers race down a landscape: choose one and its learning rate, and step through the race."""

from functools import cache, partial
from typing import Any

import ipywidgets
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools import scratch
from pytools.widgets.figures import PALETTE, STYLE
from pytools.widgets.landscapes import LANDSCAPES, OPTIMIZERS, Landscape, heights
from pytools.widgets.stepper import Stepper

STEPS = 100
RATES = (*(float(f"{m}e{e}") for e in range(-4, 1) for m in (1, 2, 5)), 10.0)
FAR = 1e6  # with a loss above this, a runner is lost

BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, BLACK = PALETTE
COLORS = dict(zip(OPTIMIZERS, (BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION), strict=True))
MARKERS = dict(zip(OPTIMIZERS, "os^vPD", strict=True))


def race(landscape: str = "ravine", optimizer: str = "momentum", step: int = 20) -> "Race":
    """The race as a picture, with menus for landscape, optimiser and rate, and a step slider.

    The chosen optimiser runs at the chosen rate, the others beside it at rates that suit them.
    landscape: a name in LANDSCAPES; optimizer: a name in OPTIMIZERS; step: where to begin, 0 to
    100. Raises ValueError for a name or a step that is not there.
    """
    for what, name, names in [
        ("landscape", landscape, LANDSCAPES),
        ("optimizer", optimizer, OPTIMIZERS),
    ]:
        if name not in names:
            raise ValueError(f"{what} must be one of {', '.join(names)}, but is {name!r}")
    if step not in range(STEPS + 1):
        raise ValueError(f"step must be a whole number from 0 to {STEPS}, but is {step!r}")
    return Race(landscape, optimizer, step)


class Race(ipywidgets.VBox):
    """Menus above a Stepper; each new choice puts a new Stepper there, at the same step."""

    def __init__(self, landscape: str, optimizer: str, step: int) -> None:
        self.landscape = ipywidgets.Dropdown(
            options=list(LANDSCAPES), value=landscape, description="Landscape"
        )
        self.optimizer = ipywidgets.Dropdown(
            options=OPTIMIZERS, value=optimizer, description="Optimiser"
        )
        self.rate = ipywidgets.SelectionSlider(
            options=[(f"{rate:g}", rate) for rate in RATES],
            value=self._rate_that_suits(),
            description="Rate",
            continuous_update=False,
        )
        super().__init__()
        self._show(step)
        self.landscape.observe(self._choose_rate, names="value")
        self.optimizer.observe(self._choose_rate, names="value")
        self.rate.observe(lambda _: self._show(self.stepper.slider.value), names="value")

    def _rate_that_suits(self) -> float:
        return LANDSCAPES[self.landscape.value]().rates[self.optimizer.value]

    def _choose_rate(self, _: Any) -> None:
        """Another landscape or optimiser: begin with the rate that suits it."""
        if self.rate.value == self._rate_that_suits():
            self._show(self.stepper.slider.value)
        else:
            self.rate.value = self._rate_that_suits()  # which shows it

    def _show(self, step: int) -> None:
        chosen = LANDSCAPES[self.landscape.value](), self.optimizer.value, self.rate.value
        self.stepper = Stepper(partial(draw_race, *chosen), partial(describe_race, *chosen), STEPS)
        self.stepper.slider.value = step
        menus = ipywidgets.HBox([self.landscape, self.optimizer, self.rate])
        self.children = [menus, self.stepper]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.stepper.picture.value}


@cache
def run(landscape: Landscape, optimizer: str, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """An optimiser's way: w (STEPS + 1, 2) and losses (STEPS + 1,), NaN from where it is lost."""
    step = getattr(scratch, optimizer)
    path, losses = np.full((STEPS + 1, 2), np.nan), np.full(STEPS + 1, np.nan)
    w, state = np.array(landscape.start), {}
    for t in range(STEPS + 1):
        loss, grad = landscape.feval(w)
        if not loss < FAR:
            break
        path[t], losses[t] = w, loss
        w, state = step(w, grad, state, rate)
    return path, losses


def runners(landscape: Landscape, optimizer: str, rate: float) -> dict[str, tuple]:
    """Every optimiser's way; the chosen one, at its rate, comes last."""
    others = {name: value for name, value in landscape.rates.items() if name != optimizer}
    return {
        name: run(landscape, name, value) for name, value in {**others, optimizer: rate}.items()
    }


def describe_race(landscape: Landscape, optimizer: str, rate: float, step: int) -> str:
    """What draw_race draws, in one line: its alt text."""
    ways = runners(landscape, optimizer, rate)
    path, losses = ways.pop(optimizer)
    place = f"at ({path[step, 0]:.2f}, {path[step, 1]:.2f}) with loss {losses[step]:.2g}"
    if np.isnan(losses[step]):
        place = "lost, its loss grew beyond bounds"
    others = ", ".join(f"{name} {losses[step]:.2g}" for name, (_, losses) in ways.items())
    return (
        f"Optimiser race on {landscape.name}, step {step} of {STEPS}. "
        f"{optimizer} at rate {rate:g} is {place}. Losses of the others: {others}."
    )


def draw_race(landscape: Landscape, optimizer: str, rate: float, step: int) -> Figure:
    """The map with each optimiser's way so far, and the losses beside it, the chosen one bold."""
    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(9.6, 4.6))
        chart, curves = fig.subplots(1, 2, width_ratios=(5, 4))
        draw_map(chart, landscape)
        for name, (path, losses) in runners(landscape, optimizer, rate).items():
            look = {"color": COLORS[name], "marker": MARKERS[name], "markevery": [step]}
            look |= {"linewidth": 2.5, "markersize": 9} if name == optimizer else {"alpha": 0.65}
            look = {"linewidth": 1, "markersize": 5, "markeredgecolor": "white", **look}
            chart.plot(*path[: step + 1].T, **look)
            label = name if not np.isnan(losses[step]) else f"{name} (lost)"
            curves.semilogy(np.maximum(losses[: step + 1], landscape.floor), **look, label=label)
        top = 50 * landscape.feval(np.array(landscape.start))[0]
        curves.set(title="Loss", xlabel="step", ylabel="loss")
        curves.set(xlim=(0, STEPS), ylim=(landscape.floor, top))
        handles, labels = curves.get_legend_handles_labels()
        order = np.argsort([OPTIMIZERS.index(label.split()[0]) for label in labels])
        curves.legend(
            [handles[i] for i in order], [labels[i] for i in order], ncols=2, fontsize=9, loc=1
        )
        fig.suptitle(f"Step {step}: {optimizer} at rate {rate:g}", fontsize=13)
    return fig


def draw_map(ax: Axes, landscape: Landscape) -> None:
    """The loss in grey, darker where it is lower, on a logarithmic scale; a cross at the start."""
    x, y, loss = heights(landscape)
    levels = np.log10(np.maximum(loss, landscape.floor))
    ax.contourf(x, y, levels, 14, cmap="Greys_r", vmin=levels.min() - 1.5 * np.ptp(levels))
    ax.contour(x, y, levels, 14, colors="white", linewidths=0.6)
    ax.plot(*landscape.start, "x", color="black", markersize=9, markeredgewidth=2)
    xlabel, ylabel = landscape.axes
    ax.set(title=landscape.name.capitalize(), xlabel=xlabel, ylabel=ylabel)
    ax.set(xlim=landscape.xlim, ylim=landscape.ylim)
    ax.grid(False)
