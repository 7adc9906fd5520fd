"""Courses and submissions for the grading tests, made of real exercises."""

from __future__ import annotations

import copy
import inspect
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from pytools import build, exercises
from pytools.exercise import collect
from pytools.grading.execute import Execution
from pytools.grading.options import Options
from pytools.grading.plan import Plan, read_plan
from pytools.grading.preflight import Submission
from pytools.grading.results import read_results
from pytools.transport import pack

REPOSITORY = Path(__file__).parents[2]

SUM = """\
def graph_gradients(x, y, z):
    ### BEGIN SOLUTION
    return np.sum(x * y + z), y, x, np.ones_like(z)
    ### END SOLUTION"""
PRODUCT = """\
def matmul_backward(grad, a, b):
    ### BEGIN SOLUTION
    return grad @ b.T, a.T @ grad
    ### END SOLUTION"""
CHECKS = """\
check("backprop.{function}", {function}, points={points}, seed=1)
### BEGIN HIDDEN TESTS
check("backprop.{function}", {function}, points={points}, seed=9001)
### END HIDDEN TESTS"""


# --- a small course --------------------------------------------------------------------------


def solution_cell(function: str, source: str) -> NotebookNode:
    meta = {"grade": False, "solution": True, "locked": False, "task": False, "schema_version": 3}
    name = f"backprop-{function}-solution"
    return new_code_cell(source, id=name, metadata={"nbgrader": {**meta, "grade_id": name}})


def check_cell(function: str, points: float, source: str = CHECKS) -> NotebookNode:
    meta = {"grade": True, "solution": False, "locked": True, "task": False, "schema_version": 3}
    name = f"backprop-{function}"
    return new_code_cell(
        source.format(function=function, points=points),
        id=name,
        metadata={"nbgrader": {**meta, "grade_id": name, "points": points}},
    )


def mini_notebook() -> NotebookNode:
    """The instructor's notebook of the small course: two exercises, 2 and 3 points."""
    return new_notebook(
        metadata={"kernelspec": build.KERNEL},
        cells=[
            new_markdown_cell("# A small notebook", id="title"),
            new_code_cell("import numpy as np\n\nfrom pytools import check", id="imports"),
            solution_cell("graph_gradients", SUM),
            check_cell("graph_gradients", 2),
            new_code_cell("raise RuntimeError('a demo is not run')", metadata={"tags": ["demo"]}),
            solution_cell("matmul_backward", PRODUCT),
            check_cell("matmul_backward", 3),
            new_code_cell("raise RuntimeError('after the last test nothing is run')"),
        ],
    )


def write_course(root: Path, notebook: NotebookNode, name: str = "mini") -> None:
    """A course of one notebook, released by nbgrader."""
    paths = build.Paths(root, name)
    paths.pair.parent.mkdir(parents=True)
    nbformat.write(notebook, paths.pair)
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    build.release(paths, paths.release)


def plan_of(root: Path, name: str = "mini") -> Plan:
    paths = build.Paths(root, name)
    return read_plan(name, paths.pair, paths.release)


# --- submissions -----------------------------------------------------------------------------


def right(notebook: NotebookNode) -> dict[str, str]:
    """The solution cells of an instructor's notebook, by function, without their markers."""
    cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]
    marker = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)
    return {function_of(cell): marker.sub("", cell.source) for cell in cells}


def wrong(exercise_id: str, name: str) -> str:
    """A misconception as a student would have written it."""
    exercise = exercises.get(exercise_id)
    misconception = next(m for m in exercise.misconceptions if m.name == name)
    source = inspect.getsource(misconception.wrong)
    return source.replace(f"def {misconception.wrong.__name__}(", f"def {exercise.function}(")


def function_of(cell: NotebookNode) -> str:
    return cell.metadata.nbgrader.grade_id.removeprefix("backprop-").removesuffix("-solution")


def fill(released: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """A student's copy of the release with these solution cells filled in, by function."""
    notebook = copy.deepcopy(released)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers.get(function_of(cell), cell.source)
    return notebook


def submit(
    root: Path,
    student: str,
    answers: dict[str, str],
    name: str = "mini",
    edit: Callable[[NotebookNode], None] = lambda notebook: None,
) -> Path:
    """Hand in the released notebook with these answers; the folder of the submission."""
    notebook = fill(nbformat.read(build.Paths(root, name).release, as_version=4), answers)
    edit(notebook)
    folder = root / "submitted" / student / name
    folder.mkdir(parents=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return folder


def answered(plan: Plan, submission: Submission, attempts: dict[str, Callable]) -> Execution:
    """What a kernel would bring home for these functions, without a kernel."""
    execution = Execution(copy.deepcopy(submission.notebook))
    for test in plan.tests:
        exercise = exercises.get(test.exercise_id)
        for number, check in enumerate(test.checks):
            outcomes = collect(exercise, attempts[exercise.function], check.seed)
            execution.answers[test.grade_id, number] = pack(outcomes)
    return execution


def without_kernels(notebook: NotebookNode, plan: Plan, options: Options) -> Execution:
    """Stands in for `execute`: every exercise is solved, whatever the notebook says."""
    attempts = {
        exercise.function: exercise.reference for exercise in map(exercises.get, exercises.ids())
    }
    return answered(plan, Submission(notebook), attempts)


# --- programs --------------------------------------------------------------------------------


def course(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the `course` command in a course folder."""
    return _python(root, "-c", "from pytools.cli import main; main()", *arguments)


def nbgrader(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    return _python(root, "-m", "nbgrader", *arguments)


def _python(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, timeout=300
    )


def gradebook_content(root: Path) -> list[str]:
    """Everything in the gradebook, as SQL."""
    database = sqlite3.connect(root / "gradebook.db")
    try:
        return list(database.iterdump())
    finally:
        database.close()


def outcome(root: Path, name: str = "mini") -> dict[str, object]:
    """All that grading leaves behind, but for the random names of the gradebook's rows."""
    database = sqlite3.connect(root / "gradebook.db")
    try:
        tables = {table: database.execute(query).fetchall() for table, query in ROWS.items()}
        names = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in names:
            (count,) = database.execute(f"select count(*) from {table}").fetchone()
            tables[f"rows of {table}"] = count
    finally:
        database.close()
    for path in root.glob(f"autograded/*/{name}/*"):
        tables[str(path.relative_to(root))] = path.read_text(encoding="utf-8")
    results = read_results(root / "reports" / name / "results")
    tables["results"] = [replace(result, digest="") for result in results]
    return {
        key: sorted(rows, key=str) if isinstance(rows, list) else rows
        for key, rows in tables.items()
    }


ROWS = {
    "grades": """
        select s.student_id, s.timestamp, n.late_submission_penalty, c.name, g.auto_score,
               g.manual_score, g.needs_manual_grade
        from grade g join base_cell c on c.id = g.cell_id
        join submitted_notebook n on n.id = g.notebook_id
        join submitted_assignment s on s.id = n.assignment_id""",
    "comments": """
        select s.student_id, c.name, m.auto_comment
        from comment m join base_cell c on c.id = m.cell_id
        join submitted_notebook n on n.id = m.notebook_id
        join submitted_assignment s on s.id = n.assignment_id""",
    "version": "select version_num from alembic_version",
}
