"""A static graph against a tape: the same two training steps, line by line, side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from pytools.widgets.figures import BLUE
from pytools.widgets.stepper import Stepper

LR = 0.1
START = 1.0  # the weight at first
BATCHES = ((2.0, 5.0), (1.0, 4.0))  # x and its target t, one example a step

GRAPH_CODE = (
    'x, t = graph.placeholder("x"), graph.placeholder("t")',
    "w = graph.shared(1.0)",
    "error = w * x - t",
    "loss = error * error",
    "(grad,) = graph.gradient(loss, [w])",
    "step = graph.function([x, t], [loss], {w: w - 0.1 * grad})",
    "step(2.0, 5.0)",
    "step(1.0, 4.0)",
)
TAPE_CODE = (
    "w = torch.tensor(1.0, requires_grad=True)",
    "for x, t in [(2.0, 5.0), (1.0, 4.0)]:",
    "    error = w * x - t",
    "    loss = error * error",
    "    loss.backward()",
    "    with torch.no_grad():",
    "        w -= 0.1 * w.grad",
    "    w.grad = None",
)

# In inches: the axes cover the figure, and one of their units is an inch.
SIZE = (10.4, 5.6)
PANEL = 5.2  # width of a side
CODE_TOP, CODE_LINE, CODE_FONT = 4.62, 0.225, 9
BOX = (1.3, 0.56)
PLACES = {
    "x": (0.2, 2.35),
    "w": (0.2, 1.6),
    "t": (0.2, 0.85),
    "error": (1.95, 1.6),
    "loss": (3.7, 2.35),
    "grad": (3.7, 1.6),
    "next w": (3.7, 0.85),
}
EDGES = (("x", "error"), ("w", "error"), ("t", "error"), ("error", "loss"))
BACK = (("loss", "grad"), ("grad", "next w"))  # drawn dashed: the way back
TINT, IDLE = "#E3F1FA", "#666666"


@dataclass(frozen=True)
class Moment:
    """One side after one step. boxes: name -> number, None for a node that has none yet."""

    lines: tuple[int, ...]  # of the code, those that run
    words: str
    boxes: dict[str, float | None]
    active: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = field(default=EDGES + BACK)


def numbers(weight: float, x: float, t: float) -> dict[str, float]:
    """All numbers of one training step on one example."""
    error = weight * x - t
    grad = 2 * error * x
    values = {"w": weight, "x": x, "t": t, "error": error, "loss": error * error}
    return values | {"grad": grad, "next w": weight - LR * grad}


def graph_moments() -> list[Moment]:
    """The static graph: six lines build it, then three steps for each of two calls."""
    empty = dict.fromkeys(PLACES)
    names = ["x", "t", "w", "error", "loss", "grad", "next w"]
    start = {"w": START}

    def built(count: int) -> dict[str, float | None]:
        return {name: empty[name] for name in names[:count]} | (start if count > 2 else {})

    build = [
        Moment((0,), "Two placeholders: names without numbers.", built(2), ("x", "t")),
        Moment((1,), "A shared variable keeps its number between calls.", built(3), ("w",)),
        Moment((2,), "A node says how. Nothing is computed.", built(4), ("error",)),
        Moment((3,), "One more node. Still nothing is computed.", built(5), ("loss",)),
        Moment((4,), "The gradient: more nodes of the same graph.", built(6), ("grad",)),
        Moment((5,), "All is known before it runs: check it, speed it up.", built(7), ("next w",)),
    ]
    return build + list(chain.from_iterable(_calls(empty)))


def _calls(empty: dict[str, None]) -> Iterator[list[Moment]]:
    weight = START
    for line, (x, t) in enumerate(BATCHES, start=6):
        now = numbers(weight, x, t)
        forward = empty | {name: now[name] for name in ("x", "t", "w", "error", "loss")}
        weight = now["next w"]
        yield [
            Moment((line,), "Numbers run through the finished graph.", forward, tuple(forward)[:5]),
            Moment((line,), "The gradient is computed like any node.", now, ("grad", "next w")),
            Moment(
                (line,),
                "w is updated. The numbers go, the graph stays.",
                empty | {"w": weight},
                ("w",),
            ),
        ]


def tape_moments() -> list[Moment]:
    """The tape: made anew, while the numbers run, in each of two rounds."""
    moments = [Moment((0,), "A tensor has its number from the start.", {"w": START}, ("w",))]
    weight = START
    for x, t in BATCHES:
        now = numbers(weight, x, t)

        def some(*names: str, now: dict[str, float] = now) -> dict[str, float | None]:
            return {name: now[name] for name in names}

        forward = some("w", "x", "t", "error", "loss")
        weight = now["next w"]
        moments += [
            Moment((1,), "Numbers, no tape yet.", some("w", "x", "t"), ("x", "t")),
            Moment(
                (2,),
                "Computed at once, and noted on the tape.",
                some("w", "x", "t", "error"),
                ("error",),
            ),
            Moment((3,), "Python goes on, the tape grows.", forward, ("loss",)),
            Moment(
                (4,),
                "Backwards along the tape, which is then thrown away.",
                forward | some("grad"),
                ("grad",),
                edges=(),
            ),
            Moment((5, 6, 7), "w is updated, its gradient cleared.", {"w": weight}, ("w",)),
        ]
    return [*moments, Moment((), "The loop is over: no graph is left, only w.", {"w": weight})]


GRAPH, TAPE = graph_moments(), tape_moments()


def graph_against_tape() -> Stepper:
    """Both sides with Back and Next buttons and a slider over their twelve steps."""
    return Stepper(draw_graph_and_tape, describe_graph_and_tape, len(GRAPH) - 1)


def describe_graph_and_tape(step: int) -> str:
    """What draw_graph_and_tape draws, in one line: its alt text."""
    return (
        f"Step {step + 1} of {len(GRAPH)}. Static graph: {_described(GRAPH[step], GRAPH_CODE)} "
        f"Tape: {_described(TAPE[step], TAPE_CODE)}"
    )


def draw_graph_and_tape(step: int) -> Figure:
    """The code of both ways with the lines that run, and what exists by then.

    Raises IndexError where there is no such step.
    """
    sides = GRAPH[step], TAPE[step]
    fig = Figure(figsize=SIZE, facecolor="white", layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
    ax.axis("off")
    ax.plot([PANEL, PANEL], [0.2, 5.1], color="#CCCCCC", linewidth=1)
    fig.suptitle(f"Step {step % len(GRAPH) + 1} of {len(GRAPH)}", y=0.985, fontsize=13)
    titles = "Define and run: a static graph", "Define by run: a tape"
    codes = GRAPH_CODE, TAPE_CODE
    for left, title, code, moment in zip((0, PANEL), titles, codes, sides, strict=True):
        ax.text(left + 0.2, 4.98, title, fontsize=12, weight="bold", va="center")
        _draw_code(ax, left, code, moment.lines)
        _draw_boxes(ax, left, moment)
        ax.text(left + 0.2, 0.2, moment.words, fontsize=11, va="center", color=BLUE)
    return fig


def text(value: float | None) -> str:
    """A number in a few characters; a dash where there is none yet."""
    return "–" if value is None else f"{round(value, 3) + 0.0:g}".replace("-", "−")


def _described(moment: Moment, code: Sequence[str]) -> str:
    lines = " / ".join(code[line].strip() for line in moment.lines) or "no line runs"
    known = [f"{name} = {text(value)}" for name, value in moment.boxes.items() if value is not None]
    unknown = [name for name, value in moment.boxes.items() if value is None]
    said = [", ".join(known), f"without a number: {', '.join(unknown)}" if unknown else ""]
    return f"{lines}. {moment.words} {'; '.join(filter(None, said))}."


def _draw_code(ax: Axes, left: float, code: Sequence[str], running: Sequence[int]) -> None:
    for number, line in enumerate(code):
        y = CODE_TOP - number * CODE_LINE
        if number in running:
            corner = (left + 0.12, y - CODE_LINE / 2)
            ax.add_patch(Rectangle(corner, PANEL - 0.24, CODE_LINE, color=TINT))
        color = "black" if number in running else IDLE
        style = {"fontsize": CODE_FONT, "family": "monospace", "va": "center", "color": color}
        ax.text(left + 0.2, y, line, **style)


def _draw_boxes(ax: Axes, left: float, moment: Moment) -> None:
    width, height = BOX
    for parent, child in moment.edges:
        if parent in moment.boxes and child in moment.boxes:
            _draw_arrow(ax, left, parent, child)
    for name, value in moment.boxes.items():
        x, y = PLACES[name]
        active = name in moment.active
        style = {
            "facecolor": TINT if active else "white",
            "edgecolor": BLUE if active else IDLE,
            "linewidth": 2.2 if active else 1.2,
            "linestyle": "--" if value is None else "-",
        }
        rounded = "round,pad=0,rounding_size=0.08"
        corner = (left + x, y - height / 2)
        ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=rounded, **style))
        middle = left + x + width / 2
        ax.text(middle, y + 0.13, name, fontsize=11, ha="center", va="center")
        ax.text(middle, y - 0.13, text(value), fontsize=11, ha="center", va="center", color=BLUE)


def _draw_arrow(ax: Axes, left: float, parent: str, child: str) -> None:
    """From side to side between columns, from bottom to top within one."""
    (x0, y0), (x1, y1) = PLACES[parent], PLACES[child]
    width, height = BOX
    if x0 == x1:
        start, end = (x0 + width / 2, y0 - height / 2), (x1 + width / 2, y1 + height / 2)
    else:
        start, end = (x0 + width, y0), (x1, y1)
    line = "--" if (parent, child) in BACK else "-"
    ax.add_patch(
        FancyArrowPatch(
            (left + start[0], start[1]),
            (left + end[0], end[1]),
            arrowstyle="-|>",
            mutation_scale=12,
            shrinkA=0,
            shrinkB=0,
            color=IDLE,
            linestyle=line,
        )
    )
