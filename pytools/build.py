"""One source, two notebooks: from solutions/NAME/NAME.py to its executed pair and its release.

The percent script is the source. Its pair, solutions/NAME/NAME.ipynb, holds the same cells with
their outputs; course/NAME/NAME.ipynb is what nbgrader's generate_assignment leaves of the pair.
Cell ids follow from the source, so that building twice gives the same files.
"""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from pytools.errors import CourseError

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_TIMEOUT = 600  # seconds, for one cell of a solution
MACHINE = "this-machine"  # a cell with this tag speaks of the machine: its output is not kept
LEAKS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")


@dataclass(frozen=True)
class Paths:
    """The three files of one notebook."""

    course: Path
    name: str

    @property
    def source(self) -> Path:
        return self.course / "solutions" / self.name / f"{self.name}.py"

    @property
    def pair(self) -> Path:
        return self.source.with_suffix(".ipynb")

    @property
    def release(self) -> Path:
        return self.course / "course" / self.name / f"{self.name}.ipynb"


def notebook_names(course: Path) -> list[str]:
    """The names of all notebooks that have a source in solutions/, in order."""
    return sorted(p.stem for p in (course / "solutions").glob("*/*.py") if p.stem == p.parent.name)


def select(course: Path, names: list[str]) -> list[Paths]:
    """Those notebooks, or all where none is named. CourseError where one does not exist."""
    known = notebook_names(course)
    if not known:
        raise CourseError(f"no notebook sources in {course}/solutions: is this a course folder?")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            guess = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise CourseError(f"no source solutions/{name}/{name}.py; {guess}")
    return [Paths(course, name) for name in names or known]


def read_source(path: Path) -> NotebookNode:
    """The notebook that a percent script describes: no outputs, ids made from the source.

    CourseError where it has no cells, metadata that cannot be read, or a grade_id twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    notebook = jupytext.reads(text, fmt="py:percent")
    if not any(cell.source.strip() for cell in notebook.cells):
        raise CourseError(f"{path}: no cells in it; a cell begins with '# %%'")
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info=NotebookNode(name="python"))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        kept = {k: cell.metadata[k] for k in ("nbgrader", "tags") if k in cell.metadata}
        cell.metadata = NotebookNode(kept)
        cell.id = kept.get("nbgrader", {}).get("grade_id", f"cell-{number:03d}")
    promised = sum(bool(re.match(r"# %%.*\b(nbgrader|tags)=", line)) for line in text.splitlines())
    if promised != sum(bool(cell.metadata) for cell in notebook.cells):
        raise CourseError(f"{path}: a '# %%' line has nbgrader= or tags= that is no valid JSON")
    ids = [cell.id for cell in notebook.cells]
    doubled = next((name for name in ids if ids.count(name) > 1), None)
    if doubled:
        raise CourseError(f"{path}: the grade_id {doubled!r} stands there twice")
    return notebook


def in_step(paths: Paths) -> str:
    """Where the pair differs from its source, in words; '' where it does not."""
    if not paths.pair.exists():
        return "is missing"
    source = read_source(paths.source)
    try:
        pair = nbformat.read(paths.pair, as_version=4)
    except Exception:  # cut short, or no notebook at all
        return "is not a readable notebook"
    if len(pair.cells) != len(source.cells):
        return f"has {len(pair.cells)} cells, its source has {len(source.cells)}"
    for number, (old, new) in enumerate(zip(pair.cells, source.cells, strict=True)):
        for part in ("source", "cell_type", "metadata", "id"):
            if old[part] != new[part]:
                return f"differs from its source in the {part} of cell {number} ({new.id})"
    return ""


def execute(paths: Paths, cell_timeout: int | None = CELL_TIMEOUT) -> None:
    """Write the pair anew: the source's cells, run by papermill from the top.

    cell_timeout: the most seconds that a cell may take; None: as long as it likes.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    notebook = read_source(paths.source)
    with tempfile.TemporaryDirectory() as folder, _environment("COURSE_HOME", folder):
        # the author's own check log neither shows in an output nor learns from a build
        given, done = Path(folder) / "given.ipynb", Path(folder) / "done.ipynb"
        nbformat.write(notebook, given)
        try:
            papermill.execute_notebook(
                str(given),
                str(done),
                cwd=str(paths.source.parent),
                kernel_name=KERNEL["name"],
                execution_timeout=cell_timeout,
                progress_bar={"desc": paths.name, "unit": "cell"},
            )
        except papermill.PapermillExecutionError as error:
            raise CourseError(
                f"{paths.source}: cell {error.cell_index} stopped with "
                f"{error.ename}: {error.evalue}\n{error.source}"
            ) from None
        except DeadKernelError:
            raise CourseError(f"{paths.source}: the kernel died; out of memory?") from None
        except CellTimeoutError as error:
            raise CourseError(
                f"{paths.source}: a cell took longer than {cell_timeout} s: make it shorter, or "
                f"let a stored net do the work\n{error}"
            ) from None
        executed = nbformat.read(done, as_version=4)
    for new, old in zip(executed.cells, notebook.cells, strict=True):
        new.metadata = old.metadata  # without papermill's times, which change at every run
        if MACHINE in old.metadata.get("tags", []):
            new.outputs = []
    widgets = executed.metadata.get("widgets")
    executed.metadata = NotebookNode(notebook.metadata, **({"widgets": widgets} if widgets else {}))
    _write(executed, paths.pair)


