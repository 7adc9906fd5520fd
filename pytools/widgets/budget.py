"""How far labels go: accuracies of some representations at one budget of labels after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.widgets.figures import PALETTE, STYLE
from pytools.widgets.stepper import Stepper

SIZE = (8.6, 3.6)  # inches


@dataclass(frozen=True)
class Study:
    """Accuracies by representation: name -> (budgets, seeds); budgets are labels a class.

    chance: the accuracy of a blind guess. Raises ValueError for no names, or other shapes.
    """

    budgets: Sequence[int]
    accuracies: Mapping[str, np.ndarray]
    chance: float

    def __post_init__(self) -> None:
        if not self.accuracies or not len(self.budgets):
            raise ValueError("a study needs at least one budget and one representation")
        for name, values in self.accuracies.items():
            if np.ndim(values) != 2 or len(values) != len(self.budgets):
                raise ValueError(
                    f"accuracies of {name!r} must be (budgets, seeds) for {len(self.budgets)} "
                    f"budgets, but have shape {np.shape(values)}"
                )

    def __repr__(self) -> str:
        return f"Study of {', '.join(self.accuracies)} at {list(self.budgets)} labels a class"


def budget_slider(study: Study) -> Stepper:
    """One budget a step, from the first to the last."""
    draw, describe = partial(draw_budget, study), partial(describe_budget, study)
    stepper = Stepper(draw, describe, len(study.budgets) - 1)
    stepper.slider.description = "Budget"
    return stepper


def describe_budget(study: Study, step: int) -> str:
    """What draw_budget draws, in one line: its alt text."""
    found = "; ".join(
        f"{name} {np.mean(values[step]):.2f}, from {np.min(values[step]):.2f} to "
        f"{np.max(values[step]):.2f}"
        for name, values in study.accuracies.items()
    )
    return f"Test accuracy with {_labels(study, step)}: {found}. Chance is {study.chance:g}."


def draw_budget(study: Study, step: int) -> Figure:
    """Bars at this budget, whiskers from the worst seed to the best; all budgets beside them."""
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        bars, curves = fig.subplots(1, 2, sharey=True, width_ratios=(1, 1.2))
    for place, (color, name) in enumerate(zip(PALETTE, study.accuracies, strict=False)):
        values = np.asarray(study.accuracies[name])
        mean, low, high = values.mean(axis=1), values.min(axis=1), values.max(axis=1)
        reach = [[mean[step] - low[step]], [high[step] - mean[step]]]
        bars.bar(place, mean[step], yerr=reach, color=color, capsize=5, width=0.65)
        bars.text(place, high[step] + 0.02, f"{mean[step]:.2f}", ha="center", fontsize=10)
        curves.plot(study.budgets, mean, "o-", color=color, markersize=4, label=name)
        curves.fill_between(study.budgets, low, high, color=color, alpha=0.2, linewidth=0)
    _label(study, step, bars, curves)
    fig.legend(*curves.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    fig.suptitle(f"What {_labels(study, step)} can do", fontsize=13)
    return fig


def _label(study: Study, step: int, bars: Axes, curves: Axes) -> None:
    names = [name.replace(" ", "\n", 1) for name in study.accuracies]
    bars.set(xticks=range(len(names)), ylim=(0, 1.1), ylabel="test accuracy", xlabel="features")
    bars.set_xticklabels(names, fontsize=9)
    curves.axvline(study.budgets[step], color="grey", linewidth=1)
    curves.set_xscale("log", base=2)
    curves.set_xticks(study.budgets, [str(budget) for budget in study.budgets])
    curves.minorticks_off()
    curves.set(xlabel="labels a class")
    for ax in (bars, curves):
        ax.axhline(study.chance, color="black", linestyle=":", linewidth=1)


def _labels(study: Study, step: int) -> str:
    count = study.budgets[step]
    return f"{count} label{'s' if count > 1 else ''} a class"
