"""Long studies in several processes: the same rows, sooner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def rows_of(work: Callable[..., Iterable], items: Sequence[tuple], processes: int = 1) -> list:
    """The rows that work(*item) returns, for all items, in their order.

    With more than one process each takes an item at a time. work must be a function of a module: a
    new process can't see a notebook.
    """
    if processes == 1:
        return [row for item in items for row in work(*item)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:  # the same on every system
        return [row for rows in pool.map(work, *zip(*items, strict=True)) for row in rows]
