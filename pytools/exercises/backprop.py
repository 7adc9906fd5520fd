"""The exercises of 01_backprop: how each is called, and on which cases.

Every function `*_cases` draws its cases from a generator: the first is small enough to be shown in
a failing check, edge cases follow, and in each the wrong solutions of `answers/backprop.py` differ
from the right one and from each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable

LONGEST = 10_000  # entries read of an order that may have no end

Backprop = partial(Exercise, answers="pytools.exercises.answers.backprop")


# --- graph_gradients -------------------------------------------------------------------------


def graph_gradients_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> tuple[np.ndarray, ...]:
        return tuple(rng.standard_normal(shape) for _ in range(3))

    return [
        Case(draw(2, 3)),
        Case(draw(2, 3)),
        Case(draw(5, 4)),
        Case(draw(7), "edge", "one dimension"),
        Case(draw(2, 3, 4), "edge", "three dimensions"),
        Case(draw(1, 1), "edge", "one entry"),
        Case(tuple(a.T for a in draw(3, 5)), "edge", "transposed arrays"),
        Case(tuple(1e6 * a for a in draw(4, 3)), "numerical", "large numbers"),
    ]


# --- numerical_gradient ----------------------------------------------------------------------


def _cubic(weights: np.ndarray) -> Callable[[np.ndarray], float]:
    def f(x: np.ndarray) -> float:
        """f(x) = sum(w * x**3) with fixed weights w"""
        return float(np.sum(weights * np.asarray(x) ** 3))

    return f


def _mixed(weights: np.ndarray) -> Callable[[np.ndarray], float]:
    def f(x: np.ndarray) -> float:
        """f(x) = sum(w * sin(x)) + mean(x)**2 with fixed weights w"""
        return float(np.sum(weights * np.sin(x)) + np.mean(x) ** 2)

    return f


def _wave(weights: np.ndarray) -> Callable[[np.ndarray], float]:
    """So curved that the size of h shows in the sixth digit."""

    def f(x: np.ndarray) -> float:
        """f(x) = sum(w * sin(1000 * x)) with fixed weights w"""
        return float(np.sum(weights * np.sin(1000 * np.asarray(x))))

    return f


def numerical_gradient_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)

    whole = rng.integers(1, 5, (2, 3))
    return [
        Case((_cubic(draw(3)), draw(3), 1e-5)),
        Case((_cubic(draw(3)), draw(3), 1e-5)),
        Case((_wave(draw(3)), draw(3), 1e-5), note="a function that bends quickly"),
        Case((_mixed(draw(2, 3)), draw(2, 3), 1e-5)),
        Case((_cubic(draw(2, 2)), draw(2, 2), 0.5), note="a large step h"),
        Case((_mixed(draw(2, 2, 2)), draw(2, 2, 2), 1e-4), "edge", "three dimensions"),
        Case((_cubic(draw(3, 4)), draw(4, 3).T, 0.1), "edge", "a transposed array"),
        Case((_cubic(draw(1)), draw(1), 1e-5), "edge", "one entry"),
        Case((_cubic(draw(2, 3)), whole, 1e-5), "numerical", "whole numbers in an int array"),
        Case((_mixed(draw(4)), draw(4).astype(np.float32), 1e-5), "numerical", "a float32 array"),
    ]


def run_numerical_gradient(attempt: Callable, f: Callable, x: np.ndarray, h: float) -> Any:
    """Also without h, where the default is due."""
    return attempt(f, x) if h == 1e-5 else attempt(f, x, h)


# --- relative_error --------------------------------------------------------------------------


def relative_error_cases(rng: np.random.Generator) -> list[Case]:
    def near(a: np.ndarray, by: float) -> np.ndarray:
        return a * (1 + by * rng.uniform(0.5, 1.0, a.shape) * rng.choice([-1, 1], a.shape))

    a, b = rng.standard_normal((2, 4)), rng.standard_normal((3, 3, 2))
    uneven = np.array([100.0, -50.0, 0.01]) * rng.uniform(0.5, 1.5, 3)
    tiny = rng.uniform(1, 2, 4) * 1e-9
    mixed = np.array([0.0, 0.0, 1.0, -2.0]) * rng.uniform(0.5, 1.5, 4)
    return [
        Case((a, near(a, 0.3))),
        Case((near(a, 0.2), a)),
        Case((b, rng.standard_normal(b.shape))),
        Case((uneven, uneven + np.array([0.5, 0.4, 0.008])), note="large and small entries"),
        Case((uneven + np.array([0.5, 0.4, 0.008]), uneven), note="large and small entries"),
        Case((mixed, near(mixed, 0.1)), "edge", "some entries 0 in both"),
        Case((np.zeros((2, 2)), np.zeros((2, 2))), "edge", "all entries 0"),
        Case((a[:1, :1], near(a[:1, :1], 0.5)), "edge", "one entry"),
        Case((tiny, tiny * np.array([3.0, 1.5, 2.0, 1.0])), "numerical", "entries near 1e-9"),
    ]


# --- two_layer_loss --------------------------------------------------------------------------


def two_layer_loss_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, h: int, k: int) -> tuple[np.ndarray, ...]:
        shapes = [(n, d), (n, k), (d, h), (h, k)]
        return tuple(rng.standard_normal(shape) for shape in shapes)

    dead = draw(4, 3, 5, 2)
    dead[2][:, 2] = 0.0  # this hidden unit is exactly 0 for every row
    return [
        Case(draw(3, 2, 5, 4)),
        Case(draw(3, 2, 5, 4)),
        Case(draw(8, 6, 5, 3)),
        Case(draw(5, 5, 5, 5), note="all sizes equal"),
        Case(draw(1, 3, 4, 2), "edge", "a batch of one"),
        Case(draw(6, 3, 4, 1), "edge", "one output"),
        Case(dead, "edge", "a hidden unit that is exactly 0 before the ReLU"),
        Case(draw(16, 50, 20, 4), "numerical", "a wide input"),
    ]


# --- topological_order -----------------------------------------------------------------------


class Node:
    """A node of a graph: `.parents` are the nodes that feed it."""

    def __init__(self) -> None:
        self.parents: list[Node] = []


class Graph:
    """A graph in words: parents[i] lists the nodes that feed node i; the last node is the root."""

    def __init__(self, parents: list[list[int]]) -> None:
        self.parents = parents

    def nodes(self) -> list[Node]:
        nodes = [Node() for _ in self.parents]
        for node, feeds in zip(nodes, self.parents, strict=True):
            node.parents = [nodes[i] for i in feeds]
        return nodes

    def __repr__(self) -> str:
        if len(self.parents) > 8:
            return f"a graph of {len(self.parents)} nodes"
        last = len(self.parents) - 1
        lines = [f"n{i}.parents = {[f'n{j}' for j in p]}" for i, p in enumerate(self.parents) if p]
        return f"n{last}, where " + "; ".join(lines).replace("'", "")


def topological_order_cases(rng: np.random.Generator) -> list[Case]:
    def random_graph(size: int) -> Graph:
        """Each node is fed by up to three earlier ones, and feeds the root in the end."""
        parents = [
            [int(j) for j in rng.choice(i, size=min(i, int(rng.integers(1, 4))), replace=False)]
            for i in range(size - 1)
        ]
        fed = {j for p in parents for j in p}
        return Graph([*parents, [i for i in range(size - 1) if i not in fed]])

    # x, y and z of 01: n3 = x * y, n4 = n3 + z, n5 = sum(n4)
    sums = Graph([[], [], [], [0, 1], [3, 2], [4]])
    # n1 feeds the root directly and again through n2 and n3: breadth first gets it wrong.
    shortcut = Graph([[], [0], [1], [2], [1, 3]])
    ladder = Graph([[], [0, 0], *[[i - 1, i - 2] for i in range(2, 14)]])
    return [
        Case((sums,)),
        Case((shortcut,), note="a node that is used twice"),
        Case((random_graph(int(rng.integers(9, 14))),)),
        Case((random_graph(int(rng.integers(20, 30))),)),
        Case((Graph([[]]),), "edge", "a root without parents"),
        Case((Graph([[], [0, 0]]),), "edge", "a node that feeds the root twice, as in x * x"),
        Case((ladder,), "edge", "many paths to every node"),
        Case((Graph([[], *[[i] for i in range(489)]]),), "numerical", "a chain of 490 nodes"),
    ]


def run_topological_order(attempt: Callable, graph: Graph) -> tuple[list[int], list[int]]:
    """The order as node numbers, and that of a second call: a tape is walked more than once."""
    nodes = graph.nodes()
    number = {id(node): i for i, node in enumerate(nodes)}

    def order() -> list[int]:
        result = attempt(nodes[-1])
        if result is None:
            raise Unusable("none", "It returned None: is a return statement missing?")
        if not isinstance(result, Iterable):
            raise Unusable("count", f"It returned a {type(result).__name__}, not a list of nodes.")
        for i, entry in enumerate(entries := list(islice(iter(result), LONGEST))):
            if id(entry) not in number:
                kind = type(entry).__name__
                raise Unusable(
                    "numbers", f"Entry {i} of the list is no node of the graph: a {kind}."
                )
        return [number[id(entry)] for entry in entries]

    with _deep_recursion():
        first = order()
        if [[number.get(id(p), -1) for p in node.parents] for node in nodes] != graph.parents:
            raise Unusable("changed", "It changed the .parents of the nodes.")
        return first, order()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for a chain of 490 nodes in styles that take several calls for each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 5_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def measure_topological_order(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Many orders are right: count what an order must not have, and see where the root stands."""
    parents = case.args[0].parents
    counts = {}
    for call, text in [("order", ""), ("second order", "in a second call on the same graph, ")]:
        order = [int(i) for i in np.ravel(arrays[call])[: LONGEST + 1]]
        place = {node: i for i, node in reversed(list(enumerate(order)))}
        edges = [(p, child) for child, feeds in enumerate(parents) for p in feeds]
        known = [(p, c) for p, c in edges if p in place and c in place]
        early = {c for p, c in known if place[p] > place[c]}
        counts |= {
            f"{text}nodes left out": len(set(range(len(parents))) - set(order)),
            f"{text}nodes listed again": len(order) - len(set(order)),
            f"{text}nodes before their parents": len(early),
            f"{text}last node": order[-1] if order else -1,
        }
    return {name: np.array(count) for name, count in counts.items()}


