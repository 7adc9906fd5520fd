"""Cells in sandboxed kernels, for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from pytools.grading.sandbox import walls
from pytools.grading.sandbox.client import BoundedClient
from pytools.grading.sandbox.limits import MB, Limits
from pytools.grading.sandbox.provisioner import SandboxedManager, kernel_spec

needs_sandbox = pytest.mark.skipif(bool(walls.available()), reason=walls.available())
SMALL = Limits(memory=1536 * MB, tasks=64, scratch=64 * MB, file_size=16 * MB, output=4 * MB)
HONEST = "import numpy as np\nprint(int(np.arange(10).sum()))"


@dataclass
class Ran:
    """What came of some cells: what each showed, as text, and why the sandbox ended them."""

    shown: list[str] = field(default_factory=list)
    died: bool = False
    stuck: bool = False
    reason: str = ""


def run(
    cells: Sequence[str],
    warm: bool = True,
    limits: Limits = SMALL,
    answers: Sequence[Path] = (),
    hidden: Sequence[str] = (walls.ANSWERS, walls.REFERENCE),
    seconds: float = 20,
) -> Ran:
    """Run cells in a kernel of their own, until one is not done in time."""
    manager = SandboxedManager(kernel_spec(limits, answers, hidden, warm))
    return asyncio.run(_run(cells, manager, limits, seconds))


async def _run(
    cells: Sequence[str], manager: SandboxedManager, limits: Limits, seconds: float
) -> Ran:
    ran = Ran()
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    client = BoundedClient(
        notebook, km=manager, allow_errors=True, shutdown_kernel="immediate", most=limits.output
    )
    try:
        async with client.async_setup_kernel(cleanup_kc=True):
            for index, cell in enumerate(notebook.cells):
                running = asyncio.ensure_future(client.async_execute_cell(cell, index))
                done, _ = await asyncio.wait({running}, timeout=seconds)
                if not done:
                    await manager.interrupt_kernel()
                    done, _ = await asyncio.wait({running}, timeout=1)
                if not done:
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
                    ran.stuck = True
                    break
                await running
                ran.shown.append(_text(cell.outputs))
    except DeadKernelError:
        ran.died = True
    ran.reason = manager.ended_because
    return ran


def _text(outputs: list) -> str:
    parts = []
    for output in outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data.get("text/plain", ""))
    return "".join(parts).strip()


def assert_honest_kernel_is_fine(warm: bool = True) -> None:
    """What a kernel that is started afterwards has to be."""
    assert run([HONEST], warm) == Ran(["45"])


def small(**changed: int) -> Limits:
    return replace(SMALL, **changed)
