"""Running cells in a kernel that may send without end."""

from __future__ import annotations

import atexit
import json
import logging
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets import Int

from pytools.grading.sandbox.limits import MB, Limits

CUT = "… cut here: the notebook showed more than {:.3g} MB.\n"
QUIET = logging.getLogger(__name__)  # what goes wrong is said by whoever catches it
QUIET.setLevel(logging.CRITICAL)


class KernelClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel is."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """As its parent's, which then waits until nothing has come for 0.2 s."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not await self._answers():
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _answers(self) -> bool:
        """Ask for the kernel's info, and wait for the answer on both channels."""
        asked = self.kernel_info()
        try:
            while not _is_about(reply := await self.shell_channel.get_msg(timeout=1), asked):
                pass
            while not _is_about(said := await self.iopub_channel.get_msg(timeout=0.2), asked) or (
                said["content"].get("execution_state") != "idle"  # its last word on a request
            ):
                pass
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True


def _is_about(message: dict[str, Any], asked: str) -> bool:
    return message["parent_header"].get("msg_id") == asked


class BoundedClient(NotebookClient):
    """A client that takes so many bytes of outputs from a kernel, and drops the rest with a note.

    A single message larger than that does not even arrive, see SandboxedManager. It joins what
    was printed in time that grows with its length; coalesce_streams takes the square of it.
    """

    most = Int(Limits.output, help="Bytes of outputs, in the whole notebook.")
    taken = 0

    def _log_default(self) -> logging.Logger:
        return QUIET

    @asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncIterator[None]:
        try:
            async with super().async_setup_kernel(**kwargs):
                yield
        finally:
            atexit.unregister(self._cleanup_kernel)  # it stays where a kernel did not start

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, *args: Any, **kwargs: Any
    ) -> NotebookNode:
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            self._join(cell, cell_index)

    def _join(self, cell: NotebookNode, cell_index: int) -> None:
        """Join what was printed; displays that are updated later are found in their new places."""
        before, cell.outputs = cell.outputs, join_streams(cell.outputs)
        places = {id(output): place for place, output in enumerate(cell.outputs)}
        for cells in self._display_id_map.values():
            if cell_index in cells:
                cells[cell_index] = [places[id(before[place])] for place in cells[cell_index]]

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] == "status":
            return super().process_message(msg, cell, cell_index)
        if self.taken > self.most:
            return None
        self.taken += len(json.dumps(msg["content"], default=str))
        if self.taken <= self.most:
            return super().process_message(msg, cell, cell_index)
        text = CUT.format(self.most / MB)
        cell.outputs.append(new_output("stream", name="stderr", text=text))
        return None


def join_streams(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """One output for what was printed in one go, as a screen would show it."""
    joined = []
    for name, group in groupby(outputs, lambda output: output.get("name")):
        if name is None:  # no stream
            joined += group
        else:
            text = "".join(output.text for output in group)
            joined.append(new_output("stream", name=name, text=overwritten(text)))
    return joined


def overwritten(text: str) -> str:
    """The text after its carriage returns: what follows one takes the place of the line so far."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
