"""Figures in the house style, each with a title, axis labels and an alt text."""

import base64
import io
from html import escape

import matplotlib.pyplot as plt
from cycler import cycler
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

# Okabe & Ito (2008), Color Universal Design: told apart with every common colour vision. Their
# yellow is left out, since lines in it are lost on white.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, SKY, PURPLE = "#D55E00", "#56B4E9", "#CC79A7"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, "black")

# The house style: `plt.style.use(STYLE)`, or `with plt.style.context(STYLE):` around one figure.
STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "figure.figsize": (6.4, 4.0),
    "font.size": 11,
    "grid.alpha": 0.3,
    "image.cmap": "cividis",
    "legend.frameon": False,
    "lines.linewidth": 2,
}

CSS_DPI = 96  # a browser's pixels to the inch
SHARPNESS = 1.5  # drawn pixels to a shown one: crisp text on dense screens, files still small


def show(fig: Figure, alt: str) -> None:
    """Display a figure with its alt text, and close it.

    alt: one line that says what there is to see. Raises ValueError when it is empty or has more
    than one line, and where check_labels does.
    """
    if not alt.strip() or "\n" in alt:
        raise ValueError(f"alt must be one line that says what there is to see, but is {alt!r}")
    check_labels(fig)
    data, metadata = mimebundle(fig, alt)
    plt.close(fig)
    display(data, metadata=metadata, raw=True)


def check_labels(fig: Figure) -> None:
    """Raise ValueError when a figure has no title, or an axis with numbers has no label.

    The title may be the figure's or that of any of its Axes. An axis without tick labels needs no
    label: pictures, switched-off Axes, the inner ones of a grid with shared axes.
    """
    axes = [ax for ax in fig.axes if ax.get_visible()]
    titles = [ax.get_title(loc) for ax in axes for loc in ("left", "center", "right")]
    if not any([fig.get_suptitle(), *titles]):
        raise ValueError("the figure has no title: add ax.set_title(...) or fig.suptitle(...)")
    for number, ax in enumerate(axes, start=1):
        for name, axis, shared in [
            ("x", ax.xaxis, fig.get_supxlabel()),
            ("y", ax.yaxis, fig.get_supylabel()),
        ]:
            seen = ax.axison and axis.get_visible()
            numbered = seen and any(label.get_text() for label in axis.get_ticklabels())
            if numbered and not (axis.get_label_text() or shared):
                raise ValueError(
                    f"axes {number} of {len(axes)} in the figure has no {name} label: "
                    f"add ax.set_{name}label(...), with the unit if there is one"
                )


def mimebundle(fig: Figure, alt: str) -> tuple[dict, dict]:
    """The figure as notebooks store it: data by MIME type, and metadata.

    JupyterLab and nbconvert show the HTML, an <img> with its picture inside and the alt text:
    JupyterLab 4 forgets the alt text of image/png. The PNG is for readers that show no HTML.
    """
    png = base64.b64encode(picture(fig)).decode("ascii")
    width, height = (round(CSS_DPI * inches) for inches in fig.get_size_inches())
    html = (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" '
        f'style="max-width: 100%; height: auto" src="data:image/png;base64,{png}">'
    )
    data = {"text/html": html, "image/png": png, "text/plain": alt}
    return data, {"image/png": {"alt": alt, "width": width, "height": height}}


def picture(fig: Figure) -> bytes:
    """The figure as a PNG with 256 colours of its own.

    That takes a third of the room of all colours, and the eye sees no difference: few figures have
    more than a thousand, nearly all of them shades at the rim of a letter.
    """
    drawn, stored = io.BytesIO(), io.BytesIO()
    fig.savefig(drawn, format="png", dpi=SHARPNESS * CSS_DPI)
    colours = Image.open(drawn).convert("RGB").quantize(dither=Image.Dither.NONE)
    colours.save(stored, format="png", optimize=True)
    return stored.getvalue()
