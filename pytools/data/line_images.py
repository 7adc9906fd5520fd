"""A folder of one's own images of text lines, with what they say."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pytools.data.text_lines import HEIGHT, SYMBOLS, frames_needed, to_numbers

COLUMNS = ["file", "text"]
MANY = 5  # so many lines of a warning are shown in full


class LineImages(NamedTuple):
    """images: a list of float32 (height, W) in [0, 1], 1 is ink; texts: what they say; skipped: of
    each line that is left out, its name and why."""

    images: list[np.ndarray]
    texts: list[str]
    skipped: list[str]


def line_images(
    folder: str | os.PathLike,
    table: str = "lines.csv",
    height: int = HEIGHT,
    symbols: str = SYMBOLS,
    stride: int = 2,
) -> LineImages:
    """The lines of a folder, made as high as the reader wants them; dark on light or light on dark.

    table: a CSV file in the folder, UTF-8, with the header `file,text`: an image's name, relative
    to the folder, and what it says; a text with a comma stands in double quotes. symbols: what the
    reader knows; stride: the columns of a frame. An image that is missing or can't be read, a text
    that is empty or has a symbol that is not known, and a text that is too long for its image's
    frames are skipped, one line each in a warning and in the result. Raises FileNotFoundError where
    the table is missing, ValueError where it is not such a table, or no line is left.
    """
    path = Path(folder).expanduser() / table
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there: write a CSV file with the header file,text and a line for each "
            "image"
        )
    images, texts, skipped = [], [], []
    for where, row in _rows(path):
        try:
            image, text = _line(row, path.parent, height, symbols, stride)
        except ValueError as error:
            skipped.append(f"{where}: {error}")
        else:
            images.append(image)
            texts.append(text)
    if skipped:
        more = [f"and {len(skipped) - MANY} more"] if len(skipped) > MANY else []
        warnings.warn(
            "\n  ".join(
                [
                    f"{len(skipped)} of {len(skipped) + len(images)} lines skipped:",
                    *skipped[:MANY],
                    *more,
                ]
            ),
            stacklevel=2,
        )
    if not images:
        raise ValueError(f"{path} has no line that can be used: {(skipped or ['it is empty'])[0]}")
    return LineImages(images, texts, skipped)


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of the table below its header, each with its place."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        try:
            header = [name.strip().lower() for name in next(rows, [])]
            if header != COLUMNS:
                raise ValueError(
                    f"{path} must begin with the header file,text, but begins with "
                    f"{','.join(header) or 'nothing'}"
                )
            for row in rows:
                if any(cell.strip() for cell in row):
                    yield f"line {rows.line_num}", row
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no CSV file in UTF-8 ({error}): save it as such") from None


def _line(
    row: list[str], folder: Path, height: int, symbols: str, stride: int
) -> tuple[np.ndarray, str]:
    """One row's image and text; ValueError, in one line, says why it is of no use."""
    if len(row) != len(COLUMNS):
        raise ValueError(
            f"must be a file and a text, but has {len(row)} columns (put a text with a comma in "
            "double quotes)"
        )
    name, text = row[0].strip(), " ".join(row[1].split())
    if not name:
        raise ValueError(f"{text!r} has no file")
    if not text:
        raise ValueError(f"{name}: the text is empty")
    try:
        to_numbers(text, symbols)
        image = _image(folder / name, height)
    except FileNotFoundError:
        raise ValueError(f"{name}: not there") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception:  # a broken file makes Pillow raise almost anything
        raise ValueError(f"{name}: not a readable image") from None
    frames, needed = image.shape[1] // stride, frames_needed(text)
    if needed > frames:
        raise ValueError(f"{name}: {text!r} needs {needed} frames, the image has {frames}")
    return image, text


def _image(path: Path, height: int) -> np.ndarray:
    """An image as float32 (height, W) in [0, 1], 1 is ink: what most pixels are is paper."""
    from PIL import Image, ImageOps

    with Image.open(path) as photo:
        grey = ImageOps.exif_transpose(photo).convert("RGBA")
        paper = Image.new("RGBA", grey.size, "white")  # where it is transparent
        grey = Image.alpha_composite(paper, grey).convert("L")
        width = max(round(grey.width * height / grey.height), 1)
        pixels = np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    ink = 1 - pixels / 255
    return 1 - ink if np.median(ink) > 0.5 else ink
