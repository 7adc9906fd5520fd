"""Phase 2: run a rebuilt notebook in a kernel of its own and bring its answers home.

`execute` depends on nothing but its arguments and changes nothing outside a temporary folder, so
that it can run in any process on any machine. Nothing that it returns is trusted.
"""

from __future__ import annotations

import asyncio
import copy
import os
import stat
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from pytools.exercise import MAX_BYTES
from pytools.grading.plan import Plan, Test, grade_id

GRACE_SECONDS = 5  # for an interrupted cell to come to its end
LOOKED_AT = "demo"  # the tag of cells that are there for looking at
PARTS = ("work", "home", "answers")  # the kernel's folders
BACKEND = "module://matplotlib_inline.backend_inline"
DONE, STOPPED, STUCK = "done", "stopped", "stuck"
START = "from pytools.grading import inside as _inside; _inside.silence_checks()"


@dataclass
class Execution:
    """What came of running a notebook.

    notebook has the outputs of all cells but the test cells. answers are the packed outcomes of
    each check, by the test's grade_id and the check's number. undone says of a test why its
    answers are not complete; stopped names other cells that ran out of time; died says why the
    run came to no end.
    """

    notebook: NotebookNode
    answers: dict[tuple[str, int], bytes] = field(default_factory=dict)
    undone: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    died: str = ""


def execute(notebook: NotebookNode, plan: Plan, seconds: int) -> Execution:
    """Run the notebook up to its last test cell, each cell for so many seconds at most."""
    execution = Execution(copy.deepcopy(notebook))
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in PARTS:
            (folder / part).mkdir()
        asyncio.run(_run(execution, plan, folder, seconds))
        for key in [(test.grade_id, i) for test in plan.tests for i in range(len(test.checks))]:
            data = _read(_answer_file(folder, *key))
            if data is not None:
                execution.answers[key] = data
    return execution


async def _run(execution: Execution, plan: Plan, folder: Path, seconds: int) -> None:
    """Run the cells in order, and note what came of them."""
    waiting = {test.grade_id: test for test in plan.tests}
    label = "its very start"
    client = _client(copy.deepcopy(execution.notebook), folder)
    try:
        async with client.async_setup_kernel(
            cleanup_kc=True, cwd=str(folder / "work"), env=_environment(folder)
        ):
            client.kc.execute(START, silent=True)
            for index, cell in enumerate(execution.notebook.cells):
                if not waiting:
                    break
                if cell.cell_type != "code" or LOOKED_AT in cell.metadata.get("tags", []):
                    continue
                label = _label(cell, index)
                test = waiting.pop(grade_id(cell), None)
                ran = new_code_cell(_answering(test, folder) if test else cell.source)
                end = await _run_cell(client, ran, index, seconds)
                if not test:
                    cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
                if end == DONE:
                    continue
                if test:
                    execution.undone[test.grade_id] = f"Stopped after {seconds} s: {label}."
                else:
                    execution.stopped.append(f"Stopped after {seconds} s: {label}.")
                if end == STUCK:
                    late = f"{label} ran longer than {seconds} s and could not be stopped."
                    execution.undone |= {name: f"Not reached: {late}" for name in waiting}
                    break
    except DeadKernelError:
        execution.died = f"The kernel died in {label}."
    except Exception as error:
        execution.died = f"The run broke off in {label} ({type(error).__name__}: {error})."


async def _run_cell(client: NotebookClient, cell: NotebookNode, index: int, seconds: int) -> str:
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


def _client(notebook: NotebookNode, folder: Path) -> NotebookClient:
    """A client with a kernel of this very Python, whatever kernels the user has installed."""
    kernel = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(folder / "kernel.json"),
        transport="tcp" if sys.platform == "win32" else "ipc",  # ipc: no port that others can see
    )
    return NotebookClient(
        notebook,
        km=kernel,
        allow_errors=True,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        shutdown_kernel="immediate",
    )


def _environment(folder: Path) -> dict[str, str]:
    """One thread for each kernel, and nothing of the grader's own home."""
    home = str(folder / "home")
    own = {"COURSE_HOME": home, "IPYTHONDIR": home, "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own, "MPLBACKEND": BACKEND}


def _answering(test: Test, folder: Path) -> str:
    """The code that runs in place of a test cell."""
    lines = ["from pytools.grading import inside as _inside"]
    for number, check in enumerate(test.checks):
        path = str(_answer_file(folder, test.grade_id, number))
        given = f"{path!r}, {check.exercise_id!r}, lambda: {check.attempt}, {check.seed}"
        lines.append(f"_inside.answer({given})")
    return "\n".join(lines)


def _answer_file(folder: Path, name: str, number: int) -> Path:
    return folder / "answers" / f"{name}.{number}.npz"


def _read(path: Path) -> bytes | None:
    """What a check wrote: None for no file, empty for one that is no plain file or too large."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return b""
        return file.read(MAX_BYTES)


def _label(cell: NotebookNode, index: int) -> str:
    """How to speak of a cell."""
    if grade_id(cell):
        return f"the cell {grade_id(cell)!r}"
    return f"code cell {index} ({cell.source.strip().splitlines()[0][:40]!r})"
