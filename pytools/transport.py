"""How outcomes leave a kernel: as an uncompressed .npz without pickle, read back with suspicion."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pytools.exercise import MAX_BYTES, Fault, Outcome, clipped, plain


def pack(outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes as an uncompressed .npz without pickle, to leave a kernel with."""
    header, arrays = [], {}
    for index, outcome in enumerate(outcomes):
        header.append(
            {
                "names": list(outcome.arrays),
                "fault": asdict(outcome.fault) if outcome.fault else None,
                "changed": outcome.changed,
                "unsteady": outcome.unsteady,
                "printed": outcome.printed,
            }
        )
        arrays |= {f"{index}.{name}": array for name, array in outcome.arrays.items()}
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
    return buffer.getvalue()


def unpack(data: bytes) -> list[Outcome]:
    """Read what `pack` wrote. The bytes are not trusted: anything odd is a ValueError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("compressed")
        if sum(entry.file_size for entry in entries) > MAX_BYTES:
            raise ValueError("too large")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            header = archive["header"]
            if header.shape:
                raise ValueError("no header")  # written out in full, it could be without end
            return [_outcome(row, archive, i) for i, row in enumerate(json.loads(str(header)))]
    except Exception as error:
        raise ValueError(f"not a readable answer: {error}") from None


def _outcome(row: dict, archive: Any, index: int) -> Outcome:
    names = [str(name) for name in row["names"]]
    if len(set(names)) < len(names):
        raise ValueError("a name twice")  # each would be read anew, for as long as a forger likes
    arrays = {name: plain(archive[f"{index}.{name}"], name) for name in names}
    fault = row["fault"] and Fault(*(str(row["fault"][k]) for k in ("kind", "text", "error")))
    return Outcome(
        arrays=arrays,
        fault=fault or None,
        changed=tuple(str(name) for name in row["changed"]),
        unsteady=bool(row["unsteady"]),
        printed=clipped(str(row["printed"])),
    )
