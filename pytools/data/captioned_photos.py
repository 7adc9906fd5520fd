"""A folder of one's own photos, with captions in COCO's format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pytools.data.own_folder import (
    square_photo,
    table_text,
    tell_skipped,
    unreadable,
    why_skipped,
)
from pytools.errors import CourseError


class CaptionedPhotos(NamedTuple):
    """images float32 (N, 3, side, side) in [0, 1]; captions: a list of strings for each image;
    skipped: one line for each photo or caption that is left out, with the reason."""

    images: np.ndarray
    captions: list[list[str]]
    skipped: list[str]


def captioned_photos(
    folder: str | os.PathLike, table: str = "captions.json", side: int = 32, least: int = 1
) -> CaptionedPhotos:
    """The photos of a folder that have captions, each cut to its middle square and made small.

    table: a JSON file in the folder with what COCO's caption files hold (Chen et al. 2015):
    {"images": [{"id": 1, "file_name": "a.jpg"}, …], "annotations": [{"image_id": 1, "caption":
    "a red rose"}, …]}; other fields are not read. Names are relative to the folder. A photo may
    have several captions. Photos that are missing, can't be read or have no caption, captions that
    are empty or of no photo, and entries that lack a field are skipped, told in a warning and
    listed in the result. Raises CourseError where the table is missing or no such table, or fewer
    than `least` photos are left.
    """
    path = Path(os.path.expanduser(folder)) / table
    names, sentences, skipped = _read(path)
    images, captions = [], []
    for number, name in names.items():
        if not sentences[number]:
            skipped.append(f"{name}: has no caption")
            continue
        try:
            images.append(square_photo(path.parent / name, side))
            captions.append(sentences[number])
        except Exception as error:  # a broken file makes Pillow raise almost anything
            skipped.append(why_skipped(name, error))
    tell_skipped(path, "photos with captions", len(images), least, skipped)
    return CaptionedPhotos(np.stack(images), captions, skipped)


def _read(path: Path) -> tuple[dict[Any, str], dict[Any, list[str]], list[str]]:
    """The name of each image, its captions, and what was left out; by the id of the image."""
    images, annotations = _lists(path)
    names: dict[Any, str] = {}
    skipped = []
    for place, entry in enumerate(images):
        number, name = _fields(entry, "id", "file_name")
        if not isinstance(number, int | str) or not isinstance(name, str) or not name:
            skipped.append(f"images[{place}]: lacks an id or a file_name")
        elif number in names:
            skipped.append(f"{name}: its id {number} is taken by {names[number]}")
        else:
            names[number] = name
    sentences: dict[Any, list[str]] = {number: [] for number in names}
    for place, entry in enumerate(annotations):
        number, text = _fields(entry, "image_id", "caption")
        if not isinstance(number, int | str) or number not in names:
            skipped.append(f"annotations[{place}]: there is no image with the id {number!r}")
        elif not isinstance(text, str) or not text.split():
            skipped.append(f"annotations[{place}]: the caption of {names[number]} is empty")
        else:
            sentences[number].append(" ".join(text.split()))
    return names, sentences, skipped


def _lists(path: Path) -> tuple[list, list]:
    wanted = "a JSON file with images and annotations, as COCO's caption files have them"
    try:
        content = json.loads(table_text(path, "JSON", wanted))
    except (ValueError, RecursionError) as error:
        raise unreadable(path, "JSON", error) from None
    lists = _fields(content, "images", "annotations")
    for name, found in zip(("images", "annotations"), lists, strict=True):
        if not isinstance(found, list):
            raise CourseError(
                f"{path} must hold an object with the lists images and annotations, as COCO's "
                f"caption files do, but {name} is {'missing' if found is None else 'no list'}"
            )
    return lists[0], lists[1]


def _fields(entry: object, *names: str) -> tuple:
    """Fields of a JSON object, None for what is not there."""
    return tuple(entry.get(name) if isinstance(entry, dict) else None for name in names)
