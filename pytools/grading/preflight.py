"""Phase 1: rebuild each submission from the released notebook.

Of what a student handed in only the sources of the solution cells are taken, by grade_id; all
else is the released notebook again. Whatever was odd is either put right, where there is one way
to do it, or left for a person to look at; it is always said.
"""

from __future__ import annotations

import copy
import datetime
import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import parse_utc

from pytools.grading.plan import Plan, grade_id

MAX_BYTES = 32 * 2**20
MAX_PARTS = 2_000_000  # lists and objects in the JSON: small as text, large in memory
MAX_CELLS = 5_000
CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, no pipe
AGAIN = "Open it in JupyterLab, save it and hand it in again."
CLEAR = "Clear its outputs, save it and hand it in again."
KERNEL = "python3"


@dataclass
class Submission:
    """What preflight made of a folder that a student handed in."""

    notebook: NotebookNode  # rebuilt; the released one where the student's cannot be read
    failed: str = ""  # why it cannot be graded at all
    notes: list[str] = field(default_factory=list)  # what was odd
    odd: dict[str, list[str]] = field(default_factory=dict)  # the same of cells: what -> which
    reviews: dict[str, str] = field(default_factory=dict)  # solution cell -> why to look at it
    left_out: int = 0  # code cells of the student's own
    again: set[str] = field(default_factory=set)  # solution cells whose names those define, too
    timestamp: datetime.datetime | None = None

    def note(self, what: str, name: str) -> None:
        """Something odd about a cell; cells of which the same is said share a line."""
        self.odd.setdefault(what, []).append(name)


@dataclass(frozen=True)
class Cell:
    """As much of a submitted cell as is looked at."""

    kind: str
    source: str
    grade_id: str
    points: Any = None


class Unusable(Exception):
    """The submission cannot be graded; the text says why and what to do."""


def preflight(folder: Path, plan: Plan) -> Submission:
    """Read a submission folder and rebuild its notebook. Whatever is in the folder, it returns."""
    submission = Submission(copy.deepcopy(plan.released))
    submission.timestamp = _timestamp(folder, submission.notes)
    try:
        path = _find(folder, plan.name, submission.notes)
        cells = _read(path, submission.notes)
        _rebuild(submission, cells, plan)
    except Unusable as reason:
        submission.failed = str(reason)
    submission.notes += [f"{what}: {', '.join(names)}." for what, names in submission.odd.items()]
    return submission


# --- the file --------------------------------------------------------------------------------


def _find(folder: Path, name: str, notes: list[str]) -> Path:
    """NAME.ipynb, or the only other notebook beside it."""
    for part in (folder.parent, folder):
        if part.is_symlink():
            raise Unusable(f"{_plain(part.name)} is a link, not a folder of its own.")
    if not folder.is_dir():
        raise Unusable(f"{_plain(folder.name)} is a file, not a folder with {name}.ipynb in it.")
    try:
        found = sorted(path for path in folder.glob("[!.]*.ipynb"))
    except OSError as error:
        raise Unusable(f"The folder cannot be read: {error.strerror}.") from None
    expected = folder / f"{name}.ipynb"
    others = [path for path in found if path != expected]
    names = ", ".join(_plain(path.name)[:80] for path in others[:5])
    if expected in found:
        if others:
            notes.append(f"There are other notebooks beside {name}.ipynb: {names}.")
        return expected
    if not found:
        raise Unusable(f"There is no {name}.ipynb in the submission.")
    if len(found) > 1:
        raise Unusable(f"There is no {name}.ipynb, and several others: {names}.")
    notes.append(f"The notebook is called {names}, not {name}.ipynb.")
    return found[0]


