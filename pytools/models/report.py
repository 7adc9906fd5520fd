"""The report of a run: one HTML file with its figures inside, to be sent or kept."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

BLUE, VERMILION = "#0072B2", "#D55E00"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem }}
body {{ margin: 2rem auto; padding: 0 1rem }}
img {{ max-width: 100% }}
table {{ border-collapse: collapse }}
td, th {{ padding: .15rem .8rem; text-align: left; border-bottom: 1px solid #ddd }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
{body}
</body>
</html>
"""


def write_report(
    path: Path,
    title: str,
    summary: str,
    settings: Mapping[str, object],
    history: Mapping[str, Sequence],
    matrix: Tensor,
    classes: Sequence[str],
    notes: Sequence[str] = (),
) -> None:
    """Write the report of a run.

    settings: what is listed in its table; history: as Trainer has it; matrix (K, K): counts, true
    classes in rows; classes: their K names; notes: lines, such as files that were skipped.
    """
    matrix = np.asarray(matrix)
    parts = ["<h2>Learning</h2>", image(draw_curves(history), describe_curves(history))]
    parts += ["<h2>What is taken for what</h2>"]
    parts += [image(draw_matrix(matrix, classes), describe_matrix(matrix, classes))]
    parts += ["<h2>Class by class</h2>", table(class_rows(matrix, classes))]
    parts += ["<h2>Settings</h2>", table([("key", "value"), *settings.items()])]
    if notes:
        parts += [
            "<h2>Notes</h2>",
            "<ul>",
            *(f"<li>{escape(note)}</li>" for note in notes),
            "</ul>",
        ]
    page = PAGE.format(title=escape(title), summary=escape(summary), body="\n".join(parts))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def image(fig: Figure, alt: str) -> str:
    """A figure as an <img> that holds its own picture."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=120)
    png = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{png}">'


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows of cells, the first one the heading."""
    head, *body = [[escape(str(cell)) for cell in row] for row in rows]
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def draw_curves(history: Mapping[str, Sequence]) -> Figure:
    """The losses, and the learning rate below."""
    train, valid = np.array(history["train"]), np.array(history["valid"])
    fig = Figure(figsize=(7.2, 4.6), layout="constrained")
    upper, lower = fig.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot(train[:, 0], train[:, 1], color=BLUE, alpha=0.3, linewidth=1)
    smooth = running_mean(train[:, 1], max(1, len(train) // 50))
    upper.plot(train[:, 0], smooth, color=BLUE, label="loss, training")
    upper.plot(valid[:, 0], valid[:, 1], "o-", color=VERMILION, label="loss, validation")
    upper.set(title="Loss and learning rate", ylabel="cross-entropy", ylim=(0, None))
    upper.legend(frameon=False)
    lower.step(train[:, 0], train[:, 2], where="post", color="black")
    lower.set(xlabel="iteration", ylabel="rate", ylim=(0, None))
    for ax in (upper, lower):
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of each value and of up to width - 1 before it."""
    sums = np.cumsum(values)
    before = np.concatenate([np.zeros(width), sums])[: len(sums)]
    return (sums - before) / np.minimum(np.arange(1, len(sums) + 1), width)


def describe_curves(history: Mapping[str, Sequence]) -> str:
    """draw_curves in one line."""
    train, valid = history["train"], history["valid"]
    return (
        f"Training loss from {train[0][1]:.2f} to {train[-1][1]:.2f} in {train[-1][0]} iterations; "
        f"validation loss {valid[-1][1]:.2f}, accuracy {valid[-1][2]:.3f}."
    )


def draw_matrix(matrix: np.ndarray, classes: Sequence[str]) -> Figure:
    """The confusion matrix; colours are shares of a row, numbers are counts."""
    size = max(4.0, 0.55 * len(classes) + 1.4)
    fig = Figure(figsize=(size + 0.6, size), layout="constrained")
    ax = fig.subplots()
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (t, p), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[t, p] > 0.5 else "black"
            ax.text(p, t, str(count), ha="center", va="center", color=colour, fontsize=9)
    places = range(len(classes))
    ax.set_xticks(places, classes, rotation=45 if max(map(len, classes)) > 2 else 0, ha="center")
    ax.set_yticks(places, classes)
    ax.set(title="Confusion matrix", xlabel="taken for", ylabel="true class")
    return fig


def describe_matrix(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """draw_matrix in one line: how much is right, and the largest mistake."""
    right, total = int(np.trace(matrix)), int(matrix.sum())
    wrong = matrix - np.diag(np.diag(matrix))
    text = f"{right} of {total} images are right."
    if wrong.any():
        t, p = np.unravel_index(wrong.argmax(), wrong.shape)
        text += f" Most often, {wrong[t, p]} times, {classes[t]} is taken for {classes[p]}."
    return text


def class_rows(matrix: np.ndarray, classes: Sequence[str]) -> list[tuple]:
    """For each class its images, and its recall and precision as shares."""
    rows = [("class", "images", "found (recall)", "right when named (precision)")]
    for k, name in enumerate(classes):
        shares = [matrix[k, k] / n if n else None for n in (matrix[k].sum(), matrix[:, k].sum())]
        words = ["-" if share is None else f"{share:.3f}" for share in shares]
        rows.append((name, matrix[k].sum(), *words))
    return rows
