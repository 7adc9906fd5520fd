"""Sandboxed kernels for whatever starts Jupyter kernels, by the name `course-sandbox`.

A kernelspec asks for it in its metadata, see `kernel_spec`. The connection is by Unix sockets,
whatever was wished for: a sandbox has no network.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Dict, List, Unicode

from pytools.errors import CourseError
from pytools.grading.sandbox import walls, warm
from pytools.grading.sandbox.client import KernelClient
from pytools.grading.sandbox.kernel import Orders
from pytools.grading.sandbox.limits import Limits
from pytools.grading.sandbox.watch import Watchdog

NAME = "course-sandbox"
DEFAULT = Limits()
SOON = 0.005  # seconds
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


def kernel_spec(
    limits: Limits = DEFAULT,
    answers: Sequence[Path] = (),
    hidden: Sequence[str] = (walls.ANSWERS, walls.REFERENCE),
    warm: bool = False,
) -> KernelSpec:
    """A kernel in a sandbox; see `walls.command` for what may be chosen."""
    config = {
        "limits": asdict(limits),
        "answers": [str(path) for path in answers],
        "hidden": list(hidden),
        "warm": warm,
    }
    return KernelSpec(
        argv=[sys.executable, "-m", "pytools.grading.sandbox.kernel"],
        display_name="Python 3 (sandboxed)",
        language="python",
        interrupt_mode="message",  # signals do not reach into the sandbox
        metadata={"kernel_provisioner": {"provisioner_name": NAME, "config": config}},
    )


class SandboxedManager(AsyncKernelManager):
    """A kernel manager that has one kernelspec, and takes no message without end."""

    def __init__(self, spec: KernelSpec, **traits: Any) -> None:
        super().__init__(kernel_name=NAME, transport="ipc", client_factory=KernelClient, **traits)
        self._kernel_spec = spec
        limits = spec.metadata["kernel_provisioner"]["config"]["limits"]
        self._most = limits["output"]

    def client(self, **options: Any) -> KernelClient:
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.MAXMSGSIZE, self._most)  # a larger message ends the connection
        return super().client(context=context, **options)

    @property
    def ended_because(self) -> str:
        """Why the sandbox ended the kernel; '' where it did not."""
        return self.provisioner.reason if self.provisioner else ""


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel in a sandbox, watches it, and takes the sandbox down with it."""

    limits = Dict(help="Those of Limits that are to differ from its defaults.")
    answers = List(Unicode(), help="Files that the kernel may write to.")
    hidden = List(Unicode(), default_value=[walls.ANSWERS, walls.REFERENCE])
    warm = Bool(False, help="Fork the kernel from a process that has its imports done.")

    folder: Path | None = None
    watchdog: Watchdog | None = None
    said = ""  # in the log, once the folder is gone

    @property
    def reason(self) -> str:
        """Why the sandbox was ended, in a sentence; '' where it was not, or not by us."""
        if self.watchdog and self.watchdog.reason:
            return self.watchdog.reason
        said = self._log() if self.folder else self.said
        return walls.explain(said) if said else ""

    def _log(self) -> str:
        """What was said before the notebook's code could say anything."""
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        walls.require()
        self.folder = self.folder or Path(tempfile.mkdtemp(prefix="kernel-"))
        self.parent.transport, self.parent.ip = "ipc", str(self.folder / "port")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        limits = Limits(**self.limits)
        answers = [Path(path) for path in self.answers]
        for path in answers:
            path.touch(mode=0o600)
            walls.hand_over(path)
        info = self.connection_info
        connection = {**info, "key": info["key"].decode()}
        listening = {info[name]: _listen(f"{info['ip']}-{info[name]}") for name in PORTS}
        try:
            sockets = {port: listener.fileno() for port, listener in listening.items()}
            orders = Orders(limits, connection, sockets)
            sandbox = walls.command(limits, answers, self.hidden)
            self.process = self._start(sandbox, cmd, orders)
        finally:
            for listener in listening.values():
                listener.close()
        self.pid = self.process.pid
        roots = getattr(self.process, "roots", [self.pid])
        self.watchdog = Watchdog(roots, limits, self.process.kill)
        self.watchdog.start()
        return info

    def _start(self, sandbox: list[str], cmd: list[str], orders: Orders) -> Any:
        with open(self.folder / "log", "wb") as log:
            if self.warm:
                return warm.template().fork(sandbox, orders, log)
            process = subprocess.Popen(
                [*sandbox, *cmd],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=walls.environment(),
                pass_fds=list(orders.sockets.values()),
                start_new_session=True,  # the grader's Ctrl-C is not for the kernel
            )
        process.stdin.write(orders.to_json().encode())
        process.stdin.close()
        return process

    async def send_signal(self, signum: int) -> None:
        """End the sandbox. Interrupts go by message, and 0 asks for nothing."""
        if self.process and signum not in (0, signal.SIGINT):
            self.process.kill()

    async def kill(self, restart: bool = False) -> None:
        """End the sandbox, and see it ended: whoever asks next need not wait."""
        if self.process:
            self.process.kill()
            while self.process.poll() is None:
                await asyncio.sleep(SOON)

    async def cleanup(self, restart: bool = False) -> None:
        if self.watchdog:
            self.watchdog.stop()
        if self.folder and not restart:
            self.said = self._log()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def _listen(path: str) -> socket.socket:
    """A Unix socket that clients can connect to from now on."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
    except OSError:
        listener.close()
        raise CourseError(
            f"No socket can be made at {path}: is the path too long? Set TMPDIR to a shorter one."
        ) from None
    listener.listen(16)
    return listener