# --- unbroadcast and matmul_backward ---------------------------------------------------------


def unbroadcast_cases(rng: np.random.Generator) -> list[Case]:
    def pair(grad: tuple[int, ...], shape: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
        return rng.standard_normal(grad), shape

    return [
        Case(pair((2, 3), (3,))),
        Case(pair((2, 3), (3,))),
        Case(pair((4, 3), (4, 1)), note="an axis of length 1"),
        Case(pair((3, 4), (1, 4)), note="an axis of length 1"),
        Case(pair((2, 3, 4), (3, 1)), note="a new axis and an axis of length 1"),
        Case(pair((3, 4), (3, 4)), "edge", "nothing was broadcast"),
        Case(pair((2, 3), ()), "edge", "a number was broadcast"),
        Case(pair((3, 4), (1, 1)), "edge", "every axis has length 1"),
        Case(pair((2, 1, 4), (1, 1, 4)), "edge", "an axis of length 1 on both sides"),
        Case(pair((2, 5, 3, 4), (5, 1, 4)), "edge", "four dimensions"),
        Case(pair((3, 3, 3), (3,)), "edge", "equal lengths everywhere"),
    ]


def matmul_backward_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, m: int) -> tuple[np.ndarray, ...]:
        return tuple(rng.standard_normal(shape) for shape in [(n, m), (n, d), (d, m)])

    return [
        Case(draw(2, 3, 4)),
        Case(draw(2, 3, 4)),
        Case(draw(2, 2, 2), note="square matrices"),
        Case(draw(6, 5, 3)),
        Case(draw(1, 4, 3), "edge", "one row"),
        Case(draw(5, 1, 3), "edge", "one inner column"),
        Case(draw(4, 3, 1), "edge", "one column"),
        Case(draw(1, 1, 1), "edge", "one entry each"),
        Case(draw(4, 4, 4), "edge", "square matrices"),
    ]


