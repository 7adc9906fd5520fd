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
    """The rooms that none of these cells uses.

    An import of a name that is not used is no use, unless it is from a module of the room: what
    stands in the room's place has names, and no modules.
    """
    trees = [tree for source in sources if (tree := _parsed(source))]
    imported = {name: module for tree in trees for name, module in _imported(tree)}
    loaded = {
        node.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    used = [module for name, module in imported.items() if name in loaded]
    parts = [module for tree in trees for module in _modules(tree)]
    return tuple(
        room
        for room, package in SECRET.items()
        if not any(f"{module}.".startswith(f"{package}.") for module in used)
        and not any(module.startswith(f"{package}.") for module in parts)
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


def _modules(tree: ast.Module) -> Iterator[str]:
    """The modules that a cell imports, or imports from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
