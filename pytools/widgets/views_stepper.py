"""Two readers of one picture: its nearest neighbours, and ten templates, view by view."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytools.scratch import knn_predict, pairwise_distance
from pytools.widgets.figures import BLUE, STYLE
from pytools.widgets.stepper import Stepper

SIZE = (9.0, 2.7)  # inches
RIGHT, WRONG = "#00704F", "#B04600"  # the palette's green and vermilion, dark enough for text


class Readers:
    """What the neighbours and the templates make of each view.

    views: name -> image (1, H, W); label: the true class; train_x (N, 1, H, W), train_y (N,)
    classes from 0 on; scores: images (M, 1, H, W) -> (M, C), the templates' scores; k neighbours,
    Euclidean.
    """

    def __init__(
        self,
        views: Mapping[str, np.ndarray],
        label: int,
        train_x: np.ndarray,
        train_y: np.ndarray,
        scores: Callable[[np.ndarray], np.ndarray],
        k: int = 3,
    ):
        if not views:
            raise ValueError("views must hold at least one image, but is empty")
        for name, image in views.items():
            if np.shape(image) != train_x.shape[1:]:
                raise ValueError(
                    f"view {name!r} has shape {np.shape(image)}, "
                    f"but the training images have {train_x.shape[1:]}"
                )
        self.names, self.images, self.label = list(views), np.stack(list(views.values())), label
        self.train_x, self.train_y = train_x, train_y
        rows, train_rows = self.images.reshape(len(views), -1), train_x.reshape(len(train_x), -1)
        self.near = pairwise_distance(rows, train_rows, "l2").argsort(axis=1)[:, :k]
        self.voted = knn_predict(train_rows, train_y, rows, k, "l2")
        self.scores = np.asarray(scores(self.images))
        self.scored = self.scores.argmax(axis=1)


def compare_views(
    views: Mapping[str, np.ndarray],
    label: int,
    train_x: np.ndarray,
    train_y: np.ndarray,
    scores: Callable[[np.ndarray], np.ndarray],
) -> Stepper:
    """One view a step, with what the three nearest neighbours and the templates say of it.

    Arguments as in Readers. Raises ValueError for no views, or one of another shape than the
    training images.
    """
    readers = Readers(views, label, train_x, train_y, scores)
    return Stepper(partial(draw_view, readers), partial(describe_view, readers), len(views) - 1)


def describe_view(readers: Readers, step: int) -> str:
    """What draw_view draws, in one line: its alt text."""
    near = ", ".join(str(label) for label in readers.train_y[readers.near[step]])
    return (
        f"A {readers.label}, {readers.names[step]}. Its nearest neighbours are {near}: they say "
        f"{readers.voted[step]}. The templates say {readers.scored[step]}."
    )


def draw_view(readers: Readers, step: int) -> Figure:
    """The view, its nearest training images, and the score of each template."""
    with style.context(STYLE):
        fig = Figure(figsize=SIZE)
        k = readers.near.shape[1]
        seen, *shown, bars = fig.subplots(1, k + 2, width_ratios=[1.6, *[1] * k, 3])
    _draw_image(seen, readers.images[step])
    seen.set_title(readers.names[step], fontsize=11)
    for place, (ax, row) in enumerate(zip(shown, readers.near[step], strict=True), start=1):
        _draw_image(ax, readers.train_x[row])
        ax.set_title(f"{place}. a {readers.train_y[row]}", fontsize=11)
    words, ink = _verdict(readers, "neighbours", readers.voted[step])
    shown[k // 2].set_xlabel(words, color=ink, fontsize=12)
    _draw_scores(bars, readers, step)
    fig.suptitle(f"View {step + 1} of {len(readers.names)}: this is a {readers.label}")
    return fig


def _draw_image(ax: Axes, image: np.ndarray) -> None:
    ax.imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[["right", "top"]].set_visible(True)


def _draw_scores(ax: Axes, readers: Readers, step: int) -> None:
    scores, best = readers.scores[step], readers.scored[step]
    words, ink = _verdict(readers, "templates", best)
    classes = np.arange(len(scores))
    ax.bar(classes, scores, color=[ink if c == best else BLUE for c in classes])
    ax.axhline(0, color="black", linewidth=0.8)
    reach = 1.1 * np.abs(readers.scores).max() + 1e-9  # one scale for all views
    ax.set(xticks=classes, ylim=(-reach, reach), xlabel="template", ylabel="score")
    ax.set_title(words, color=ink, fontsize=12)


def _verdict(readers: Readers, who: str, said: int) -> tuple[str, str]:
    """What a reader says, in words, and their colour."""
    right = said == readers.label
    return f"{who} say {said}: {'right' if right else 'wrong'}", RIGHT if right else WRONG
