"""What is graded, read from the instructor's notebook: which checks are due, for how many points.

One exercise is a solution cell and the test cell after it. A test cell holds calls of `check` and
nothing else; all name the exercise of the cell and carry the cell's points. What a student's copy
of the cell says does not matter.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import is_grade, is_solution

from pytools import exercises
from pytools.errors import CourseError
from pytools.grading import rooms

LOOKED_AT = "demo"  # the tag of cells that are there for looking at


@dataclass(frozen=True)
class Check:
    """One call of `check`. attempt is the expression that names the student's work."""

    exercise_id: str
    attempt: str
    points: float
    seed: int


@dataclass(frozen=True)
class Test:
    """One test cell. Its mark is the least that its checks earn."""

    grade_id: str
    points: float
    checks: tuple[Check, ...]
    hidden: tuple[Check, ...]  # those of them that students do not see
    solution_id: str  # the cell before it, which the student fills in

    __test__ = False  # no test class, whatever pytest thinks of its name

    @property
    def exercise_id(self) -> str:
        return self.checks[0].exercise_id


@dataclass(frozen=True)
class Plan:
    """What is graded in one assignment, and the notebook that students were given."""

    name: str
    tests: tuple[Test, ...]
    solutions: tuple[str, ...]  # the grade_ids of all cells that students fill in
    released: NotebookNode
    absent: tuple[str, ...]  # rooms of pytools that a kernel does without


def read_plan(name: str, solution: Path, release: Path) -> Plan:
    """The plan of an assignment; CourseError, naming file and cell, where the source is wrong.

    solution is the instructor's notebook, release the students' version of it.
    """
    source, released = _read(solution), _read(release)
    tests: list[Test] = []
    solutions: list[str] = []
    for cell in source.cells:
        if is_solution(cell):
            solutions.append(grade_id(cell))
        elif is_grade(cell):
            try:
                tests.append(_read_test(cell, solutions))
            except ValueError as error:
                raise CourseError(f"{solution}, test cell {grade_id(cell)!r}: {error}") from None
    if not tests:
        raise CourseError(f"{name} has no test cells: there is nothing to grade.")
    if _outline(source) != _outline(released):
        raise CourseError(
            f"{release} is not what {solution} releases. Bring them in step with: "
            f"course build {name}"
        )
    needed = [cell.source for cell in source.cells if is_run(cell) and not is_grade(cell)]
    return Plan(name, tuple(tests), tuple(solutions), released, rooms.unused(needed))


def grade_id(cell: NotebookNode) -> str:
    """The cell's name in nbgrader's metadata, '' where it has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_run(cell: NotebookNode) -> bool:
    """Whether grading runs the cell: some are there for looking at only."""
    return cell.cell_type == "code" and LOOKED_AT not in cell.metadata.get("tags", [])


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise CourseError(f"{path} is missing. Make it with: course build") from None
    except Exception as error:
        raise CourseError(f"{path} is not a readable notebook: {error}") from None


def _read_test(cell: NotebookNode, solutions: list[str]) -> Test:
    """ValueError says what is wrong with the cell."""
    if not solutions:
        raise ValueError("no solution cell stands before it.")
    points = float(cell.metadata.nbgrader["points"])
    checks = _read_checks(cell.source)
    if not checks:
        raise ValueError("it calls no check.")
    for check in checks:
        if check.exercise_id.replace(".", "-") != grade_id(cell):
            raise ValueError(f"its check is of {check.exercise_id!r}, its name of something else.")
        if check.points != points:
            raise ValueError(f"its check gives {check.points:g} points, the cell {points:g}.")
    try:
        exercises.get(checks[0].exercise_id)
    except exercises.UnknownExercise as error:
        raise ValueError(error) from None
    visible = _read_checks(_visible(cell))
    hidden = tuple(check for check in checks if check not in visible)
    return Test(grade_id(cell), points, tuple(checks), hidden, solutions[-1])


def _read_checks(source: str) -> list[Check]:
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"it is not Python: {error.msg}, line {error.lineno}.") from None
    return [_read_check(statement) for statement in statements]


def _read_check(statement: ast.stmt) -> Check:
    match statement:
        case ast.Expr(
            ast.Call(
                func=ast.Name("check"),
                args=[ast.Constant(str(exercise_id)), attempt],
                keywords=[*keywords],
            )
        ):
            given = {keyword.arg: keyword.value for keyword in keywords}
        case _:
            raise ValueError(
                f"line {statement.lineno} is not a call check(id, attempt, points=…, seed=…)."
            )
    match given:
        case {
            "points": ast.Constant(int() | float() as points),
            "seed": ast.Constant(int(seed)),
            **others,
        } if not others:
            return Check(exercise_id, ast.unparse(attempt), float(points), seed)
    raise ValueError(f"line {statement.lineno} needs points and seed, both as plain numbers.")


def _visible(cell: NotebookNode) -> str:
    """The cell's source without its hidden tests."""
    cleared, _ = ClearHiddenTests().preprocess_cell(copy.deepcopy(cell), {}, 0)
    return cleared.source


def _outline(notebook: NotebookNode) -> list[tuple]:
    """What source and release must agree on: nbgrader's cells, their points and visible tests."""
    return [
        (grade_id(c), c.cell_type, c.metadata.nbgrader.get("points"), is_grade(c) and _visible(c))
        for c in notebook.cells
        if is_solution(c) or is_grade(c)
    ]
