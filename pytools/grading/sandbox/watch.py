"""Ending a sandbox that takes more than its share. It is watched from outside."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytools.grading.sandbox.limits import GB, Limits

EVERY = 0.1  # seconds
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Use:
    """What the processes of a sandbox take together."""

    memory: int = 0  # bytes
    processor: float = 0.0  # seconds
    tasks: int = 0  # processes and threads

    def excess(self, limits: Limits) -> str:
        """The limit that was passed, in words; '' where none was."""
        if self.tasks > limits.tasks:
            return f"It had more than {limits.tasks} processes and threads at a time."
        if self.memory > limits.memory:
            return f"It used more than {limits.memory / GB:.3g} GB of memory."
        if self.processor > limits.processor:
            return f"It used more than {limits.processor} seconds of processor time."
        return ""


class Watchdog(threading.Thread):
    """Watches the processes below `roots`, and calls `end` once when they take too much."""

    def __init__(self, roots: list[int], limits: Limits, end: Callable[[], None]) -> None:
        super().__init__(name="sandbox-watchdog", daemon=True)
        self.reason = ""  # why it has ended the sandbox
        self._roots, self._limits, self._end = roots, limits, end
        self._stopped = threading.Event()
        self._processor: dict[int, float] = {}  # by process, those that have gone too

    def run(self) -> None:
        while not self._stopped.wait(EVERY):
            self.reason = self.measure().excess(self._limits)
            if self.reason:
                self._end()
                return

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def members(self) -> list[int]:
        """The processes of the sandbox."""
        return [pid for root in self._roots for pid in below(root)]

    def measure(self) -> Use:
        """What is used now, and the processor time since the beginning."""
        use = Use()
        memory: dict[int, int] = {}
        for pid in self.members():
            try:
                status = _read(pid, "status")
                times = _read(pid, "stat").rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            use.tasks += _number(status, "Threads")
            memory[pid] = _memory(status)
            self._processor[pid] = (int(times[11]) + int(times[12])) / TICK
        use.memory = sum(memory.values())
        if use.memory > self._limits.memory:
            use.memory = sum(_own_memory(pid, most) for pid, most in memory.items())
        use.processor = sum(self._processor.values())
        return use


def below(pid: int) -> Iterator[int]:
    """All processes that descend from this one. In a PID namespace orphans stay with its init."""
    try:
        found = [
            int(child)
            for children in Path(f"/proc/{pid}/task").glob("*/children")
            for child in children.read_text().split()
        ]
    except OSError:
        return
    for child in found:
        yield child
        yield from below(child)


def _memory(status: str) -> int:
    """Bytes of a process that no file backs; what it shares with its parent counts in both."""
    return 1024 * sum(_number(status, name) for name in ("RssAnon", "RssShmem", "VmPTE"))


def _own_memory(pid: int, most: int) -> int:
    """The same, with what several share counted once. Dearer to find out.

    A process can forbid others to look; then all that it may have, `most`, counts.
    """
    try:
        rollup = _read(pid, "smaps_rollup")
    except PermissionError:
        return most
    except OSError:  # it has ended
        return 0
    return 1024 * (_number(rollup, "Pss_Anon") + _number(rollup, "Pss_Shmem"))


def _number(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()
