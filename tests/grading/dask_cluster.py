"""A real Dask scheduler and its workers, on loopback, for the tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DaskCluster:
    """Processes that are this one's children; all are gone when it is closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        file = folder / "scheduler.json"
        options = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", *options)
        _wait_for(file.exists)
        self.address = json.loads(file.read_text())["address"]

    def worker(self, threads: int = 1, env: dict[str, str] | None = None) -> subprocess.Popen:
        """Start a worker, and wait until the scheduler knows it."""
        from distributed import Client

        options = ["--no-nanny", "--no-dashboard", "--nthreads", str(threads)]
        with Client(self.address, set_as_default=False) as client:
            before = len(client.nthreads())
            process = self._start("worker", self.address, *options, env=env)
            _wait_for(lambda: len(client.nthreads()) > before)
        return process

    def _start(self, *line: str, env: dict[str, str] | None = None) -> subprocess.Popen:
        log = (self.folder / f"dask-{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *line],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
            )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[DaskCluster]:
    running = DaskCluster(folder)
    try:
        yield running
    finally:
        running.close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the cluster does not come up"
        time.sleep(0.05)
