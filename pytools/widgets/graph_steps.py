"""A computational graph worked through in steps: values forward, then gradients backward.

A graph is a plain dict, parents before children and the result last. An input is a number or a
short list of numbers; every other node is an operation and the names of its parents:

    graph = {
        "x": [1.0, -2.0],
        "y": [3.0, 4.0],
        "product": ("*", "x", "y"),
        "c": ("sum", "product"),
    }
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Graph = Mapping[str, float | Sequence[float] | tuple[str, ...]]
Arrays = dict[str, np.ndarray]  # by the names of the nodes
MAX_ENTRIES = 3  # in a vector: more would not fit into a drawn box


@dataclass(frozen=True)
class Operation:
    """How an operation is written, its value, and its derivative for each parent."""

    written: str  # the parents' names, or their values, go into the braces
    value: Callable[..., np.ndarray]
    derivatives_written: tuple[str, ...]
    derivatives: Callable[..., tuple[np.ndarray, ...]]


OPERATIONS = {
    "+": Operation("{} + {}", np.add, ("1", "1"), lambda a, b: (np.array(1.0), np.array(1.0))),
    "*": Operation("{} · {}", np.multiply, ("{1}", "{0}"), lambda a, b: (b, a)),
    "sum": Operation("sum({})", np.sum, ("ones",), lambda a: (np.ones_like(a),)),
}


@dataclass(frozen=True)
class Step:
    """What happens in one step, in words and in numbers, and all that is known after it."""

    phase: str  # "inputs", "forward" or "backward"
    words: str
    numbers: str
    values: Arrays
    grads: Arrays
    node: str = ""  # the node that gets its value, or a gradient
    child: str = ""  # backward: the child that the gradient comes from


def example_graph() -> Graph:
    """c = sum(x * y + z) with vectors of two entries: the first graph of the course."""
    return {
        "x": [1.0, -2.0],
        "y": [3.0, 4.0],
        "z": [0.5, 5.0],
        "product": ("*", "x", "y"),
        "total": ("+", "product", "z"),
        "c": ("sum", "total"),
    }


def steps(graph: Graph) -> list[Step]:
    """All steps: the inputs, a value at a time, the first gradient, an arrow at a time back.

    Raises ValueError, with the node's name, for a graph that can't be worked through.
    """
    _check_structure(graph)
    forward = list(forward_steps(graph))
    return forward + list(backward_steps(graph, forward[-1].values))


def forward_steps(graph: Graph) -> Iterator[Step]:
    """The inputs in one step, then each other node's value in the order of the dict."""
    inputs = [name for name in graph if not isinstance(graph[name], tuple)]
    values = {name: _input(name, graph[name]) for name in inputs}
    given = "; ".join(f"{name} = {text(value)}" for name, value in values.items())
    yield Step("inputs", "the inputs are given", given, dict(values), {})
    for name in graph:
        if name not in inputs:
            operation, arguments = _operation(graph, name, values)
            values[name] = operation.value(*arguments)
            numbers = f"{operation.written.format(*map(text, arguments))} = {text(values[name])}"
            yield Step("forward", formula(graph, name), numbers, dict(values), {}, name)


def backward_steps(graph: Graph, values: Arrays) -> Iterator[Step]:
    """From the last node back: each child adds to the gradient of each of its parents.

    What it adds is its own gradient times its derivative for that parent (the chain rule).
    """
    result = list(graph)[-1]
    if values[result].ndim:
        raise ValueError(
            f"the last node, {result!r}, must be a single number, but is "
            f'{text(values[result])}: end the graph with ("sum", {result!r})'
        )
    grads = {result: np.array(1.0)}
    words = f"grad of {result} = 1, since {result} changes as fast as itself"
    yield Step("backward", words, f"∂{result}/∂{result} = 1", values, dict(grads), result)
    for child in reversed(graph):
        parents = parents_of(graph, child)
        if not parents or child not in grads:
            continue
        operation, arguments = _operation(graph, child, values)
        names = [derivative.format(*parents) for derivative in operation.derivatives_written]
        derivatives = operation.derivatives(*arguments)
        for parent, name, derivative in zip(parents, names, derivatives, strict=True):
            before = grads.get(parent, np.zeros_like(values[parent]))
            grads[parent] = before + grads[child] * derivative
            words = f"grad of {parent} += grad of {child} · {name}"
            numbers = (
                f"{text(before)} + {text(grads[child])} · {text(derivative)} "
                f"= {text(grads[parent])}"
            )
            yield Step("backward", words, numbers, values, dict(grads), parent, child)


def parents_of(graph: Graph, name: str) -> tuple[str, ...]:
    """The names of the nodes that feed a node; none for an input."""
    return graph[name][1:] if isinstance(graph[name], tuple) else ()


def formula(graph: Graph, name: str) -> str:
    """A node as it is written: 'x', or 'product = x · y'."""
    if not parents_of(graph, name):
        return name
    operation, *parents = graph[name]
    return f"{name} = {OPERATIONS[operation].written.format(*parents)}"


def text(value: np.ndarray) -> str:
    """A number or vector in a few characters: '0.5', '[1, −2]'."""
    if np.ndim(value):
        return f"[{', '.join(map(text, value))}]"
    return f"{round(float(value), 3) + 0.0:g}".replace("-", "−")


def _check_structure(graph: Graph) -> None:
    if not graph:
        raise ValueError("the graph has no nodes")
    above = set()
    for name, node in graph.items():
        if isinstance(node, tuple):
            kind, *parents = node
            if kind not in OPERATIONS:
                raise ValueError(
                    f"operation {kind!r} of node {name!r} must be one of {list(OPERATIONS)}"
                )
            due = len(OPERATIONS[kind].derivatives_written)
            if len(parents) != due:
                raise ValueError(
                    f"{kind!r} of node {name!r} takes {due} parents, not {len(parents)}"
                )
            for parent in parents:
                if parent not in above:
                    raise ValueError(f"node {name!r} uses {parent!r}, which is no node above it")
        above.add(name)


def _input(name: str, value: float | Sequence[float]) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim > 1 or array.size > MAX_ENTRIES:
        raise ValueError(
            f"input {name!r} must be a number or a list of at most {MAX_ENTRIES} numbers, "
            f"but is {value!r}"
        )
    return array


def _operation(graph: Graph, name: str, values: Arrays) -> tuple[Operation, list[np.ndarray]]:
    """The operation of a node and the values that it works on."""
    kind, *parents = graph[name]
    arguments = [values[parent] for parent in parents]
    if len({argument.shape for argument in arguments}) > 1:
        shapes = " and ".join(text(argument) for argument in arguments)
        raise ValueError(f"the parents of node {name!r} must be of one length, but are {shapes}")
    return OPERATIONS[kind], arguments
