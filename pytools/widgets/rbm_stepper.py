"""A Boltzmann machine while it learns: its weights, its dreams, what it takes for a digit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import ipywidgets
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pytools.scratch import gibbs, rbm_free_energy, reconstruct
from pytools.widgets.figures import BLUE, ORANGE, STYLE
from pytools.widgets.pictures import draw_pictures
from pytools.widgets.stepper import Stepper

ROUNDS = (0, 1, 10, 100, 1000)  # of Gibbs sampling
SHOWN, COLUMNS = 32, 8  # hidden units and samples that are drawn

Machine = tuple[np.ndarray, np.ndarray, np.ndarray]  # w, b, c


@dataclass(frozen=True)
class Snapshot:
    """What is drawn of the machine after so many epochs."""

    epoch: int
    weights: np.ndarray  # (SHOWN, D): what the hidden units look for
    samples: dict[int, np.ndarray]  # rounds -> (SHOWN, D)
    digits: np.ndarray  # free energies, the mean of the noise's being 0
    noise: np.ndarray

    @property
    def told_apart(self) -> float:
        """In how many of all pairs the digit has the lower energy, 0 to 1."""
        return float(np.mean(self.digits[:, None] < self.noise))


def watch_rbm(machines: Mapping[int, Machine], v: np.ndarray, rng: np.random.Generator) -> "Watch":
    """The machine as a picture, with a slider over the epochs and one over the rounds of sampling.

    machines: epoch -> (w, b, c), in the order of the slider; v (N, D): pictures of 0 and 1 that it
    should find likely, D a square. rng draws the noise and the samples, once for all. Raises
    ValueError for no machines, and pictures that are not square.
    """
    return Watch(take_snapshots(machines, v, rng))


class Watch(ipywidgets.VBox):
    """A choice of rounds above a Stepper; each choice puts in a new one, at the same step."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        self.snapshots = snapshots
        self.rounds = ipywidgets.SelectionSlider(
            options=ROUNDS, value=ROUNDS[-1], description="Rounds", continuous_update=False
        )
        super().__init__()
        self._show(len(snapshots) - 1)
        self.rounds.observe(lambda _: self._show(self.stepper.slider.value), names="value")

    def _show(self, step: int) -> None:
        chosen = self.snapshots, self.rounds.value
        last = len(self.snapshots) - 1
        self.stepper = Stepper(partial(draw_rbm, *chosen), partial(describe_rbm, *chosen), last)
        self.stepper.slider.value = step
        self.children = [self.rounds, self.stepper]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.stepper.picture.value}


def take_snapshots(
    machines: Mapping[int, Machine], v: np.ndarray, rng: np.random.Generator
) -> list[Snapshot]:
    """One for each machine; all begin their samples with the same noise."""
    if not machines:
        raise ValueError("machines must hold at least one, but is empty")
    v = np.asarray(v)
    if v.ndim != 2 or len(v) == 0 or round(np.sqrt(v.shape[1])) ** 2 != v.shape[1]:
        raise ValueError(f"v must be (N, D), D a square, but has shape {v.shape}")
    blank = (rng.random((SHOWN, v.shape[1])) < 0.5).astype(v.dtype)
    noise = (rng.random(v.shape) < v.mean(axis=0)).astype(v.dtype)
    snapshots = []
    for epoch, machine in machines.items():
        samples, now = {0: blank}, blank
        for done, rounds in pairwise(ROUNDS):
            now = gibbs(now, *machine, rounds - done, rng)
            samples[rounds] = reconstruct(now, *machine)
        energies = rbm_free_energy(v, *machine), rbm_free_energy(noise, *machine)
        weights = np.transpose(machine[0])[:SHOWN]
        snapshots.append(
            Snapshot(epoch, weights, samples, *(e - energies[1].mean() for e in energies))
        )
    return snapshots


def describe_rbm(snapshots: list[Snapshot], rounds: int, step: int) -> str:
    """What draw_rbm draws, in one line: its alt text."""
    now = snapshots[step]
    gap = now.noise.mean() - now.digits.mean()
    return (
        f"A Boltzmann machine after {_epochs(now)}: weights of {len(now.weights)} hidden units up "
        f"to {np.abs(now.weights).max():.2g}; {SHOWN} samples after {_many(rounds, 'round')} from "
        f"noise; digits lie {gap:.1f} below noise in free energy, and have the lower one in "
        f"{now.told_apart:.0%} of all pairs."
    )


def draw_rbm(snapshots: list[Snapshot], rounds: int, step: int) -> Figure:
    """Weights and samples as small pictures, the free energies of digits and noise beneath."""
    now = snapshots[step]
    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(9.2, 5.8))
        axes = fig.subplot_mosaic([["weights", "samples"], ["energies"] * 2], height_ratios=(5, 3))
        title = "weights of hidden units (red above 0)"
        draw_pictures(axes["weights"], now.weights, COLUMNS, title, None, None)
        title = f"samples after {_many(rounds, 'round')}"
        draw_pictures(axes["samples"], now.samples[rounds], COLUMNS, title)
        every = [e for s in snapshots for e in (s.digits, s.noise)]
        bins = np.linspace(min(e.min() for e in every), max(e.max() for e in every), 60)
        for name, energies, color in [("digits", now.digits, BLUE), ("noise", now.noise, ORANGE)]:
            axes["energies"].hist(energies, bins, color=color, alpha=0.6, label=name)
        axes["energies"].set_title(
            f"digits have the lower free energy in {now.told_apart:.0%} of all pairs", fontsize=11
        )
        axes["energies"].set(xlabel="free energy, the noise's mean being 0", ylabel="pictures")
        axes["energies"].legend(loc="upper right")
        fig.suptitle(f"After {_epochs(now)}", fontsize=13)
    return fig


def _epochs(snapshot: Snapshot) -> str:
    return _many(snapshot.epoch, "epoch")


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
