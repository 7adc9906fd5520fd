"""The gate reader: right numbers for every letter, and one clear line for what it cannot read."""

import re
from html import unescape

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pytools.scratch import Alphabet, Writer
from pytools.widgets import STYLE, GateReader, describe_reading, draw_reading
from pytools.widgets.figures import check_labels
from pytools.widgets.gate_reader import LONGEST

ALPHABET = Alphabet("\nabcdefghijklmnopqrstuvwxyz")


def nets():
    rng = np.random.default_rng(0)
    lstm, rnn = (Writer(kind, len(ALPHABET), 8, rng) for kind in ("lstm", "rnn"))
    lstm.params["peep"] += 0.5
    return lstm, rnn


NETS = nets()


def alt(reader):
    return unescape(re.search('alt="([^"]*)"', reader.picture.value).group(1))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_it_draws_what_the_unit_does():
    """Gates and cell of one unit, computed here once more from the formulas."""
    lstm, unit = NETS[0], 3
    p = {name: w.astype(float) for name, w in lstm.params.items()}
    h = c = np.zeros(8)
    rows = []
    for i in ALPHABET.encode("\nanna"):
        zi, zf, zg, zo = np.split(p["wx"][i] + h @ p["wh"] + p["b"], 4)
        into, keep = sigmoid(zi + p["peep"][0] * c), sigmoid(zf + p["peep"][1] * c)
        c = keep * c + into * np.tanh(zg)
        out = sigmoid(zo + p["peep"][2] * c)
        h = out * np.tanh(c)
        rows.append([into[unit], keep[unit], out[unit], c[unit]])
    gates = draw_reading(*NETS, ALPHABET, "anna", unit).axes[0]
    shown = np.array([float(t.get_text().replace("−", "-")) for t in gates.texts])
    np.testing.assert_allclose(shown.reshape(4, 5), np.transpose(rows), atol=0.006)


def test_the_gradient_is_that_of_the_nets():
    """The last state of each net, pushed at its earlier states."""
    fading = draw_reading(*NETS, ALPHABET, "eve", 0).axes[1]
    _, rnn_line = fading.get_lines()
    p = {name: w.astype(float) for name, w in NETS[1].params.items()}
    ids = ALPHABET.encode("\neve")

    def rest(h, t):
        for i in ids[t:]:
            h = np.tanh(p["wx"][i] + h @ p["wh"] + p["b"])
        return h.sum()

    h, norms = np.zeros(8), []
    for t, i in enumerate(ids, start=1):
        h = np.tanh(p["wx"][i] + h @ p["wh"] + p["b"])
        slopes = [(rest(h + e, t) - rest(h - e, t)) / 2e-5 for e in 1e-5 * np.eye(8)]
        norms.append(np.linalg.norm(slopes))
    np.testing.assert_allclose(rnn_line.get_ydata(), norms, rtol=1e-5)


@pytest.mark.parametrize("name", ["", "a", "katherine", "m" * LONGEST])
@pytest.mark.parametrize("style", [{}, STYLE])
def test_texts_stay_inside_and_apart(name, style):
    with plt.style.context(style):
        fig = draw_reading(*NETS, ALPHABET, name, 2)
        check_labels(fig)
        fig.draw_without_rendering()
    boxes = [t.get_window_extent() for t in fig.axes[0].texts]
    assert len(boxes) == 4 * (len(name) + 1)
    for n, box in enumerate(boxes):
        assert fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[:n])
    assert "\n" not in describe_reading(*NETS, ALPHABET, name, 2)


def test_name_and_unit_change_the_picture():
    reader = GateReader(*NETS, ALPHABET, "ada")
    assert alt(reader) == describe_reading(*NETS, ALPHABET, "ada", 0)
    reader.name.value = " Bob "
    assert alt(reader) == describe_reading(*NETS, ALPHABET, "bob", 0)
    reader.unit.value = 7
    assert alt(reader) == describe_reading(*NETS, ALPHABET, "bob", 7)
    assert reader._repr_mimebundle_()["text/html"] == reader.picture.value


@pytest.mark.parametrize(
    "name, line",
    [
        ("zoë", "text must be written with .* but has 'ë' at position 3"),
        ("<b>", "but has '<' at position 1"),
        ("a" * 15, "The name must have at most 14 letters, but has 15."),
    ],
)
def test_what_it_cannot_read_gets_one_line(name, line):
    reader = GateReader(*NETS, ALPHABET)
    reader.name.value = name
    assert re.search(line, unescape(reader.picture.value), re.DOTALL)
    assert "<img" not in reader.picture.value and "<b>" not in reader.picture.value
    reader.name.value = "zoe"
    assert "<img" in reader.picture.value


def test_other_nets_are_refused():
    lstm, rnn = NETS
    bare = Writer("lstm", len(ALPHABET), 8, np.random.default_rng(0), peepholes=False)
    for given in [(rnn, lstm), (bare, rnn), (lstm, lstm)]:
        with pytest.raises(ValueError, match="lstm must be a Writer of kind 'lstm' with peepholes"):
            GateReader(*given, ALPHABET)
