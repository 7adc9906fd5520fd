"""A graph whose node colours diffuse layer by layer, along edges as strong as their weights."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import networkx
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from pytools.widgets.figures import BLUE, STYLE, VERMILION, mimebundle

SIDES = LinearSegmentedColormap.from_list("sides", [VERMILION, "white", BLUE])
WIDTH, HEIGHT = 4.5, 4.1  # of a panel, in inches
THICK = 5.0  # line width of the strongest edge, in points


class GraphDiffusion(ipywidgets.VBox):
    """Colours that pass through a graph, a layer a step; and whom a chosen node looks at.

    ways: name -> (N, N) weights, row i for what node i takes from each node, such as Â or an
    attention; all over one graph. start (N,): the values before the first layer, above 0 blue,
    below 0 red; nodes that have one keep it. truth (N,), optional: 1 or -1, the side of each node.
    layers: how many steps.
    Raises ValueError where the shapes do not fit.
    """

    def __init__(
        self,
        ways: Mapping[str, np.ndarray],
        start: np.ndarray,
        truth: np.ndarray | None = None,
        layers: int = 6,
    ):
        n = len(start)
        shapes = [np.shape(weights) for weights in ways.values()]
        if not ways or set(shapes) != {(n, n)} or layers < 1:
            raise ValueError(
                f"ways must hold matrices ({n}, {n}), one row a value of start, and layers be at "
                f"least 1, but they have shapes {shapes} and layers is {layers}"
            )
        if truth is not None and np.shape(truth) != (n,):
            raise ValueError(f"truth must hold {n} values, but has shape {np.shape(truth)}")
        self.ways, self.truth = ways, truth
        self.values = {name: diffused(weights, start, layers) for name, weights in ways.items()}
        self.places = _layout(sum(np.asarray(weights) for weights in ways.values()))

        nodes = [("all nodes", -1), *((f"node {i}", i) for i in range(n))]
        self.node = ipywidgets.Dropdown(options=nodes, description="Edges of")
        self.back = ipywidgets.Button(description="Back", icon="arrow-left")
        self.next = ipywidgets.Button(description="Next", icon="arrow-right")
        self.layer = ipywidgets.IntSlider(description="Layer", max=layers)
        self.picture = ipywidgets.HTML()
        buttons = ipywidgets.HBox([self.back, self.next, self.layer, self.node])
        super().__init__([self.picture, buttons])

        self.layer.observe(self._draw, names="value")
        self.node.observe(self._draw, names="value")
        self.back.on_click(lambda _: self._move(-1))
        self.next.on_click(lambda _: self._move(1))
        self._draw()

    def _move(self, by: int) -> None:
        self.layer.value += by

    def _draw(self, _: Any = None) -> None:
        layer, node = self.layer.value, self.node.value
        data, _ = mimebundle(
            draw_diffusion(self, layer, node), describe_diffusion(self, layer, node)
        )
        self.picture.value = data["text/html"]
        self.back.disabled, self.next.disabled = layer == 0, layer == self.layer.max

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def diffused(weights: np.ndarray, start: np.ndarray, layers: int) -> np.ndarray:
    """The values before the first layer and after each, (layers + 1, N); those at start stay."""
    start = np.asarray(start, dtype=float)
    values = [start]
    for _ in range(layers):
        values.append(np.where(start != 0, start, np.asarray(weights) @ values[-1]))
    return np.array(values)


def describe_diffusion(graph: GraphDiffusion, layer: int, node: int = -1) -> str:
    """What draw_diffusion draws, in one line: its alt text."""
    parts = []
    for name, weights in graph.ways.items():
        words = f"{name}: {_words(graph, name, layer)}"
        if node >= 0:
            near = np.argsort(-np.asarray(weights)[node], kind="stable")[:3]
            looks = ", ".join(f"{j} ({weights[node][j]:.2f})" for j in near if weights[node][j] > 0)
            words += f"; node {node} takes most from {looks or 'nobody'}"
        parts.append(words)
    return f"A graph after {layer} layers. {'. '.join(parts)}."


def draw_diffusion(graph: GraphDiffusion, layer: int, node: int = -1) -> Figure:
    """A panel for each way: nodes coloured by value, edges as wide as their weight.

    node: the one whose row of weights is drawn, the other edges staying thin; -1 for all.
    """
    with style.context(STYLE):
        fig = Figure(figsize=(WIDTH * len(graph.ways), HEIGHT))
        axes = fig.subplots(1, len(graph.ways), squeeze=False)[0]
    for ax, (name, weights) in zip(axes, graph.ways.items(), strict=True):
        _draw_edges(ax, graph.places, np.asarray(weights), node)
        values = graph.values[name][layer]
        shade = np.sign(values) * np.sqrt(np.abs(values) / max(np.abs(values).max(), 1e-12))
        rims = ["black" if v else "grey" for v in graph.values[name][0] != 0]
        ax.scatter(
            *graph.places.T, s=210, c=shade, cmap=SIDES, vmin=-1, vmax=1, edgecolors=rims, zorder=2
        )
        for i, place in enumerate(graph.places):
            ink = "white" if abs(shade[i]) > 0.75 else "black"
            bold = "bold" if i == node else "normal"
            ax.text(*place, i, ha="center", va="center", fontsize=8, color=ink, weight=bold)
        ax.set_title(f"{name}\n{_words(graph, name, layer)}", fontsize=11)
        ax.set_axis_off()
        ax.margins(0.06)
    fig.suptitle("Before the first layer" if layer == 0 else f"Layer {layer}", fontsize=12)
    return fig


def _draw_edges(ax: Axes, places: np.ndarray, weights: np.ndarray, node: int) -> None:
    """All edges thin and grey; on them, in black, the weights themselves: of all, or of a row."""
    apart = weights * ~np.eye(len(weights), dtype=bool)
    rows, columns = np.nonzero(np.triu(apart + apart.T))
    strength = (apart + apart.T)[rows, columns] / 2
    lines = np.stack([places[rows], places[columns]], axis=1)
    if node < 0:
        widths = THICK * strength / max(strength.max(initial=0), 1e-12)
        ax.add_collection(LineCollection(lines, linewidths=widths, colors="0.45", zorder=1))
        return
    ax.add_collection(LineCollection(lines, linewidths=0.5, colors="0.75", zorder=1))
    near = np.flatnonzero(apart[node])
    lines = np.stack([np.broadcast_to(places[node], (len(near), 2)), places[near]], axis=1)
    widths = 2 * THICK * apart[node, near] / max(weights[node].max(), 1e-12)
    ax.add_collection(LineCollection(lines, linewidths=widths, colors="0.25", zorder=1))


def _words(graph: GraphDiffusion, name: str, layer: int) -> str:
    values = graph.values[name][layer]
    if graph.truth is None:
        return f"{np.count_nonzero(values)} of {len(values)} nodes reached"
    right = np.sum(np.sign(values) == graph.truth)
    return f"{right} of {len(values)} nodes show their side"


def _layout(weights: np.ndarray) -> np.ndarray:
    """Places (N, 2) at which joined nodes lie near each other; the same at every call."""
    graph = networkx.from_numpy_array((weights + weights.T > 0).astype(int))
    graph.remove_edges_from(list(networkx.selfloop_edges(graph)))
    places = networkx.spring_layout(graph, seed=4, iterations=200)
    return np.array([places[i] for i in range(len(weights))])