def release(paths: Paths, into: Path) -> None:
    """Write the student's version of the pair to the file `into`, with nbgrader's own converter."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import ConfigFileNotFound, PyFileConfigLoader

    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(paths.course)).load_config()
    except ConfigFileNotFound:
        text = f"no nbgrader_config.py in {paths.course}: is this a course folder?"
        raise CourseError(text) from None
    with tempfile.TemporaryDirectory() as folder, _quiet():
        config.CourseDirectory.root = str(paths.course)
        config.CourseDirectory.release_directory = folder
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        result = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(
            paths.name
        )
        made = Path(folder) / paths.name / into.name
        if not result["success"] or not made.exists():
            lines = f"{result.get('log', '')}\n{result.get('error', '')}".strip().splitlines()
            reason = [line for line in lines if "Error: " in line or "ERROR" in line][-1:]
            raise CourseError(f"{paths.pair}: nbgrader cannot release it: {' '.join(reason)}")
        student = nbformat.read(made, as_version=4)
    student.metadata = NotebookNode(kernelspec=KERNEL, language_info=NotebookNode(name="python"))
    left = [m for m in LEAKS if any(m in cell.source for cell in student.cells)]
    if left:
        raise CourseError(f"{paths.pair}: {left[0]} is left in the release: unbalanced markers?")
    _write(student, into)


def build(paths: Paths, force: bool = False, retrain: bool = False) -> None:
    """Execute what is not in step with its source (all, with force), and release it.

    retrain: execute it, and train its stored nets anew (pytools/models/stored.py).
    """
    if retrain:
        with _environment("COURSE_RETRAIN", "1"):
            execute(paths, cell_timeout=None)
    elif force or in_step(paths):
        execute(paths)
    release(paths, paths.release)


def check(paths: Paths) -> list[str]:
    """What is not in step, one line a file with the command that mends it; empty where all is."""
    mend = f"run: course build {paths.name}"
    difference = in_step(paths)
    if difference:
        return [f"{paths.pair.relative_to(paths.course)} {difference}; {mend}"]
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / paths.release.name
        release(paths, fresh)
        name = paths.release.relative_to(paths.course)
        if not paths.release.exists():
            return [f"{name} is missing; {mend}"]
        if paths.release.read_text(encoding="utf-8") != fresh.read_text(encoding="utf-8"):
            return [f"{name} is not what a fresh release gives; {mend}"]
    return []


def strays(course: Path) -> list[str]:
    """Files in course/ that no source accounts for, such as a notebook that was renamed."""
    expected = {Paths(course, name).release for name in notebook_names(course)}
    found = set((course / "course").glob("**/*.ipynb"))
    stray = sorted(p for p in found - expected if ".ipynb_checkpoints" not in p.parts)
    return [f"{p.relative_to(course)} has no source in solutions/; remove it" for p in stray]


def _write(notebook: NotebookNode, path: Path) -> None:
    """Write beside the target, then rename: an interrupted build leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    nbformat.write(notebook, beside)
    os.replace(beside, path)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """With another environment variable for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """nbgrader logs each step to stderr; a failing one comes back in its result."""
    import logging

    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(previous)
