"""Figures are shown with their alt text, and not without title and labels."""

import base64
import io
from html.parser import HTMLParser

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pytools.widgets import PALETTE, STYLE, figures, show
from pytools.widgets.figures import picture


@pytest.fixture
def shown(monkeypatch):
    """What `show` displays: pairs of data and metadata."""
    calls = []
    monkeypatch.setattr(
        figures, "display", lambda data, metadata, raw: calls.append((data, metadata))
    )
    return calls


def figure(title="Loss", xlabel="step", ylabel="loss"):
    fig = Figure()
    ax = fig.subplots()
    ax.plot([1, 2, 3])
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return fig


def img_attributes(html):
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.feed(html)
    [(tag, attributes)] = tags
    assert tag == "img"
    return attributes


def test_the_alt_text_is_in_the_html_and_in_the_metadata(shown):
    alt = """A curve that falls: 'a' < "b" & c"""
    show(figure(), alt)
    [(data, metadata)] = shown
    attributes = img_attributes(data["text/html"])
    assert attributes["alt"] == metadata["image/png"]["alt"] == data["text/plain"] == alt
    assert attributes["src"] == "data:image/png;base64," + data["image/png"]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_a_picture_keeps_its_colours_in_a_third_of_the_room():
    fig = figure()
    small, drawn = picture(fig), io.BytesIO()
    fig.savefig(drawn, format="png", dpi=144)
    assert len(small) < 0.6 * len(drawn.getvalue())
    pixels = [
        np.asarray(Image.open(file).convert("RGB"), int) for file in (io.BytesIO(small), drawn)
    ]
    assert np.abs(pixels[0] - pixels[1]).mean() < 0.1  # of 255
    assert np.abs(pixels[0] - pixels[1]).max() < 64


def test_the_figure_is_shown_in_its_size_in_inches(shown):
    fig = figure()
    fig.set_size_inches(5, 3)
    show(fig, "A line.")
    [(data, metadata)] = shown
    attributes = img_attributes(data["text/html"])
    assert (attributes["width"], attributes["height"]) == ("480", "288")
    assert (metadata["image/png"]["width"], metadata["image/png"]["height"]) == (480, 288)


def test_the_figure_is_closed(shown):
    with matplotlib.rc_context({"backend": "agg"}):
        fig, ax = plt.subplots()
        ax.set(title="t", xlabel="x", ylabel="y")
        show(fig, "Empty axes.")
        assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("alt", ["", "  ", "two\nlines"])
def test_alt_must_be_one_line(shown, alt):
    with pytest.raises(ValueError, match="alt must be one line"):
        show(figure(), alt)
    assert not shown


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("title", "no title"),
        ("xlabel", "axes 1 of 1 in the figure has no x label: add ax.set_xlabel"),
        ("ylabel", "axes 1 of 1 in the figure has no y label: add ax.set_ylabel"),
    ],
)
def test_what_is_missing_is_named(shown, missing, message):
    with pytest.raises(ValueError, match=message):
        show(figure(**{missing: ""}), "A line.")
    assert not shown


def test_the_axes_that_lacks_a_label_is_named(shown):
    fig = Figure()
    left, right = fig.subplots(1, 2)
    left.set(title="t", xlabel="x", ylabel="y")
    right.set(ylabel="y")
    with pytest.raises(ValueError, match="axes 2 of 2 in the figure has no x label"):
        show(fig, "Two empty axes.")


def test_a_colour_bar_needs_a_label_too(shown):
    fig = Figure()
    ax = fig.subplots()
    ax.set(title="t", xlabel="x", ylabel="y")
    bar = fig.colorbar(ax.imshow(np.eye(2)))
    with pytest.raises(ValueError, match="axes 2 of 2 in the figure has no y label"):
        show(fig, "A matrix.")
    bar.set_label("weight")
    show(fig, "A matrix.")
    assert len(shown) == 1


def test_pictures_and_shared_axes_need_no_labels_of_their_own(shown):
    fig = Figure()
    axes = fig.subplots(2, 2, sharex=True, sharey=True)
    fig.suptitle("Four panels")
    for ax in axes[:, 0]:
        ax.set_ylabel("y")
    for ax in axes[-1]:
        ax.set_xlabel("x")
    show(fig, "Four empty panels.")

    fig = Figure()
    for ax in fig.subplots(1, 3):
        ax.imshow(np.eye(2))
        ax.axis("off")
    fig.suptitle("Three pictures")
    show(fig, "Three matrices.")

    fig = Figure()
    for ax in fig.subplots(1, 2):
        ax.plot([1, 2])
    fig.suptitle("Two lines")
    fig.supxlabel("x")
    fig.supylabel("y")
    show(fig, "Two lines.")
    assert len(shown) == 3


def test_the_style_is_one_that_matplotlib_knows():
    with plt.style.context(STYLE):
        assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"] == list(PALETTE)
        assert figure().get_facecolor() == (1, 1, 1, 1)


def test_the_palette_stands_out_from_white():
    """Contrast to white, after WCAG 2: relative luminance of sRGB."""

    def luminance(color):
        channels = np.array(matplotlib.colors.to_rgb(color))
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    for color in PALETTE:
        assert 1.05 / (luminance(color) + 0.05) > 2, color
    assert len(set(PALETTE)) == len(PALETTE)
