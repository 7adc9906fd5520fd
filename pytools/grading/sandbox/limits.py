"""How much one notebook may use."""

from __future__ import annotations

from dataclasses import dataclass

MB, GB = 2**20, 2**30


@dataclass(frozen=True)
class Limits:
    """What refuses or ends a notebook that wants more. Sizes are in bytes."""

    memory: int = 4 * GB  # of all its processes together
    processor: int = 900  # seconds of all its processes together
    tasks: int = 96  # processes and threads; a kernel alone has about ten
    open_files: int = 256  # of one process
    file_size: int = 80 * MB  # of one file; an answer may have 64 MB
    scratch: int = 512 * MB  # of all files together, and as much again in shared memory
    printed: int = 1_000_000  # characters; the rest is cut, with a note
    output: int = 20 * MB  # of all that it shows, figures too; the rest is cut, with a note
