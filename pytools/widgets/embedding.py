"""A plane that digits are put into, and how it changes with the loss, the margin and the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from pytools.widgets.figures import STYLE, mimebundle

LOSSES = ("pairs", "same pairs only", "triplets", "distance ratio")
MARGINS = (0.5, 1.0, 3.0, 10.0)
MOMENTS = (0, 20, 60, 150, 300)  # steps of training after which the points are looked at
SIZE = (6.4, 4.4)  # inches


@dataclass(frozen=True)
class Plane:
    """Points of one training: points (moments, N, 2), labels (N,), the classes kept from it."""

    loss: str
    margin: float
    moments: Sequence[int]
    points: np.ndarray
    labels: np.ndarray
    new: Sequence[int]

    def recall(self, moment: int) -> tuple[float, float]:
        """recall@1 among the points of the classes trained on, and among those of the new ones."""
        from pytools.scratch import recall_at_k

        points, is_new = self.points[moment], np.isin(self.labels, self.new)
        parts = (~is_new, is_new)
        return tuple(recall_at_k(points[part], self.labels[part], 1) for part in parts)


def learn_plane(
    images: np.ndarray,
    labels: np.ndarray,
    new: Sequence[int],
    loss: str = "triplets",
    margin: float = 1.0,
    moments: Sequence[int] = MOMENTS,
    seed: int = 0,
) -> Plane:
    """Train a small net to put images into the plane, and look at it at some moments.

    images (N, C, H, W) float32, labels (N,) integers; new: the classes that it is not trained on.
    loss: one of LOSSES; margin: of the first three of them. moments: steps, rising. Raises
    ValueError for another loss, and where all classes are new, or none.
    """
    import torch

    from pytools.models import embed, train_embedding

    is_new = np.isin(labels, new)
    if is_new.all() or not is_new.any():
        raise ValueError(f"new must name some classes and not all, but is {list(new)}")
    batch_loss = _batch_loss(loss, margin)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(images[0].size, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, 2),
        )
    rng, points = np.random.default_rng(seed), []
    for steps in np.diff(moments, prepend=0):
        train_embedding(net, images[~is_new], labels[~is_new], batch_loss, int(steps), rng)
        points.append(embed(net, images))
    return Plane(loss, margin, tuple(moments), np.stack(points), labels, tuple(new))


def _batch_loss(loss: str, margin: float) -> Callable:
    from pytools.models import l1_distance, pairs_loss, ratio_loss, triplets_loss
    from pytools.scratch import sample_triplets

    def same_only(emb: Any, labels: np.ndarray, rng: np.random.Generator) -> Any:
        a, p, _ = sample_triplets(labels, 128, rng)
        return l1_distance(emb[a], emb[p]).mean()

    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, but is {loss!r}")
    made = (pairs_loss(margin), same_only, triplets_loss(margin), ratio_loss())
    return dict(zip(LOSSES, made, strict=True))[loss]


def describe_plane(plane: Plane, moment: int) -> str:
    """What draw_plane draws, in one line: its alt text."""
    seen, new = plane.recall(moment)
    return (
        f"Digits in a plane after {plane.moments[moment]} steps, {_setting(plane)}: the nearest "
        f"point is of the same digit for {seen:.0%} of the digits trained on, and for {new:.0%} of "
        f"the new ones, {', '.join(map(str, plane.new))}."
    )


def draw_plane(plane: Plane, moment: int) -> Figure:
    """The points in their digits' colours, new digits as crosses, a number where each digit is."""
    points, labels = plane.points[moment], plane.labels
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        ax = fig.subplots()
    colours = dict(colours_of(np.unique(labels)))
    for name, colour in colours.items():
        own, is_new = points[labels == name], name in plane.new
        ax.scatter(*own.T, s=22 if is_new else 9, marker="x" if is_new else "o", color=colour)
    for name in colours:
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
        middle = np.median(points[labels == name], axis=0)
        ax.text(*middle, str(name), fontsize=12, weight="bold", ha="center", va="center", bbox=box)
    seen, new = plane.recall(moment)
    ax.set(xlabel="output 1", ylabel="output 2")
    every = plane.points.reshape(-1, 2)  # one scale for all moments: a collapse is seen
    low, high = every.min(axis=0), every.max(axis=0)
    edge = 0.05 * (high - low) + 1e-9
    ax.set_xlim(low[0] - edge[0], high[0] + edge[0])
    ax.set_ylim(low[1] - edge[1], high[1] + edge[1])
    ax.set_title(
        f"Step {plane.moments[moment]}, {_setting(plane)}\n"
        f"recall@1: {seen:.2f} of the digits trained on, {new:.2f} of the new ones (×)",
        fontsize=11,
    )
    return fig


def colours_of(names: np.ndarray) -> list[tuple[int, tuple]]:
    """A colour for each class."""
    import matplotlib

    colours = matplotlib.colormaps["tab10"](np.arange(len(names)) % 10)
    return list(zip(names.tolist(), colours, strict=True))


def _setting(plane: Plane) -> str:
    has_margin = plane.loss in ("pairs", "triplets")
    name = "alpha" if plane.loss == "triplets" else "margin"
    return f"{plane.loss}, {name} {plane.margin:g}" if has_margin else plane.loss


class PlaneExplorer(ipywidgets.VBox):
    """draw_plane with a choice of the loss, the margin and the moment; each net is trained once."""

    def __init__(self, learn: Callable[[str, float], Plane]):
        self.picture = ipywidgets.HTML()
        self.loss = ipywidgets.Dropdown(options=LOSSES, value="triplets", description="Loss")
        self.margin = ipywidgets.SelectionSlider(options=MARGINS, value=1.0, description="Margin")
        self.moment = ipywidgets.SelectionSlider(
            options=[(str(steps), place) for place, steps in enumerate(MOMENTS)],
            value=len(MOMENTS) - 1,
            description="Steps",
        )
        self._learn = lru_cache(maxsize=None)(learn)
        super().__init__([self.loss, self.margin, self.moment, self.picture])
        for control in (self.loss, self.margin, self.moment):
            control.observe(lambda _: self._draw(), names="value")
        self._draw()

    def _draw(self) -> None:
        self.margin.disabled = self.loss.value not in ("pairs", "triplets")
        plane = self._learn(self.loss.value, 1.0 if self.margin.disabled else self.margin.value)
        moment = self.moment.value
        data, _ = mimebundle(draw_plane(plane, moment), describe_plane(plane, moment))
        self.picture.value = data["text/html"]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def explore_plane(
    images: np.ndarray, labels: np.ndarray, new: Sequence[int], seed: int = 0
) -> PlaneExplorer:
    """Digits in a plane, by loss, margin and steps. Arguments and errors as in learn_plane."""

    def learn(loss: str, margin: float) -> Plane:
        return learn_plane(images, labels, new, loss, margin, seed=seed)

    return PlaneExplorer(learn)
