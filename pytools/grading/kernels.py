"""The kernel of one notebook: sandboxed, or, where that was asked for, not."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from pytools.grading.options import NONE, WARM, Options
from pytools.grading.sandbox import walls
from pytools.grading.sandbox.client import BoundedClient
from pytools.grading.sandbox.provisioner import SandboxedManager, kernel_spec

BACKEND = "module://matplotlib_inline.backend_inline"


class Kernel:
    """What starts a kernel, and where the two sides find its answers.

    folder holds the answers, which the kernel sees in `seen`. start is what nbclient is to start
    it with.
    """

    def __init__(
        self, folder: Path, options: Options, absent: Sequence[str], answers: Sequence[str]
    ) -> None:
        """folder is empty, and the kernel's own. answers are names of files."""
        self.folder = self.seen = folder / "answers"
        self.folder.mkdir()
        self.start: dict[str, Any] = {}
        self._most = options.limits.output
        files = [self.folder / name for name in answers]
        for file in files:
            file.touch()
        if options.sandbox == NONE:
            self.start = {"cwd": str(folder / "work"), "env": _environment(folder)}
            for part in ("work", "home"):
                (folder / part).mkdir()
            self._manager = _manager(folder)
        else:
            self.seen = walls.HANDED_IN
            spec = kernel_spec(options.limits, files, absent, warm=options.sandbox == WARM)
            self._manager = SandboxedManager(spec)

    def client(self, notebook: NotebookNode) -> BoundedClient:
        return BoundedClient(
            notebook,
            km=self._manager,
            most=self._most,
            allow_errors=True,
            record_timing=False,
            store_widget_state=False,
            shutdown_kernel="immediate",
        )

    @property
    def ended_because(self) -> str:
        """Why the sandbox ended the kernel; '' where it did not."""
        return getattr(self._manager, "ended_because", "")


def _manager(folder: Path) -> AsyncKernelManager:
    """A kernel of this very Python, whatever kernels the user has installed."""
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(folder / "kernel.json"),
        transport="tcp" if sys.platform == "win32" else "ipc",  # ipc: no port that others can see
    )


def _environment(folder: Path) -> dict[str, str]:
    """One thread for each kernel, and nothing of the grader's own home."""
    home = str(folder / "home")
    own = {"COURSE_HOME": home, "IPYTHONDIR": home, "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own, "MPLBACKEND": BACKEND}