def _read(path: Path, notes: list[str]) -> list[Cell]:
    name = _plain(path.name)[:80]
    try:
        content = json.loads(_text(path, name, notes))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Unusable(f"{name} is broken JSON ({where}: {error.msg}). {AGAIN}") from None
    except RecursionError:
        raise Unusable(f"{name} cannot be read: it is nested too deeply. {AGAIN}") from None
    except ValueError as error:
        raise Unusable(f"{name} cannot be read: {error}. {AGAIN}") from None
    if not isinstance(content, dict):
        raise Unusable(f"{name} is JSON, but not a notebook. {AGAIN}")
    if "worksheets" in content:
        content = _upgraded(content, name, notes)
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise Unusable(f"{name} is JSON, but not a notebook. {AGAIN}")
    if len(cells) > MAX_CELLS:
        raise Unusable(f"{name} has {len(cells):,} cells; the limit is {MAX_CELLS:,}.")
    _note_kernel(content.get("metadata"), notes)
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _text(path: Path, name: str, notes: list[str]) -> str:
    try:
        data = _bytes(path, MAX_BYTES + 1)
    except OSError as error:
        if path.is_symlink():
            raise Unusable(f"{name} is a link, not a file. {AGAIN}") from None
        raise Unusable(f"{name} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        size, limit = path.stat().st_size / 2**20, MAX_BYTES / 2**20
        raise Unusable(f"{name} has {size:.0f} MB; the limit is {limit:.0f} MB. {CLEAR}")
    if data.count(b"[") + data.count(b"{") > MAX_PARTS:
        raise Unusable(f"{name} has more than {MAX_PARTS:,} parts. {CLEAR}")
    if not data.strip():
        raise Unusable(f"{name} is empty. {AGAIN}")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        what = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise Unusable(
            f"{name} is not {what} text (byte {error.start} is {data[error.start]:#x}). {AGAIN}"
        ) from None
    if encoding == "utf-16":
        notes.append("The file was UTF-16 text, not UTF-8.")
    return text


def _bytes(path: Path, most: int) -> bytes:
    """The beginning of a file; OSError for what is no plain file, and for a link to one."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | CAREFUL)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is no plain file")
        return file.read(most)


def _upgraded(content: dict, name: str, notes: list[str]) -> dict:
    """Notebooks before format 4 keep their cells in worksheets."""
    old = content.get("nbformat")
    try:
        upgraded = nbformat.convert(nbformat.from_dict(content), 4)
    except Exception:
        raise Unusable(f"{name} has the old notebook format {str(old)[:20]}. {AGAIN}") from None
    notes.append(f"The notebook had the old format {str(old)[:20]}.")
    return upgraded


def _cell(cell: dict) -> Cell:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
    return Cell(
        kind=str(cell.get("cell_type")),
        source=_plain(source) if isinstance(source, str) else "",
        grade_id=str(nbgrader.get("grade_id") or ""),
        points=nbgrader.get("points"),
    )


def _plain(source: str) -> str:
    """Unix line ends, and no half characters, which no file can hold."""
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode("utf-8")


def _note_kernel(metadata: Any, notes: list[str]) -> None:
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = spec.get("name") if isinstance(spec, dict) else None
    if name not in (None, KERNEL):
        notes.append(f"It asks for the kernel {str(name)[:40]!r}; {KERNEL} was used.")


def _timestamp(folder: Path, notes: list[str]) -> datetime.datetime | None:
    """When it was handed in, as nbgrader's collect writes it."""
    try:
        text = _bytes(folder / "timestamp.txt", 200).decode().strip()
        return parse_utc(text) if text else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError, OverflowError):
        notes.append("timestamp.txt cannot be read; the time of handing in is unknown.")
        return None


# --- the cells -------------------------------------------------------------------------------


def _rebuild(submission: Submission, cells: Sequence[Cell], plan: Plan) -> None:
    """Put the student's solution cells into the released notebook."""
    released = {grade_id(cell): cell for cell in plan.released.cells if grade_id(cell)}
    chosen: dict[str, Cell] = {}
    for name in plan.solutions:
        cell = _choose(name, released, cells, submission)
        if cell:
            chosen[name] = cell
    if not chosen:
        first = next((cell.source.strip() for cell in cells if cell.source.strip()), "")
        begins = f" It begins with {first.splitlines()[0][:60]!r}." if first else ""
        raise Unusable(f"No solution cell of {plan.name} is in it: is it another notebook?{begins}")
    for cell in submission.notebook.cells:
        if grade_id(cell) in chosen:
            cell.source = chosen[grade_id(cell)].source
    _note_tests(submission, cells, plan, released)
    own = _own_cells(cells, list(chosen.values()), released, plan)
    submission.left_out = len(own)
    if own:
        submission.notes.append(f"Cells of the student's own that were left out: {len(own)}.")
    defined = set().union(*(_defined(cell.source) for cell in own))
    submission.again = {name for name in chosen if defined & _defined(released[name].source)}


