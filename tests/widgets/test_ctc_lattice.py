"""The lattice below a line: right places, readable labels, and one clear line for bad input."""

import re
from html import unescape

import numpy as np
import pytest

from pytools.scratch import ctc_align, ctc_loss, ctc_posterior
from pytools.widgets import LineReading, describe_lattice, draw_lattice, watch_lattice
from pytools.widgets.ctc_lattice import LONGEST
from pytools.widgets.figures import check_labels

SYMBOLS = "abcdefghijklmnopqrstuvwxyz "


def example(text, frames_each=4, frame_width=3, seed=0):
    """A line whose letters are stripes, and a net that is rather sure of each in its middle."""
    rng = np.random.default_rng(seed)
    steps = frames_each * len(text)
    logits = rng.standard_normal((steps, len(SYMBOLS) + 1))
    logits[:, 0] += 3
    for number, letter in enumerate(text):
        at = frames_each * number + 1
        logits[at : at + 2, SYMBOLS.index(letter) + 1] += 6
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    image = rng.random((16, steps * frame_width))
    near = np.exp(
        -np.abs(
            np.arange(image.shape[1])[None] / frame_width / frames_each
            - np.arange(len(text))[:, None]
            - 0.5
        )
    )
    return image, log_probs, near[:, None] * image


def by_all_paths(log_probs, labels):
    """Posterior and best path of a tiny lattice, by walking all ways through it."""
    states = [0, *(s for label in labels for s in (label, 0))]
    ways = [[0], [1]]
    for _ in log_probs[1:]:
        ways = [
            [*way, to]
            for way in ways
            for to in range(way[-1], min(way[-1] + 3, len(states)))
            if to < way[-1] + 2 or states[to] != states[way[-1]]
        ]
    ways = np.array([way for way in ways if way[-1] >= len(states) - 2])
    scores = log_probs[np.arange(len(log_probs)), np.array(states)[ways]].sum(axis=1)
    share = np.exp(scores) / np.exp(scores).sum()
    table = [
        [share[ways[:, t] == s].sum() for s in range(len(states))] for t in range(len(ways[0]))
    ]
    return np.array(table), ways[scores.argmax()]


@pytest.mark.parametrize("labels", [[1], [1, 2], [2, 2], [1, 2, 1], [2, 1, 1]])
def test_posterior_and_path(labels):
    rng = np.random.default_rng(len(labels))
    log_probs = np.log(rng.dirichlet(np.ones(3), 6))
    posterior, path = by_all_paths(log_probs, labels)
    np.testing.assert_allclose(ctc_posterior(log_probs, labels), posterior, atol=1e-12)
    np.testing.assert_array_equal(ctc_align(log_probs, labels), path)
    _, grad = ctc_loss(log_probs, labels)
    of_letters = [posterior[:, 1::2][:, np.array(labels) == k].sum(axis=1) for k in (1, 2)]
    np.testing.assert_allclose(-grad[:, 1:], np.transpose(of_letters), atol=1e-12)


def test_an_empty_text_is_all_blank():
    log_probs = np.log(np.full((3, 2), 0.5))
    assert ctc_align(log_probs, []).tolist() == [0, 0, 0]
    np.testing.assert_array_equal(ctc_posterior(log_probs, []), np.ones((3, 1)))


def test_it_draws_what_the_lattice_says():
    image, log_probs, moved = example("hello")
    line = LineReading(image, log_probs, "hello", SYMBOLS, moved)
    for step in range(5):
        top, lattice, reach = draw_lattice(line, step).axes
        first, end = line.columns(step)
        assert 12 * step < end and first < 12 * (step + 1)
        box = top.patches[0]
        assert (box.get_x(), box.get_x() + box.get_width()) == (first, end)
        shown = lattice.images[0].get_array()
        np.testing.assert_allclose(shown, line.posterior.T)
        np.testing.assert_array_equal(lattice.lines[0].get_ydata(), line.path)
        np.testing.assert_allclose(reach.images[1].get_array(), moved[step] / moved[step].max())


@pytest.mark.parametrize("text", ["a", "all", "two words", "m" * LONGEST])
def test_texts_stay_inside_and_apart(text):
    image, log_probs, moved = example(text)
    line = LineReading(image, log_probs, text, SYMBOLS, moved)
    fig = draw_lattice(line, len(text) - 1)
    check_labels(fig)
    fig.draw_without_rendering()
    labels = [label.get_window_extent() for label in fig.axes[1].get_yticklabels()]
    assert len(labels) == len(text)
    for below, above in zip(labels[1:], labels, strict=False):
        assert below.y1 <= above.y0 + 1 or below.y0 >= above.y1 - 1
    assert "\n" not in describe_lattice(line, 0)


def test_each_letter_has_its_words():
    image, log_probs, moved = example("see me")
    widget = watch_lattice(image, log_probs, "see me", SYMBOLS, lambda k: moved[k])
    assert widget.slider.max == 5
    for step in range(6):
        widget.slider.value = step
        alt = unescape(re.search('alt="([^"]*)"', widget.picture.value).group(1))
        assert alt.startswith(f"Letter {step + 1} of 6 in 'see me', {'see me'[step]!r}: the best")
        assert "of the change comes from these columns" in alt


def test_without_sensitivity():
    image, log_probs, _ = example("ab")
    line = LineReading(image, log_probs, "ab", SYMBOLS)
    assert len(draw_lattice(line, 0).axes) == 2
    assert "depends" not in describe_lattice(line, 0)
    still = LineReading(image, log_probs, "ab", SYMBOLS, np.zeros((2, *image.shape)))
    assert describe_lattice(still, 1).endswith("depends on no pixel at all.")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"image": np.zeros((2, 3, 4))}, r"image must be \(H, W\), but has shape \(2, 3, 4\)"),
        ({"log_probs": np.zeros((8, 5))}, r"log_probs must be \(T, 28\), a blank and 27 symbols"),
        ({"text": ""}, "text must have 1 to 32 letters, but has 0"),
        ({"text": "a" * 33}, "text must have 1 to 32 letters, but has 33"),
        ({"text": "aB"}, "text must be written with 'abc.*but has 'B'"),
        ({"text": "aabbcc"}, "a text of 6 letters needs 9 frames, but log_probs has 8"),
        ({"sensitivity": np.zeros((2, 3, 4))}, "sensitivity must be .* but has shape"),
    ],
)
def test_bad_input_is_refused(change, words):
    image, log_probs, _ = example("ab")
    given = {"image": image, "log_probs": log_probs, "text": "ab", "symbols": SYMBOLS, **change}
    with pytest.raises(ValueError, match=words):
        watch_lattice(**given)
