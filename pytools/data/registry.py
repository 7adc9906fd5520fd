"""What every data set has in common: its entry in the catalogue, its splits, its folder.

A set is a module with an entry and a function of one call style, `<set>(split, root=None)`:

    DIGITS = register(DataSet(name="digits", ...))

    def digits(split, root=None): ...
"""

import os
from dataclasses import dataclass
from pathlib import Path

_CATALOGUE: dict[str, "DataSet"] = {}


@dataclass(frozen=True)
class DataSet:
    """One entry of the catalogue: what the set holds, and whose it is."""

    name: str
    what: str
    shape: str  # of what the function returns: shapes, dtypes, ranges
    licence: str
    source: str  # the paper to cite, and where the files come from
    splits: tuple[str, ...] = ("train", "test")
    shipped: bool = False  # True: here after installation, no network needed

    def check_split(self, split: str) -> None:
        """Raise ValueError when `split` is none of the set's splits."""
        if split not in self.splits:
            allowed = " or ".join(repr(name) for name in self.splits)
            raise ValueError(f"split of {self.name} must be {allowed}, but is {split!r}")


def register(entry: DataSet) -> DataSet:
    """Add an entry to the catalogue and return it. Raises ValueError when the name is taken."""
    if entry.name in _CATALOGUE:
        raise ValueError(f"a data set named {entry.name!r} is registered already")
    _CATALOGUE[entry.name] = entry
    return entry


def catalogue() -> tuple[DataSet, ...]:
    """All registered data sets, in the order in which they joined."""
    return tuple(_CATALOGUE.values())


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The folder that downloaded data sets live in; it is made if it is not there.

    The first of these that is given: `root`, the environment variable COURSE_DATA, the user's
    cache folder ($XDG_CACHE_HOME or ~/.cache) with /backprop-to-captions. Raises OSError, with
    the folder, the reason and what to do, when it cannot be made or written to.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "backprop-to-captions"
    folder = Path(root or os.environ.get("COURSE_DATA") or cache).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
        reason = "it is read-only"
    except OSError as error:
        writable, reason = False, error.strerror
    if not writable:
        raise OSError(
            f"the data folder {folder} cannot be written to ({reason}): "
            "set COURSE_DATA, or pass root=, to a folder of your own"
        )
    return folder
