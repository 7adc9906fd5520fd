"""A folder of one's own photos, with what one thinks of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pytools.data.own_folder import square_photo, table_rows, tell_skipped, why_skipped
from pytools.errors import CourseError

LOW, HIGH = 0, 9  # the scale of the ratings
COLUMNS = ["file", "rating"]


class RatedPhotos(NamedTuple):
    """images float32 (N, 3, side, side) in [0, 1]; ratings float64 (N,), 0 to 9; skipped: of each
    photo that is left out, its name and why."""

    images: np.ndarray
    ratings: np.ndarray
    skipped: list[str]


def rated_photos(
    folder: str | os.PathLike, table: str = "ratings.csv", side: int = 32, least: int = 1
) -> RatedPhotos:
    """The photos of a folder that are rated, each cut to its middle square and made small.

    table: a CSV file in the folder, UTF-8, with the header `file,rating`: a photo's name, relative
    to the folder, and a number from 0 to 9. A photo may stand there several times, as rated by
    several people: it gets the mean. Photos that are missing or can't be read are skipped, told in
    a warning and listed in the result. Raises CourseError where the table is missing or not such a
    table, a rating is no number from 0 to 9, fewer than `least` photos are left, or all of them are
    rated alike.
    """
    path = Path(os.path.expanduser(folder)) / table
    images, ratings, skipped = [], [], []
    for name, values in _ratings(path).items():
        try:
            images.append(square_photo(path.parent / name, side))
            ratings.append(np.mean(values))
        except Exception as error:  # a broken file makes Pillow raise almost anything
            skipped.append(why_skipped(name, error))
    tell_skipped(path, "photos", len(images), least, skipped)
    if np.ptp(ratings) == 0:
        raise CourseError(
            f"{path}: every photo is rated {ratings[0]:g}, so that there is nothing to learn: add "
            "photos that are better or worse"
        )
    return RatedPhotos(np.stack(images), np.array(ratings), skipped)


def _ratings(path: Path) -> dict[str, list[float]]:
    """All ratings of each photo, in the order of the table."""
    found: dict[str, list[float]] = {}
    for line, row in table_rows(path, COLUMNS, "photo"):
        where = f"{path}, line {line}"
        if len(row) != len(COLUMNS) or not row[0]:
            raise CourseError(f"{where}: must be a file and a rating, but is {','.join(row)!r:.60}")
        name, text = row
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not LOW <= value <= HIGH:
            raise CourseError(
                f"{where}: the rating of {name!r} must be a number from {LOW} to {HIGH}, but is "
                f"{text!r}"
            )
        found.setdefault(name, []).append(value)
    return found