def _choose(
    name: str, released: dict[str, NotebookNode], cells: Sequence[Cell], submission: Submission
) -> Cell | None:
    """The submitted cell that stands for the solution cell `name`."""
    stub = released[name]
    named = [cell for cell in cells if cell.grade_id == name]
    filled = [cell for cell in named if not _same(cell.source, stub.source) and cell.source.strip()]
    if not filled:
        found = _find_by_function(stub, released, cells)
        if len(found) == 1 and not (named and _same(found[0].source, stub.source)):
            how = "left empty" if named else "without their name"
            submission.note(f"Solution cells {how}, found by their function", name)
            return found[0]
        if not named:
            submission.reviews[name] = f"The solution cell {name!r} is missing."
            return None
        filled = named
    chosen = filled[-1]
    if any(not _same(cell.source, chosen.source) for cell in filled):
        submission.reviews[name] = (
            f"The solution cell {name!r} is there {len(filled)} times, with different content; "
            "the last one was graded."
        )
    elif len(named) > 1:
        submission.note("Solution cells that are there more than once, and agree", name)
    if chosen.kind != stub.cell_type:
        submission.note("Solution cells of another type", name)
    return chosen


def _find_by_function(
    stub: NotebookNode, released: dict[str, NotebookNode], cells: Sequence[Cell]
) -> list[Cell]:
    """Cells of no name in the release that define what the solution cell defines.

    Empty ones count only where there are no others.
    """
    wanted = _defined(stub.source)
    found = [
        cell
        for cell in cells
        if cell.kind == "code" and cell.grade_id not in released and wanted <= _defined(cell.source)
    ]
    if not wanted:
        return []
    return [cell for cell in found if not _same(cell.source, stub.source)] or found


def _note_tests(
    submission: Submission, cells: Sequence[Cell], plan: Plan, released: dict[str, NotebookNode]
) -> None:
    """Test cells are taken from the release, so that a changed one costs and earns nothing."""
    for test in plan.tests:
        original = released[test.grade_id]
        copies = [cell for cell in cells if cell.grade_id == test.grade_id]
        if not copies:
            renamed = any(_same(cell.source, original.source) for cell in cells)
            what = "without their name" if renamed else "missing"
        elif len(copies) > 1:
            what = "there more than once"
        elif copies[0].kind != original.cell_type:
            what = "of another type"
        elif not _same(copies[0].source, original.source):
            what = "edited"
        elif copies[0].points != original.metadata.nbgrader["points"]:
            what = "with other points"
        else:
            continue
        submission.note(f"Test cells {what}, the released ones were used", test.grade_id)


def _own_cells(
    cells: Sequence[Cell], used: Sequence[Cell], released: dict[str, NotebookNode], plan: Plan
) -> list[Cell]:
    """Code cells that the release does not have."""
    known = {_trimmed(cell.source) for cell in plan.released.cells}
    return [
        cell
        for cell in cells
        if cell.kind == "code"
        and cell.source.strip()
        and cell not in used
        and cell.grade_id not in released
        and _trimmed(cell.source) not in known
    ]


def _defined(source: str) -> set[str]:
    """Functions and classes at the top level of a cell, which may have syntax errors elsewhere."""
    return set(re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)", source, flags=re.MULTILINE))


def _same(a: str, b: str) -> bool:
    """Equal but for white space at the ends of lines."""
    return _trimmed(a) == _trimmed(b)


def _trimmed(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
