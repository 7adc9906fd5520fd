"""What stands in a sandbox for a room of pytools that is left out.

Its names can be imported, because whole packages of figures import them; none can be used.
"""

from __future__ import annotations

from typing import Any, NoReturn


class Absent:
    """A name that leads to nothing."""

    def __init__(self, name: str) -> None:
        self._said = f"{name} is not there while a notebook is graded"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(self._said)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(self._said)


def __getattr__(name: str) -> Absent:
    if name.startswith("__"):
        raise AttributeError(name)
    return Absent(f"{__name__}.{name}")
