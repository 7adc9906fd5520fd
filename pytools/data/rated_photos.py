"""A folder of one's own photos, with what one thinks of them."""

from __future__ import annotations

import csv
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pytools.data.photos import square_photo, why_skipped

LOW, HIGH = 0, 9  # the scale of the ratings
COLUMNS = ["file", "rating"]


class RatedPhotos(NamedTuple):
    """images float32 (N, 3, side, side) in [0, 1]; ratings float64 (N,), 0 to 9; skipped: of each
    photo that is left out, its name and why."""

    images: np.ndarray
    ratings: np.ndarray
    skipped: list[str]


def rated_photos(
    folder: str | os.PathLike, table: str = "ratings.csv", side: int = 32
) -> RatedPhotos:
    """The photos of a folder that are rated, each cut to its middle square and made small.

    table: a CSV file in the folder, UTF-8, with the header `file,rating`: a photo's name, relative
    to the folder, and a number from 0 to 9. A photo may stand there several times, as rated by
    several people: it gets the mean. Photos that are missing or can't be read are skipped, counted
    in a warning and listed in the result. Raises FileNotFoundError where the table is missing, and
    ValueError, with the line, where it is not such a table, a rating is no number from 0 to 9, or
    no photo is left.
    """
    path = Path(folder).expanduser() / table
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there: write a CSV file with the header file,rating and a line for "
            "each photo"
        )
    images, ratings, skipped = [], [], []
    for name, values in _ratings(path).items():
        try:
            images.append(square_photo(path.parent / name, side))
            ratings.append(np.mean(values))
        except Exception as error:  # a broken file makes Pillow raise almost anything
            skipped.append(why_skipped(name, error))
    if skipped:
        warnings.warn(
            f"{len(skipped)} of {len(skipped) + len(images)} photos skipped: {'; '.join(skipped)}",
            stacklevel=2,
        )
    if not images:
        raise ValueError(f"{path} names no photo that can be read: {'; '.join(skipped) or 'none'}")
    return RatedPhotos(np.stack(images), np.array(ratings), skipped)


def _ratings(path: Path) -> dict[str, list[float]]:
    """All ratings of each photo, in the order of the table."""
    found: dict[str, list[float]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        try:
            header = [name.strip().lower() for name in next(rows, [])]
            if header != COLUMNS:
                raise ValueError(
                    f"{path} must begin with the header file,rating, but begins with "
                    f"{','.join(header) or 'nothing'}"
                )
            for row in rows:
                if any(cell.strip() for cell in row):
                    name, value = _row(row, f"{path}, line {rows.line_num}")
                    found.setdefault(name, []).append(value)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no CSV file in UTF-8 ({error}): save it as such") from None
    return found


def _row(row: list[str], where: str) -> tuple[str, float]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{where}: must be a file and a rating, but is {','.join(row)!r}")
    name, text = (cell.strip() for cell in row)
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not LOW <= value <= HIGH:
        raise ValueError(
            f"{where}: the rating of {name} must be a number from {LOW} to {HIGH}, but is {text!r}"
        )
    return name, value
