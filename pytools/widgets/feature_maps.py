"""What every layer of a net makes of one digit, which can be chosen and drawn on."""

from typing import Any

import ipywidgets
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.scratch import Net
from pytools.widgets.figures import BLUE, STYLE, VERMILION, mimebundle

CELLS = 14  # at most so many to click on a side: each may stand for several pixels
CELL = 22  # their size on the screen, in pixels
GREYS = 9  # shades that a cell can show
WIDTH, MARGIN, TITLE, TOP = 7.2, 0.15, 0.3, 1.7  # of the picture, in inches


class FeatureMaps(ipywidgets.VBox):
    """A digit to choose and to draw on, with the feature maps of every layer beside it.

    net: from images (N, 1, S, S) to scores; images (M, 1, S, S), from 0 (paper) to 1 (ink), and
    their labels (M,). A click on a cell makes ink of paper and paper of ink. mean and std: what
    the net's training images were shifted and scaled by.
    """

    def __init__(
        self,
        net: Net,
        images: np.ndarray,
        labels: np.ndarray,
        mean: float = 0.0,
        std: float = 1.0,
    ):
        if np.ndim(images) != 4 or images.shape[1] != 1 or images.shape[2] != images.shape[3]:
            raise ValueError(f"images must be (M, 1, S, S), but have shape {np.shape(images)}")
        if len(images) == 0 or len(images) != len(labels):
            raise ValueError(
                f"images must have a label each, but there are {len(images)} images and "
                f"{len(labels)} labels"
            )
        self.net, self.images, self.mean, self.std = net, images, mean, std
        side = images.shape[2]
        self.pixels = next(n for n in range(1, side + 1) if side % n == 0 and side // n <= CELLS)
        cells = side // self.pixels

        names = [(f"image {i}: a {label}", i) for i, label in enumerate(labels)]
        self.choice = ipywidgets.Dropdown(options=names, description="Digit")
        self.clear = ipywidgets.Button(description="Clear", icon="eraser")
        layout = ipywidgets.Layout(width=f"{CELL}px", height=f"{CELL}px", padding="0", margin="0")
        self.shades = [
            ipywidgets.ButtonStyle(button_color=f"rgb({grey}, {grey}, {grey})")
            for grey in np.linspace(255, 0, GREYS).astype(int).tolist()
        ]
        self.buttons = [
            ipywidgets.Button(layout=layout, tooltip=f"row {i + 1}, column {j + 1}")
            for i, j in np.ndindex(cells, cells)
        ]
        template = ipywidgets.Layout(
            grid_template_columns=f"repeat({cells}, {CELL}px)", grid_gap="1px", padding="4px"
        )
        self.paper = ipywidgets.GridBox(self.buttons, layout=template)
        self.picture = ipywidgets.HTML()
        left = ipywidgets.VBox([self.choice, self.paper, self.clear])
        super().__init__([ipywidgets.HBox([left, self.picture])])

        self.choice.observe(lambda change: self.draw(self.images[change.new]), names="value")
        self.clear.on_click(lambda _: self.draw(np.zeros_like(self.images[0])))
        for number, button in enumerate(self.buttons):
            button.on_click(lambda _, number=number: self.toggle(*divmod(number, cells)))
        self.draw(images[0])

    def draw(self, image: np.ndarray) -> None:
        """Show an image (1, S, S) and what the net makes of it."""
        self.image = np.array(image)
        for button, ink in zip(self.buttons, self._cells().ravel(), strict=True):
            button.style = self.shades[round(float(ink) * (GREYS - 1))]
        seen = (self.image - self.mean) / self.std
        data, _ = mimebundle(draw_maps(self.net, seen), describe_maps(self.net, seen))
        self.picture.value = data["text/html"]

    def toggle(self, row: int, column: int) -> None:
        """What a click on a cell does."""
        p = self.pixels
        part = np.s_[:, row * p : (row + 1) * p, column * p : (column + 1) * p]
        image = self.image.copy()
        image[part] = 0.0 if self._cells()[row, column] > 0.5 else 1.0
        self.draw(image)

    def _cells(self) -> np.ndarray:
        """The ink of each cell, the mean of its pixels."""
        p = self.pixels
        return self.image[0].reshape(-1, p, self.image.shape[2] // p, p).mean(axis=(1, 3))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}


def describe_maps(net: Net, image: np.ndarray) -> str:
    """What draw_maps draws, in one line: its alt text."""
    maps, probabilities = _look(net, image)
    layers = ", ".join(
        f"{name} {len(out)} of {out.shape[1]} by {out.shape[2]}" for name, out in maps.items()
    )
    best, second = np.argsort(probabilities)[::-1][:2]
    return (
        f"A digit and its feature maps: {layers}. The net reads a {best} "
        f"(probability {probabilities[best]:.2f}), then a {second} ({probabilities[second]:.2f})."
    )


def draw_maps(net: Net, image: np.ndarray) -> Figure:
    """The image (1, S, S) as the net gets it, a row of maps for each layer, the probabilities."""
    maps, probabilities = _look(net, image)
    sheets = {name: _side_by_side(out) for name, out in maps.items()}
    heights = [WIDTH * len(sheet) / sheet.shape[1] + TITLE for sheet in sheets.values()]
    with style.context({**STYLE, "figure.constrained_layout.use": False}):
        fig = Figure(figsize=(WIDTH + 2 * MARGIN, TOP + sum(heights) + MARGIN))
        wide, high = fig.get_size_inches()

        def place(left: float, above: float, width: float, height: float) -> Axes:
            """Axes at so many inches from the left and from above."""
            corner = left / wide, 1 - (above + height) / high
            return fig.add_axes((*corner, width / wide, height / high))

        seen = place(MARGIN, TITLE, TOP - 2 * TITLE, TOP - 2 * TITLE)
        bars = place(TOP + 0.3, TITLE, WIDTH + MARGIN - TOP - 0.3, TOP - 0.75)
    _draw_map(seen, image[0], image.min(), image.max(), "gray_r")
    seen.set_title("input", fontsize=10)
    best = int(probabilities.argmax())
    bars.bar(range(10), probabilities, color=[VERMILION if d == best else BLUE for d in range(10)])
    bars.set(xticks=range(10), ylim=(0, 1), yticks=[0, 1], xlabel="digit", ylabel="probability")
    bars.set_title(f"the net reads a {best}", fontsize=10)
    above = TOP
    for (name, sheet), height in zip(sheets.items(), heights, strict=True):
        out = maps[name]
        ax = place(MARGIN, above + TITLE, WIDTH, height - TITLE)
        _draw_map(ax, sheet, out.min(), out.max(), STYLE["image.cmap"])
        ax.spines[:].set_visible(False)
        title = f"{name}: {len(out)} maps of {out.shape[1]}×{out.shape[2]}"
        ax.set_title(title, fontsize=10, loc="left", pad=4)
        above += height
    return fig


def _side_by_side(maps: np.ndarray) -> np.ndarray:
    """Maps (K, H, W) in rows of at most 16, gaps between them (NaN): one picture."""
    k, height, width = maps.shape
    rows = -(-k // 16)
    columns = -(-k // rows)
    gap = -(-height // 8)
    sheet = np.full((rows, columns, height + gap, width + gap), np.nan)
    for number, feature_map in enumerate(maps):
        sheet[(*divmod(number, columns), np.s_[:height], np.s_[:width])] = feature_map
    sheet = sheet.transpose(0, 2, 1, 3).reshape(rows * (height + gap), columns * (width + gap))
    return sheet[:-gap, :-gap]


def _look(net: Net, image: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The maps (K, H, W) of each layer that has some, and the probability of each digit."""
    outputs = net.outputs(image[None].astype(np.float32))
    maps = {name: out[0] for name, out in outputs.items() if out.ndim == 4}
    *_, scores = outputs.values()
    exps = np.exp(scores[0] - scores[0].max())
    return maps, exps / exps.sum()


def _draw_map(ax: Axes, values: np.ndarray, low: float, high: float, cmap: str) -> None:
    ax.imshow(values, vmin=low, vmax=max(high, low + 1e-6), cmap=cmap)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(True)
