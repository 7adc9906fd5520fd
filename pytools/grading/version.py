"""Which state of the course's package this is."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import pytools


@functools.cache
def version() -> str:
    """A digest of the package's sources: equal where the same course grades."""
    folder = Path(pytools.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
