"""Where notebooks run: on the workers of a Dask cluster. Marking and saving stay here.

A worker is another machine's, or another process's: it has to have this state of the course, and
bubblewrap. Dask runs what a lost worker was at again on another one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from nbformat import NotebookNode

from pytools.errors import CourseError
from pytools.grading.execute import Execution, execute
from pytools.grading.options import NONE, Options
from pytools.grading.plan import Plan
from pytools.grading.sandbox import walls
from pytools.grading.version import version

PATIENCE = 30  # seconds without a scheduler, or without any worker
SAME = "Install this state of the course there, and start the worker anew."
STAYS = "What is saved stays; put it right and grade again."


class Cluster:
    """The workers of a scheduler, each with as many notebooks at a time as it has threads."""

    def __init__(self, plan: Plan, options: Options) -> None:
        """CourseError where there is no scheduler, no worker, or one that cannot grade."""
        self._dask = _distributed()
        self._plan, self._options, self._address = plan, options, options.scheduler
        try:
            self._client = self._dask.Client(self._address, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise CourseError(
                f"No Dask scheduler answers at {self._address} ({_first_line(error)}). Start one "
                "with: dask scheduler; and workers with: dask worker ADDRESS"
            ) from None
        try:
            self._require_workers()
        except BaseException:
            self.close()
            raise

    def _require_workers(self) -> None:
        threads = self._client.nthreads()
        if not threads:
            raise CourseError(
                f"The scheduler at {self._address} has no workers. Start some with: "
                f"dask worker {self._address}"
            )
        self.room = 2 * (self._options.workers or sum(threads.values()))
        said = self._client.run(unfit, version(), self._options.sandbox, on_error="return")
        for worker, reason in said.items():
            if isinstance(reason, Exception):
                reason = f"it has no such course ({_first_line(reason)}). {SAME}"
            if reason:
                raise CourseError(f"The worker {worker} cannot grade: {reason}")

    def submit(self, notebook: NotebookNode) -> Any:
        job = (notebook, self._plan, self._options, version())
        return self._client.submit(run, *job, pure=False)

    def first(self, futures: Collection[Any]) -> Collection[Any]:
        """Those that are done, at least one; CourseError where none is going to be."""
        options = {"timeout": PATIENCE, "return_when": "FIRST_COMPLETED"}
        try:
            while True:
                with suppress(self._dask.TimeoutError):
                    return self._dask.wait(list(futures), **options).done
                if not self._client.nthreads():
                    break
        except (self._dask.CancelledError, OSError):
            raise self._gone() from None
        raise CourseError(f"The scheduler at {self._address} has no workers any more. {STAYS}")

    def result(self, future: Any) -> Execution:
        """CourseError where a worker cannot grade, or the scheduler has gone."""
        try:
            return future.result()
        except self._dask.KilledWorker as error:
            raise RuntimeError(f"its workers ended: {_first_line(error)}") from None
        except Exception:
            if future.status == "error":  # raised by the job itself, not on the way here
                raise
            raise self._gone() from None

    def _gone(self) -> CourseError:
        return CourseError(f"The Dask scheduler at {self._address} has gone. {STAYS}")

    def close(self) -> None:
        self._client.close(timeout=2)


def run(notebook: NotebookNode, plan: Plan, options: Options, wanted: str) -> Execution:
    """`execute`, on a worker: also on one that has come since the run began."""
    if reason := unfit(wanted, options.sandbox):
        from distributed import get_worker

        raise CourseError(f"The worker {get_worker().address} cannot grade: {reason}")
    return execute(notebook, plan, options)


def unfit(wanted: str, sandbox: str) -> str:
    """Why this machine cannot run notebooks, and what to do; '' where it can."""
    if version() != wanted:
        return f"it has another state of the course. {SAME}"
    return "" if sandbox == NONE else walls.available()


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError:
        raise CourseError(
            "--scheduler needs Dask. Install it with: pip install 'dask[distributed]'"
        ) from None
    for name in logging.root.manager.loggerDict:
        if name.startswith(("distributed", "tornado")):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said here
    return distributed


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
