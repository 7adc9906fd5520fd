"""The process that warm kernels fork from, and how a fork enters its sandbox.

It has the imports of a notebook done, one thread, and no student's work ever in it. For each
kernel it forks; the fork joins the namespaces of a sandbox that bubblewrap has just made, where
nothing else runs yet, gives up what it could do outside, and only then becomes a kernel.

    grader ── bwrap ── (init of the sandbox) ── cat, which keeps it open
       └──── template ── joiner ── kernel       the joiner waits outside; the kernel is inside
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Sequence

import numpy as np

from pytools.grading.sandbox import kernel, walls
from pytools.grading.sandbox.kernel import Orders

IMPORTS = ("matplotlib.pyplot", "matplotlib_inline.backend_inline", "scipy.special", "torch")
IMPORTS += ("ipywidgets", "networkx", "scipy.ndimage")  # as pytools.widgets and notebooks do
IMPORTS += ("sklearn.datasets", "torch._dynamo")  # the second by the first torch.optim optimiser
IMPORTS += ("pytools.exercises", "pytools.checking", "pytools.grading.inside")
IMPORTS += ("ipykernel.debugger", "IPython.core.completerlib", "IPython.core.debugger", "pdb")
IMPORTS += ("IPython.extensions.storemagic", "tornado.platform.asyncio", "tornado.queues")
FORBIDDEN = ("pytools.scratch", "pytools.models", "pytools.exercises.answers")
READY, LONGEST = b"ready", 2**16

# From the kernel's headers; Python has names for them only from 3.12 on.
NAMESPACES = {
    "cgroup": 0x02000000,
    "mnt": 0x00020000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION = 0x20080522
libc = ctypes.CDLL(None, use_errno=True)


def serve(control: socket.socket) -> None:
    """Fork a kernel for each message on the control socket, until it is closed."""
    for module in IMPORTS:
        importlib.import_module(module)
    threads = len(os.listdir("/proc/self/task"))
    known = [name for name in sys.modules if name.startswith(FORBIDDEN)]
    if threads != 1 or known:
        sys.exit(f"not fit to be forked: {threads} threads, imported {known}")
    gc.freeze()  # what is never looked at by the collector stays shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # joiners need not be waited for
    control.send(READY)
    while True:
        data, files, _, _ = socket.recv_fds(control, LONGEST, 64)
        if not data:
            return
        if not os.fork():
            control.close()
            _join(data.decode(), files)
        for file in files:
            os.close(file)


def _join(text: str, files: Sequence[int]) -> None:
    """Enter the sandbox, fork the kernel into it, wait for it and pass on how it ended."""
    sandbox, line, log, *sockets = files
    report = socket.socket(fileno=line)
    code = 1
    try:
        _die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        report.send(str(os.getpid()).encode())
        _enter(sandbox)
        child = os.fork()
        if not child:
            _become_kernel(Orders.from_json(text), sockets)
        for file in sockets:
            os.close(file)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
    except Exception:
        traceback.print_exc()
    finally:
        report.send(str(code).encode())
        os._exit(0)


def _enter(sandbox: int) -> None:
    """Join all namespaces of the process that the file `sandbox` stands for, as its user."""
    if not os.geteuid():
        os.setgroups([])
    _call(libc.setns, sandbox, sum(NAMESPACES.values()))
    os.setresgid(walls.USER, walls.USER, walls.USER)
    os.setresuid(walls.USER, walls.USER, walls.USER)
    _die_with_parent()  # again: who becomes somebody else is let off


def _become_kernel(orders: Orders, sockets: Sequence[int]) -> None:
    """Give up everything but the sockets, run, and never return."""
    code = 1
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(walls.environment())
        os.chdir(walls.WORK)
        _close_all_but({0, 1, 2, *sockets})
        _give_up_capabilities()
        _die_with_parent()
        random.seed()
        np.random.seed()  # noqa: NPY002 (or all kernels would draw the same numbers)
        given = dict(zip(orders.sockets, sockets, strict=True))
        kernel.run(Orders(orders.limits, orders.connection, given))
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def _close_all_but(keep: set[int]) -> None:
    for file in map(int, os.listdir("/proc/self/fd")):
        if file not in keep:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(file)


def _give_up_capabilities() -> None:
    """What entering the sandbox's user namespace gave, and every way to get it back."""
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # an error: there are not so many
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call(libc.capset, header, nothing)
    _call(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(libc.prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after exec: /proc/self is its own


def _die_with_parent() -> None:
    _call(libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _call(function: ctypes._CFuncPtr, *arguments: object) -> None:
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


if __name__ == "__main__":
    serve(socket.socket(fileno=0))