EXERCISES = [
    Backprop(
        id="backprop.graph_gradients",
        inputs=("x", "y", "z"),
        outputs=("c", "grad_x", "grad_y", "grad_z"),
        cases=graph_gradients_cases,
        section="1. Gradients by hand",
    ),
    Backprop(
        id="backprop.numerical_gradient",
        inputs=("f", "x", "h"),
        outputs=("grad",),
        cases=numerical_gradient_cases,
        run=run_numerical_gradient,
        section="2. Trust nothing: the numerical gradient",
    ),
    Backprop(
        id="backprop.relative_error",
        inputs=("a", "b"),
        outputs=("error",),
        cases=relative_error_cases,
        section="2. Trust nothing: the numerical gradient",
    ),
    Backprop(
        id="backprop.two_layer_loss",
        inputs=("x", "y", "w1", "w2"),
        outputs=("loss", "grad_w1", "grad_w2"),
        cases=two_layer_loss_cases,
        section="3. A net of two layers",
    ),
    Backprop(
        id="backprop.topological_order",
        inputs=("root",),
        outputs=("order", "second order"),
        cases=topological_order_cases,
        run=run_topological_order,
        measure=measure_topological_order,
        section="4. A tape that remembers",
    ),
    Backprop(
        id="backprop.unbroadcast",
        inputs=("grad", "shape"),
        outputs=("result",),
        cases=unbroadcast_cases,
        section="5. Two local rules",
    ),
    Backprop(
        id="backprop.matmul_backward",
        inputs=("grad", "a", "b"),
        outputs=("grad_a", "grad_b"),
        cases=matmul_backward_cases,
        section="5. Two local rules",
    ),
]
