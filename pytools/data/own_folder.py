"""A folder of a user's own: its table, its photos, and what of them can't be used.

What is wrong with a whole table is a CourseError, one line. A photo or a line of it that can't be
used is skipped, with a reason; all of them are told in one warning, or in the error if too few are
left.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pytools.errors import CourseError

MOST = 5  # reasons that are spelled out


def table_text(path: Path, kind: str, wanted: str) -> str:
    """The text of a table, in UTF-8.

    kind: CSV or JSON; wanted: what a user without a table is to write. Raises CourseError where
    the file is not there, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise CourseError(f"{path} is not there: write {wanted}") from None
    except OSError as error:
        raise CourseError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise unreadable(path, kind, error) from None


def unreadable(path: Path, kind: str, error: Exception) -> CourseError:
    """What is said of a table that is no file of its kind."""
    return CourseError(f"{path} is no {kind} file in UTF-8 ({error}): save it as such")


def table_rows(path: Path, columns: Sequence[str], of: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV table below its header, each with the number of its line, blank ones not.

    columns: the header; of: what has a line in the table, such as "photo". Cells are stripped.
    Raises CourseError where there is no such table.
    """
    header = ",".join(columns)
    wanted = f"a CSV file with the header {header} and a line for each {of}"
    reader = csv.reader(io.StringIO(table_text(path, "CSV", wanted)))
    rows = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise unreadable(path, "CSV", error) from None
    first = rows[0][1] if rows else []
    if [name.lower() for name in first] != list(columns):
        found = f"{','.join(first)!r:.60}" if first else "nothing"
        raise CourseError(f"{path} must begin with the header {header}, but begins with {found}")
    return rows[1:]


def square_photo(path: Path, side: int) -> np.ndarray:
    """A photo as float32 (3, side, side) in [0, 1]: the middle square, upright."""
    from PIL import Image, ImageOps

    with Image.open(path) as photo:
        upright = ImageOps.exif_transpose(photo).convert("RGB")
        small = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 255


def why_skipped(name: str, error: Exception, what: str = "photo") -> str:
    """The reason to skip a file that could not be read as an image."""
    missing = isinstance(error, FileNotFoundError)
    return f"{name}: {'not there' if missing else f'not a readable {what}'}"


def tell_skipped(path: Path, what: str, usable: int, least: int, skipped: Sequence[str]) -> None:
    """Warn of what is skipped, if anything is. Raises CourseError where less than `least` is left.

    what: many of them, such as "photos"; skipped: a reason for each. The warning names the line
    that called the caller.
    """
    reasons = "; ".join(" ".join(reason.split()) for reason in skipped[:MOST])
    if len(skipped) > MOST:
        reasons += f"; and {len(skipped) - MOST} more"
    if usable < least:
        also = f"; skipped: {reasons}" if skipped else ""
        raise CourseError(
            f"{path} has too few {what} that can be used, {usable} where {least} are needed: add "
            f"more{also}"
        )
    if skipped:
        told = f"{what} that can be used: {usable}; skipped: {len(skipped)} ({reasons})"
        warnings.warn(told, stacklevel=3)
