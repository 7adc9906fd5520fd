"""Phase 2: run a rebuilt notebook in a kernel of its own and bring its answers home.

`execute` depends on nothing but its arguments and changes nothing outside a temporary folder, so
that it can run in any process on any machine. Nothing that it returns is trusted.
"""

from __future__ import annotations

import asyncio
import copy
import os
import stat
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from pytools.errors import CourseError
from pytools.exercise import MAX_BYTES
from pytools.grading.kernels import Kernel
from pytools.grading.options import Options
from pytools.grading.plan import Plan, Test, grade_id, is_run
from pytools.grading.sandbox.client import BoundedClient

GRACE_SECONDS = 5  # for an interrupted cell to come to its end
DONE, STOPPED, STUCK = "done", "stopped", "stuck"
_running: set[BoundedClient] = set()  # in this process
START = "from pytools.grading import inside as _inside; _inside.silence_checks()"


@dataclass
class Execution:
    """What came of running a notebook.

    notebook has the outputs of all cells but the test cells. answers are the packed outcomes of
    each check, by the test's grade_id and the check's number. undone says of a test why its
    answers are not complete; stopped names other cells that ran out of time; died says why the
    run came to no end, and blameless that this was no doing of the notebook's.
    """

    notebook: NotebookNode
    answers: dict[tuple[str, int], bytes] = field(default_factory=dict)
    undone: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    died: str = ""
    blameless: bool = False


def execute(notebook: NotebookNode, plan: Plan, options: Options) -> Execution:
    """Run the notebook up to its last test cell, within the limits of the options.

    CourseError where this machine cannot run any.
    """
    execution = Execution(copy.deepcopy(notebook))
    keys = [(test.grade_id, i) for test in plan.tests for i in range(len(test.checks))]
    try:
        with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
            kernel = Kernel(Path(folder), options, plan.absent, [_file_name(*key) for key in keys])
            asyncio.run(_run(execution, plan, kernel, options))
            room = MAX_BYTES  # for all of them: a forger's fill it, honest ones need little
            for key in keys:
                if data := _read(kernel.folder / _file_name(*key), room):
                    execution.answers[key] = data
                    room -= len(data)
    except OSError as error:
        raise CourseError(
            f"Notebooks cannot be run: {error}. Make room in the folder for temporary files, or "
            "set TMPDIR to another one, and grade again; what is saved stays."
        ) from None
    return execution


def end_all() -> None:
    """Kill the kernels that are up in this process; their notebooks then come to an end."""
    for client in list(_running):
        provisioner = client.km and client.km.provisioner
        if provisioner and provisioner.process:
            provisioner.process.kill()


async def _run(execution: Execution, plan: Plan, kernel: Kernel, options: Options) -> None:
    """Run the cells in order, and note what came of them."""
    waiting = {test.grade_id: test for test in plan.tests}
    label = "its very start"
    client = kernel.client(copy.deepcopy(execution.notebook))
    _running.add(client)
    try:
        async with client.async_setup_kernel(cleanup_kc=True, **kernel.start):
            client.kc.execute(START, silent=True)
            end = time.monotonic() + options.notebook_seconds
            for index, cell in enumerate(execution.notebook.cells):
                if not waiting:
                    break
                if not is_run(cell):
                    continue
                label = _label(cell, index)
                test = waiting.pop(grade_id(cell), None)
                ran = new_code_cell(_answering(test, kernel) if test else cell.source)
                seconds = min(options.seconds, end - time.monotonic())
                how = await _run_cell(client, ran, index, seconds)
                if not test:
                    cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
                if how == DONE:
                    continue
                stopped = f"Stopped after {options.seconds} s: {label}."
                if over := time.monotonic() >= end:
                    stopped = f"Stopped after {options.notebook_seconds} s in all, in {label}."
                if test:
                    execution.undone[test.grade_id] = stopped
                else:
                    execution.stopped.append(stopped)
                if how == STUCK or over:
                    late = f"{label} ran longer than {options.seconds} s and could not be stopped."
                    why = f"Not reached: {stopped if over else late}"
                    execution.undone |= dict.fromkeys(waiting, why)
                    break
    except DeadKernelError:
        reason = kernel.ended_because
        execution.died = (
            f"{reason} Stopped in {label}." if reason else f"The kernel died in {label}."
        )
    except CourseError as error:
        execution.died, execution.blameless = str(error), True
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        reason = kernel.ended_because or f"{type(error).__name__}: {first}"
        execution.died = f"The run broke off in {label} ({reason})."
        execution.blameless = True
    finally:
        _running.discard(client)


async def _run_cell(client: BoundedClient, cell: NotebookNode, index: int, seconds: float) -> str:
    """Run a cell and interrupt it when its time is over. How it ended: DONE, STOPPED or STUCK."""
    client.nb.cells[index] = cell  # where nbclient looks for outputs that are updated
    running = asyncio.ensure_future(client.async_execute_cell(cell, index))
    await asyncio.wait({running}, timeout=seconds)
    if running.done():
        await running  # raises what it raised
        return DONE
    await client.km.interrupt_kernel()
    await asyncio.wait({running}, timeout=GRACE_SECONDS)
    if running.done():
        await running
        return STOPPED
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return STUCK


def _answering(test: Test, kernel: Kernel) -> str:
    """The code that runs in place of a test cell."""
    lines = ["from pytools.grading import inside as _inside"]
    for number, check in enumerate(test.checks):
        path = str(kernel.seen / _file_name(test.grade_id, number))
        given = f"{path!r}, {check.exercise_id!r}, lambda: {check.attempt}, {check.seed}"
        lines.append(f"_inside.answer({given})")
    return "\n".join(lines)


def _file_name(name: str, number: int) -> str:
    return f"{name}.{number}.npz"


def _read(path: Path, most: int) -> bytes:
    """What a check wrote; nothing of what is no plain file, or has more bytes."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return b""
        return file.read(most)


def _label(cell: NotebookNode, index: int) -> str:
    """How to speak of a cell."""
    if grade_id(cell):
        return f"the cell {grade_id(cell)!r}"
    first = cell.source.strip().partition("\n")[0]
    return f"code cell {index} ({first[:40]!r})"
