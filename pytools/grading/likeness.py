"""Which students' solutions are the same code: names, comments and layout aside.

Two cells are the same where their syntax trees are, once docstrings, annotations and what the
release gives are left out and the cell's own names are numbered. Short cells do not count: there,
right solutions look alike. Like any flag this is for a person to judge, and changes no mark.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_notebook, reads
from nbgrader.utils import is_solution

from pytools.grading.plan import grade_id
from pytools.grading.review import LONGEST

SHORTEST = 40  # nodes of a tree: about five lines


@dataclass(frozen=True)
class Alike:
    """Students who have the same code in these solution cells, and how many lines that is."""

    students: list[str]
    cells: list[str]
    lines: int

    @property
    def functions(self) -> list[str]:
        """The exercises, as students know them."""
        return [name.split("-", 1)[-1].removesuffix("-solution") for name in self.cells]


def alike(released: NotebookNode, notebooks: Mapping[str, NotebookNode]) -> list[Alike]:
    """All groups of students with the same code, by the students' names; most lines first."""
    stubs = {grade_id(cell): cell.source for cell in released.cells if is_solution(cell)}
    given = {name: set(map(_dump, _statements(stub))) for name, stub in stubs.items()}
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    lines: dict[tuple[str, str], int] = {}
    for student, notebook in notebooks.items():
        for name, source in _solutions(notebook):
            if name in stubs and source != stubs[name]:
                found = fingerprint(source, given[name])
                if found:
                    owners[name, found[0]].append(student)
                    lines[name, found[0]] = found[1]
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    for key, students in owners.items():
        if len(students) > 1:
            groups[tuple(students)].append(key)
    order = list(stubs)
    rows = [
        Alike(
            list(students),
            sorted((name for name, _ in keys), key=order.index),
            sum(lines[key] for key in keys),
        )
        for students, keys in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.lines, len(row.students), row.students))


def read_notebooks(paths: Mapping[str, Path]) -> dict[str, NotebookNode]:
    """Those of the graded notebooks that are there, by student."""
    notebooks = {student: read_notebook(path) for student, path in paths.items()}
    return {student: notebook for student, notebook in notebooks.items() if notebook.cells}


def read_notebook(path: Path) -> NotebookNode:
    """The notebook, without a look at whether it is valid; an empty one where there is none."""
    try:
        return reads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return new_notebook()


def fingerprint(source: str, given: Iterable[str] = ()) -> tuple[str, int] | None:
    """What is the same for the same code, and its lines; None for a cell that is too short.

    given are the dumps of statements that the release has in this cell already.
    """
    statements = [s for s in _statements(source) if _dump(s) not in given]
    if sum(map(_size, statements)) < SHORTEST:
        return None
    lines = {getattr(node, "lineno", 0) for s in statements for node in ast.walk(s)} - {0}
    numbers: dict[str, str] = {}
    for statement in statements:
        for name in _own_names(statement):
            numbers.setdefault(name, f"name {len(numbers)}")
    for statement in statements:
        _rename(statement, numbers)
    text = "\n".join(map(_dump, statements))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), len(lines)


def _solutions(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    for cell in notebook.cells:
        if is_solution(cell):
            yield grade_id(cell), cell.source


def _statements(source: str) -> list[ast.stmt]:
    """The cell's statements without docstrings and annotations; none where it is no Python."""
    if len(source) > LONGEST:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        for node in ast.walk(tree):
            _strip(node)
        return tree.body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _strip(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if isinstance(body, list):
        node.body = [s for s in body if not _is_text(s)] or [ast.Pass()]
    for name in ("annotation", "returns"):
        if hasattr(node, name) and not isinstance(node, ast.AnnAssign):
            setattr(node, name, None)


def _is_text(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _own_names(tree: ast.AST) -> Iterator[str]:
    """The names that the code binds, in the order of the code."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(name) | ast.Name(name, ast.Store()):
                yield name
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.alias(name, asname):
                yield asname or name


def _rename(tree: ast.AST, numbers: dict[str, str]) -> None:
    for node in ast.walk(tree):
        match node:
            case ast.arg():
                node.arg = numbers.get(node.arg, node.arg)
            case ast.Call(ast.Name(name)) if name in numbers:  # arguments of its own function
                for keyword in node.keywords:
                    keyword.arg = numbers.get(keyword.arg, keyword.arg)
            case ast.Name():
                node.id = numbers.get(node.id, node.id)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                node.name = numbers.get(node.name, node.name)
            case ast.alias() if node.asname:
                node.asname = numbers.get(node.asname, node.asname)


def _size(tree: ast.AST) -> int:
    """Nodes, but for operators and arguments."""
    small = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
    left_out = (*small, ast.arguments, ast.arg)
    return sum(not isinstance(node, left_out) for node in ast.walk(tree))


def _dump(tree: ast.AST) -> str:
    return ast.dump(tree, annotate_fields=False)
