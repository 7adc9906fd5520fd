"""Warm kernels as the grader starts them: one template process, and a sandbox for each fork."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pytools.errors import CourseError
from pytools.grading.sandbox import walls
from pytools.grading.sandbox.kernel import Orders
from pytools.grading.sandbox.template import READY
from pytools.grading.sandbox.watch import below

COLD = "Grade without warm kernels: --cold."
KEEPER = ["cat"]  # keeps a sandbox open for as long as the grader's end of its pipe is


class Forked:
    """A kernel that was forked into a sandbox; as much of a Popen as a provisioner needs."""

    stdin = stdout = stderr = None

    def __init__(self, sandbox: subprocess.Popen, report: socket.socket, joiner: int) -> None:
        self.pid, self.roots = sandbox.pid, [sandbox.pid, joiner]
        self.returncode: int | None = None
        self._sandbox, self._report = sandbox, report

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                said = self._report.recv(16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            self.returncode = int(said or b"-9")
            self._end()
        return self.returncode

    def kill(self) -> None:
        self._sandbox.kill()

    def wait(self) -> int | None:
        while self.poll() is None:
            self._report.recv(1, socket.MSG_PEEK)
        return self.returncode

    def _end(self) -> None:
        """Nothing that the kernel has left behind outlives it."""
        self._sandbox.kill()
        self._sandbox.wait()
        self._sandbox.stdin.close()
        self._sandbox.stdout.close()
        self._report.close()


class Template:
    """The process that kernels are forked from, see `template`."""

    def __init__(self) -> None:
        """Start it, which takes seconds; CourseError where it does not come up."""
        self._asking = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _python() as program:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytools.grading.sandbox.template"],
                executable=f"/proc/self/fd/{program.fileno()}",
                pass_fds=[program.fileno()],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
        atexit.register(self.close)
        if self._control.recv(len(READY)) != READY:
            said = self._process.stderr.read().decode(errors="replace").strip().splitlines()
            self.close()
            raise CourseError(f"Warm kernels do not start ({(said or ['?'])[-1]}). {COLD}")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def fork(self, command: Sequence[str], orders: Orders, log: BinaryIO) -> Forked:
        """A kernel in the sandbox that the command makes. The log takes what goes wrong."""
        sandbox = subprocess.Popen(
            [*command, *KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=walls.environment(),
            start_new_session=True,
        )
        report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._ask(_keeper(sandbox), theirs, orders, log)
            return Forked(sandbox, report, joiner=int(report.recv(16)))
        except (OSError, ValueError) as error:
            sandbox.kill()
            sandbox.wait()
            report.close()
            raise CourseError(f"A warm kernel did not start ({error}). {COLD}") from None

    def _ask(self, keeper: int, report: socket.socket, orders: Orders, log: BinaryIO) -> None:
        """Send the template what one kernel needs: orders, and files that stand for the rest."""
        sandbox = os.pidfd_open(keeper)
        try:
            files = [sandbox, report.fileno(), log.fileno(), *orders.sockets.values()]
            with self._asking:
                socket.send_fds(self._control, [orders.to_json().encode()], files)
        finally:
            os.close(sandbox)

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()


_one: Template | None = None
_making = threading.Lock()


def template() -> Template:
    """This process's template, started by the first who asks, and again where it has ended."""
    global _one
    with _making:
        if _one is None or not _one.alive:
            _one = Template()
        return _one


def prepare() -> None:
    """Start the template beside what else the grader has to start: both take seconds.

    What goes wrong is told by `template`, to the first kernel that needs it.
    """
    threading.Thread(target=_try, daemon=True).start()


def _try() -> None:
    with contextlib.suppress(CourseError, OSError):
        template()


def _keeper(sandbox: subprocess.Popen) -> int:
    """The process that keeps the sandbox open, once it is inside."""
    sandbox.stdin.write(b"\n")
    sandbox.stdin.flush()
    if not sandbox.stdout.read(1):
        raise OSError("its sandbox ended")
    return list(below(sandbox.pid))[-1]


def _environment() -> dict[str, str]:
    """A kernel's, but for folders that are not there outside a sandbox, and for two paths."""
    import matplotlib

    kept = {name: text for name, text in walls.environment().items() if str(walls.HOME) != text}
    libraries = f"{sys.base_prefix}/lib"  # which some Pythons look for beside their own program
    return kept | {"MPLCONFIGDIR": matplotlib.get_cachedir(), "LD_LIBRARY_PATH": libraries}


def _python() -> BinaryIO:
    """A copy of this Python's program that nobody can change.

    What is forked keeps the program of the process it was forked from, as /proc/self/exe. That is
    no file of the sandbox, so no read-only mount protects it from a kernel of its owner's.
    """
    program = os.fdopen(os.memfd_create("python", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b")
    program.write(Path(sys.executable).resolve().read_bytes())
    program.flush()
    everything = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(program, fcntl.F_ADD_SEALS, everything)
    return program
