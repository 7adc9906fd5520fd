"""A computational graph to step through: values appear forward, then gradients backward."""

from functools import cache, partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from pytools.widgets.figures import BLUE
from pytools.widgets.graph_layout import Place, lay_out
from pytools.widgets.graph_steps import Graph, Step, formula, steps, text
from pytools.widgets.stepper import Stepper

# In inches: the axes cover the figure, and one of their units is an inch.
BOX_HEIGHT, ROW_HEIGHT, LINE_HEIGHT, GAP, MARGIN = 0.85, 1.1, 0.24, 0.6, 0.2
HEADER, FOOTER = 0.5, 0.8
SMALL, LARGE = 11, 13  # font sizes, in points

# What a step works on stands out in its phase's colour; the rest is idle. The vermilion is a
# darker one than the palette's, so that text in it can be read.
INK = {"idle": "#666666", "forward": BLUE, "backward": "#B04600"}
TINT = {"idle": "white", "forward": "#E3F1FA", "backward": "#FCE9DC"}
LINEWIDTH = {"idle": 1.2, "forward": 2.5, "backward": 2.5}


def step_through(graph: Graph) -> Stepper:
    """The graph as a picture, with Back and Next buttons and a slider over its steps.

    graph: a dict as described in pytools.widgets.graph_steps. Raises ValueError for a graph that
    can't be worked through.
    """
    last = len(steps(graph)) - 1
    return Stepper(partial(draw_step, graph), partial(describe_step, graph), last)


def describe_step(graph: Graph, step: int) -> str:
    """What draw_step draws, in one line: its alt text."""
    now = steps(graph)[step]
    values = ", ".join(f"{name} = {text(value)}" for name, value in now.values.items())
    grads = ", ".join(f"{name} {text(grad)}" for name, grad in now.grads.items()) or "none yet"
    return f"Computational graph. {now.words}: {now.numbers}. Values: {values}. Gradients: {grads}."


def draw_step(graph: Graph, step: int) -> Figure:
    """The graph as it stands after a step, with the step's rule beneath. Step -1 is the last.

    Raises IndexError where there is no such step.
    """
    every = steps(graph)
    now = every[step]
    places, ways = lay_out(graph)
    # One size for all steps, so that nothing jumps from one to the next.
    box = 0.3 + max(
        _width(line) for s in every for name in graph for line in _lines(graph, name, s)
    )
    rule = max(_width(line, LARGE) for s in every for line in (s.words, s.numbers))
    stops = [*places.values(), *(stop for way in ways.values() for stop in way)]
    columns = 1 + max(column for column, _ in stops)
    rows = 1 + 2 * max(row for _, row in stops)
    wide = 2 * MARGIN + max(columns * (box + GAP) - GAP, rule)
    high = HEADER + rows * ROW_HEIGHT + FOOTER

    fig = Figure(figsize=(wide, high), facecolor="white", layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(0, high))
    ax.axis("off")

    def left_end(place: Place) -> tuple[float, float]:
        """The middle of the left side of the box at a place."""
        column, row = place
        return MARGIN + column * (box + GAP), FOOTER + (row + rows / 2) * ROW_HEIGHT

    for (parent, child), way in ways.items():
        sides = [(x + shift, y) for x, y in map(left_end, way) for shift in (0, box)]
        points = sides[1:-1]  # from the parent's right side to the child's left side
        if now.phase == "forward" and now.node == child:
            _draw_arrow(ax, points, "forward")
        elif (now.node, now.child) == (parent, child):
            _draw_arrow(ax, points[::-1], "backward")
        else:
            _draw_arrow(ax, points, "idle")
    for name, place in places.items():
        state = now.phase if name == now.node else "idle"
        _draw_box(ax, left_end(place), box, _lines(graph, name, now), state)

    title = f"Step {step % len(every)} of {len(every) - 1}: {now.phase}"
    fig.suptitle(title, x=MARGIN / wide, y=1 - MARGIN / high, ha="left", fontsize=LARGE)
    ax.text(MARGIN, FOOTER - 0.2, now.words, fontsize=LARGE, va="center", color=INK.get(now.phase))
    ax.text(MARGIN, FOOTER - 0.5, now.numbers, fontsize=LARGE, va="center")
    return fig


def _lines(graph: Graph, name: str, now: Step) -> tuple[str, str, str]:
    """What stands in the box of a node: its formula and what is known of it."""
    value = f"value {text(now.values[name])}" if name in now.values else ""
    grad = f"grad {text(now.grads[name])}" if name in now.grads else ""
    return formula(graph, name), value, grad


def _draw_box(
    ax: Axes, left: tuple[float, float], width: float, lines: tuple[str, ...], state: str
) -> None:
    x, y = left
    style = {"facecolor": TINT[state], "edgecolor": INK[state], "linewidth": LINEWIDTH[state]}
    corner = (x, y - BOX_HEIGHT / 2)
    rounded = "round,pad=0,rounding_size=0.1"
    ax.add_patch(FancyBboxPatch(corner, width, BOX_HEIGHT, boxstyle=rounded, **style))
    colors = ("black", INK["forward"], INK["backward"])
    for height, line, color in zip((LINE_HEIGHT, 0, -LINE_HEIGHT), lines, colors, strict=True):
        at = (x + width / 2, y + height)
        ax.text(*at, line, fontsize=SMALL, color=color, ha="center", va="center")


def _draw_arrow(ax: Axes, points: list[tuple[float, float]], state: str) -> None:
    style = {"color": INK[state], "linewidth": LINEWIDTH[state], "shrinkA": 0, "shrinkB": 0}
    ax.add_patch(FancyArrowPatch(path=Path(points), arrowstyle="-|>", mutation_scale=14, **style))


@cache
def _width(line: str, size: float = SMALL) -> float:
    """Width of a line of text, in inches."""
    return TextPath((0, 0), line, size=size).get_extents().width / 72 if line else 0.0
