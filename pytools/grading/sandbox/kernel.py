"""What starts the kernel inside the sandbox, before any of the notebook's code.

The sockets that it listens on are made outside and come in as open files, so that the sandbox
shares no folder with the outside. `python -m pytools.grading.sandbox.kernel` reads its Orders.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import zmq
from ipykernel.heartbeat import Heartbeat
from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp
from traitlets import Dict
from traitlets.config import Config

from pytools.grading.sandbox import calls
from pytools.grading.sandbox.limits import Limits

CONFIG = Config({"HistoryManager": {"enabled": False}, "Application": {"log_level": "ERROR"}})
CUT = "\n… cut here: more than {:,} characters were printed.\n"


@dataclass(frozen=True)
class Orders:
    """What the kernel is told. connection is what a connection file holds."""

    limits: Limits
    connection: dict[str, Any]
    sockets: dict[int, int]  # open files by the connection's port numbers

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Orders:
        given = json.loads(text)
        sockets = {int(port): number for port, number in given["sockets"].items()}
        return cls(Limits(**given["limits"]), given["connection"], sockets)


def run(orders: Orders) -> None:
    """Run a kernel until it is told to end."""
    bound(orders.limits)
    connection = Path("kernel.json").resolve()
    connection.write_text(json.dumps(orders.connection))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # the outside's log is not for the notebook's code
        os.dup2(nowhere, stream)
    Printed.limit = orders.limits.printed
    app = SandboxedKernel.instance(sockets=orders.sockets, config=CONFIG)
    app.initialize(["-f", str(connection)])
    connection.unlink()
    app.start()


def bound(limits: Limits) -> None:
    """Take what the system itself refuses: no process can raise its limits again."""
    for what, most in {
        resource.RLIMIT_DATA: limits.memory,  # not RLIMIT_AS: torch reserves far more than it uses
        resource.RLIMIT_CPU: limits.processor + 10,  # the watchdog comes first, with a reason
        resource.RLIMIT_NPROC: limits.tasks,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_CORE: 0,
    }.items():
        resource.setrlimit(what, (most, most))
    calls.give_up()


class SandboxedKernel(IPKernelApp):
    """A Python kernel on sockets that it is given."""

    sockets = Dict()
    outstream_class = f"{__name__}.Printed"

    def _try_bind_socket(self, socket: zmq.Socket, port: int) -> int:
        socket.setsockopt(zmq.USE_FD, self.sockets[port])
        return super()._try_bind_socket(socket, port)

    def init_control(self, context: zmq.Context) -> None:
        super().init_control(context)
        # The debugger's own way to the kernel would lead outside; nobody debugs here.
        self.debug_shell_socket.disconnect(self.shell_socket.getsockopt(zmq.LAST_ENDPOINT))

    def init_heartbeat(self) -> None:
        self.heartbeat = GivenHeartbeat(zmq.Context(), (self.transport, self.ip, self.hb_port))
        self.heartbeat.given = self.sockets[self.hb_port]
        self.heartbeat.start()


class GivenHeartbeat(Heartbeat):
    """The heartbeat, on a socket that it is given."""

    given: int

    def _try_bind_socket(self) -> None:
        self.socket.setsockopt(zmq.USE_FD, self.given)
        super()._try_bind_socket()


class Printed(OutStream):
    """stdout or stderr, cut where it becomes too long. The grader cuts what gets round it."""

    limit = 0
    written = 0

    def write(self, string: str) -> int | None:
        room = self.limit - Printed.written
        Printed.written += len(string)
        if len(string) <= room:
            return super().write(string)
        if room >= 0:
            super().write(string[:room] + CUT.format(self.limit))
            Printed.written = self.limit + 1
        return len(string)


if __name__ == "__main__":
    orders = Orders.from_json(sys.stdin.read())
    run(orders)
