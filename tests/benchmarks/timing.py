"""How the benchmarks take time: on one thread, all ways in turn, so that all meet one machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import process_time

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """NumPy's products and torch's operations keep to one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def milliseconds(ways: dict[str, Callable], rounds: int, calls: int = 1) -> dict[str, float]:
    """The process-CPU time of a call of each way: the median of so many rounds after a first one.

    A round calls each way so many times in a row and takes the mean.
    """
    seconds = {name: [] for name in ways}
    with one_thread():
        for _ in range(rounds + 1):
            for name, way in ways.items():
                start = process_time()
                for _ in range(calls):
                    way()
                seconds[name].append((process_time() - start) / calls)
    return {name: 1e3 * median(times[1:]) for name, times in seconds.items()}
