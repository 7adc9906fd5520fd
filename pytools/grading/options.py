"""How a class is to be graded: what `course grade` lets one choose."""

from __future__ import annotations

from dataclasses import dataclass

from pytools.grading.sandbox.limits import Limits

WARM, COLD, NONE = "warm", "cold", "none"  # how kernels are kept apart from the grader
NOTEBOOK = 15  # times what a cell may take


@dataclass(frozen=True)
class Options:
    """workers: notebooks at a time, None for one on each core. seconds: the most a cell may run."""

    workers: int | None = None
    seconds: int = 60
    sandbox: str = WARM
    scheduler: str = ""  # the address of a Dask scheduler; '' for this machine
    again: bool = False  # what is graded and has not changed, too

    @property
    def notebook_seconds(self) -> int:
        """The most that a whole notebook may run."""
        return NOTEBOOK * self.seconds

    @property
    def limits(self) -> Limits:
        return Limits(processor=self.notebook_seconds)
