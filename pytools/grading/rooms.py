"""Which rooms of pytools a notebook's kernel does without, because they give solutions away."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from pytools.grading.sandbox import walls

SECRET = {
    walls.ANSWERS: "pytools.exercises.answers",
    walls.REFERENCE: "pytools.scratch",
    walls.MODELS: "pytools.models",
}


def unused(sources: Sequence[str]) -> tuple[str, ...]:
    """The rooms that none of these cells uses. An import alone, of a name not used, is no use."""
    trees = [tree for source in sources if (tree := _parsed(source))]
    imported = {name: module for tree in trees for name, module in _imported(tree)}
    loaded = {
        node.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    used = [module for name, module in imported.items() if name in loaded]
    return tuple(
        room
        for room, package in SECRET.items()
        if not any(f"{module}.".startswith(f"{package}.") for module in used)
    )


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:  # IPython's own commands
        return None


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that a cell imports, and what each stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
