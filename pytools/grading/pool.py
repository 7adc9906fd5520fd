"""Where notebooks run: in threads of this process, each waiting for its kernel, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from weakref import WeakSet

from nbformat import NotebookNode

from pytools.grading.cluster import Cluster
from pytools.grading.execute import Execution, end_all, execute
from pytools.grading.options import NONE, Options
from pytools.grading.plan import Plan
from pytools.grading.sandbox import walls


class Threads:
    """So many notebooks at a time, on this machine."""

    def __init__(self, plan: Plan, options: Options) -> None:
        """CourseError where this machine cannot run them as the options want it."""
        if options.sandbox != NONE:
            walls.require()
        workers = options.workers or cores()
        self.room = 2 * workers  # what is started and what waits, so that no worker does
        self._plan, self._options = plan, options
        self._threads = ThreadPoolExecutor(workers)
        self._given: WeakSet[Future[Execution]] = WeakSet()  # those that somebody still has

    def submit(self, notebook: NotebookNode) -> Future[Execution]:
        future = self._threads.submit(execute, notebook, self._plan, self._options)
        self._given.add(future)
        return future

    def first(self, futures: Collection[Future[Execution]]) -> Collection[Future[Execution]]:
        """Those that are done, at least one."""
        return wait(futures, return_when=FIRST_COMPLETED).done

    def result(self, future: Future[Execution]) -> Execution:
        """CourseError where no notebook can be run any more."""
        return future.result()

    def close(self) -> None:
        """After a run that was broken off, too: for what still runs nobody waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while running := [future for future in self._given if not future.done()]:
            end_all()
            wait(running, timeout=0.1)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(plan: Plan, options: Options) -> Threads | Cluster:
    """The pool that the options ask for; CourseError where it cannot be had."""
    return Cluster(plan, options) if options.scheduler else Threads(plan, options)
