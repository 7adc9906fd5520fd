"""A folder of one's own images of text lines, with what they say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pytools.data.own_folder import table_rows, tell_skipped, why_skipped
from pytools.data.text_lines import HEIGHT, SYMBOLS, frames_needed, to_numbers

COLUMNS = ["file", "text"]


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
    least: int = 1,
) -> LineImages:
    """The lines of a folder, made as high as the reader wants them; dark on light or light on dark.

    table: a CSV file in the folder, UTF-8, with the header `file,text`: an image's name, relative
    to the folder, and what it says; a text with a comma stands in double quotes. symbols: what the
    reader knows; stride: the columns of a frame. An image that is missing or can't be read, a text
    that is empty or has a symbol that is not known, and a text that is too long for its image's
    frames are skipped, told in a warning and listed in the result. Raises CourseError where the
    table is missing or not such a table, or fewer than `least` lines are left.
    """
    path = Path(os.path.expanduser(folder)) / table
    images, texts, skipped = [], [], []
    for number, row in table_rows(path, COLUMNS, "image"):
        try:
            image, text = _line(row, path.parent, height, symbols, stride)
        except ValueError as error:
            skipped.append(f"line {number}: {error}")
        else:
            images.append(image)
            texts.append(text)
    tell_skipped(path, "lines", len(images), least, skipped)
    return LineImages(images, texts, skipped)


def _line(
    row: list[str], folder: Path, height: int, symbols: str, stride: int
) -> tuple[np.ndarray, str]:
    """One row's image and text; ValueError, in one line, says why it is of no use."""
    if len(row) != len(COLUMNS):
        raise ValueError(
            f"must be a file and a text, but has {len(row)} columns (put a text with a comma in "
            "double quotes)"
        )
    name, text = row[0], " ".join(row[1].split())
    if not name:
        raise ValueError(f"{text!r} has no file")
    if not text:
        raise ValueError(f"{name}: the text is empty")
    try:
        to_numbers(text, symbols)
        image = _image(folder / name, height)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception as error:  # a broken file makes Pillow raise almost anything
        raise ValueError(why_skipped(name, error, "image")) from None
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
