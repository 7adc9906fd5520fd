"""A typed name, read letter by letter: one unit's gates, and how far the gradient reaches."""

from html import escape
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from pytools.scratch import Alphabet, Writer, lstm_reach, rnn_reach
from pytools.widgets.figures import BLUE, VERMILION, mimebundle

LONGEST = 14  # letters that the picture has room for
START = "\n"  # what a net reads before the first letter
ROWS = {"i": "input gate", "f": "forget gate", "o": "output gate", "c": "cell"}
LIMIT = 2.0  # a cell's colour is full here


class GateReader(ipywidgets.VBox):
    """A text box for a name, a slider for a unit, and the picture of what happens.

    lstm: a Writer with peepholes, rnn: one without gates, both for `alphabet`, which has a newline:
    that is what they read before the name. A name they cannot read gets a line that says why.
    """

    def __init__(self, lstm: Writer, rnn: Writer, alphabet: Alphabet, name: str = "katherine"):
        if lstm.kind != "lstm" or "peep" not in lstm.params or rnn.kind != "rnn":
            raise ValueError(
                f"lstm must be a Writer of kind 'lstm' with peepholes, and rnn one of kind 'rnn', "
                f"but they are {lstm.kind!r} and {rnn.kind!r}"
            )
        self.given = lstm, rnn, alphabet
        self.name = ipywidgets.Text(name, description="Name")
        self.unit = ipywidgets.IntSlider(0, 0, lstm.hidden - 1, description="Unit")
        self.picture = ipywidgets.HTML()
        super().__init__([ipywidgets.HBox([self.name, self.unit]), self.picture])
        for control in (self.name, self.unit):
            control.observe(lambda _: self._read(), names="value")
        self._read()

    def _read(self) -> None:
        name, unit = self.name.value.strip().lower(), self.unit.value
        try:
            figure = draw_reading(*self.given, name, unit)
        except ValueError as error:
            self.picture.value = f"<p>{escape(str(error))}</p>"
            return
        data, _ = mimebundle(figure, describe_reading(*self.given, name, unit))
        self.picture.value = data["text/html"]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def describe_reading(lstm: Writer, rnn: Writer, alphabet: Alphabet, name: str, unit: int) -> str:
    """What draw_reading draws, in one line: its alt text."""
    rnn_norms, lstm_norms, seen = _read_through(lstm, rnn, alphabet, name)
    keeps = ", ".join(f"{value:.2f}" for value in seen["f"][:, 0, unit])
    return (
        f"Unit {unit} reads the start and {name!r}: forget gate {keeps}. The gradient of the last "
        f"state for the first one has the norm {lstm_norms[0]:.2g} in the LSTM and "
        f"{rnn_norms[0]:.2g} in the RNN."
    )


def draw_reading(lstm: Writer, rnn: Writer, alphabet: Alphabet, name: str, unit: int) -> Figure:
    """One unit's gates and cell over the letters of a name; below, the norm of the gradient.

    Raises ValueError for a name with other characters than the alphabet's, or too long a one.
    """
    rnn_norms, lstm_norms, seen = _read_through(lstm, rnn, alphabet, name)
    fig = Figure(figsize=(8.4, 4.9), facecolor="white", layout="constrained")
    fig.suptitle(f"Unit {unit} of {lstm.hidden} while the net reads {name!r}", fontsize=12)
    gates, fading = fig.subplots(2, 1, sharex=True, height_ratios=(4, 3))
    _draw_gates(gates, {ROWS[key]: seen[key][:, 0, unit] for key in ROWS})
    for norms, label, colour, marker in [
        (lstm_norms, "LSTM", BLUE, "o"),
        (rnn_norms, "RNN", VERMILION, "s"),
    ]:
        fading.semilogy(norms, marker=marker, color=colour, label=label)
    fading.set(xlabel="letter read (↵: the start)", ylabel="norm of the gradient")
    fading.set_title("How much the last state depends on each earlier one", fontsize=11)
    fading.set_xticks(range(len(name) + 1), ["↵", *name])
    fading.set_xlim(-0.5, LONGEST + 0.5)
    fading.set_ylim(min(1e-2, rnn_norms.min() / 2, lstm_norms.min() / 2), 3 * lstm_norms[-1])
    fading.yaxis.set_minor_formatter(NullFormatter())
    fading.grid(alpha=0.3)
    fading.legend(loc="lower right", frameon=False)
    for side in ("top", "right"):
        fading.spines[side].set_visible(False)
    return fig


def _draw_gates(ax: Axes, rows: dict[str, np.ndarray]) -> None:
    """Tiles with numbers: gates from white, shut, to blue, open; the cell orange below 0."""
    for row, (name, values) in enumerate(rows.items()):
        is_cell = name == "cell"
        shade = values / LIMIT if is_cell else values
        ax.imshow(
            np.atleast_2d(shade),
            cmap="PuOr" if is_cell else "Blues",
            vmin=-1 if is_cell else 0,
            vmax=1,
            extent=(-0.5, len(values) - 0.5, row + 0.44, row - 0.44),
            aspect="auto",
        )
        for t, value in enumerate(values):
            ink = "white" if abs(shade[t]) > 0.6 else "black"
            text = f"{value:.2f}".replace("-", "−")
            ax.text(t, row, text, color=ink, ha="center", va="center", fontsize=10)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.tick_params(length=0, labelbottom=False)
    ax.set_ylabel("0 is shut, 1 is open")
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _read_through(
    lstm: Writer, rnn: Writer, alphabet: Alphabet, name: str
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Both nets' norms, and the LSTM's gates and cells."""
    if len(name) > LONGEST:
        raise ValueError(f"The name must have at most {LONGEST} letters, but has {len(name)}.")
    letters = np.eye(len(alphabet))[alphabet.encode(START + name)][:, None]
    lstm_norms, seen = lstm_reach(letters, lstm.params)
    return rnn_reach(letters, rnn.params), lstm_norms, seen
