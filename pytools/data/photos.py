"""Photos of a user's own folder, each made a small square."""

from pathlib import Path

import numpy as np


def square_photo(path: Path, side: int) -> np.ndarray:
    """A photo as float32 (3, side, side) in [0, 1]: the middle square, upright."""
    from PIL import Image, ImageOps

    with Image.open(path) as photo:
        upright = ImageOps.exif_transpose(photo).convert("RGB")
        small = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 255


def why_skipped(name: str, error: Exception) -> str:
    """What a list of skipped photos says of one that square_photo could not read."""
    missing = isinstance(error, FileNotFoundError)
    return f"{name}: {'not there' if missing else 'not a readable photo'}"
