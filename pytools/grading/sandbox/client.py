"""Running cells in a kernel that may send without end."""

from __future__ import annotations

import json
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_output

from pytools.grading.sandbox.limits import MB

CUT = "… cut here: the notebook showed more than {:.3g} MB.\n"


class BoundedClient(NotebookClient):
    """A client that takes so many bytes of outputs from a kernel, and drops the rest with a note.

    A single message larger than that does not even arrive, see SandboxedManager.
    """

    most: int  # bytes; set after construction
    taken = 0

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
