"""Define and run: a graph is built first, without a number in it, and computed later.

The way of Theano and TensorFlow 1: placeholders stand for inputs, shared variables for weights,
gradients are more nodes of the same graph, and a function made of it computes outputs and updates.
Sources: Bergstra et al. (2010), Theano: a CPU and GPU math expression compiler; Abadi et al.
(2016), TensorFlow: a system for large-scale machine learning.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Node:
    """A value to come. It is one of three:

    an operation, `operation(*values of parents)`; a placeholder, which has a `name`; or a shared
    variable or constant, which has a `value`. `rule` gives, for the node of its gradient, a node
    for the gradient of each parent. Gradients do not undo broadcasting (see 01's unbroadcast).
    """

    def __init__(
        self,
        graph: Graph,
        operation: Callable | None = None,
        parents: Sequence[Node] = (),
        rule: Callable[[Node], tuple] | None = None,
        name: str = "",
        value: Any = None,
    ) -> None:
        self.graph, self.operation, self.parents = graph, operation, parents
        self.rule, self.name, self.value = rule, name, value
        graph.nodes.append(self)

    def __add__(self, other: Node | float) -> Node:
        return self.graph.apply(operator.add, (self, other), lambda g: (g, g))

    def __sub__(self, other: Node | float) -> Node:
        return self.graph.apply(operator.sub, (self, other), lambda g: (g, g * -1))

    def __mul__(self, other: Node | float) -> Node:
        return self.graph.apply(operator.mul, (self, other), lambda g: (g * other, g * self))

    __rmul__ = __mul__

    def __matmul__(self, other: Node) -> Node:
        return self.graph.apply(operator.matmul, (self, other), lambda g: (g @ other.T, self.T @ g))

    @property
    def T(self) -> Node:
        return self.graph.apply(torch.t, (self,), lambda g: (g.T,))

    def relu(self) -> Node:
        positive = self.graph.apply(lambda value: value > 0, (self,))
        return self.graph.apply(torch.relu, (self,), lambda g: (g * positive,))

    def sum(self) -> Node:
        ones = self.graph.apply(torch.ones_like, (self,))
        return self.graph.apply(torch.sum, (self,), lambda g: (ones * g,))


class Graph:
    """Holds its nodes in the order in which they were made: parents before children."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def placeholder(self, name: str) -> Node:
        """An input: its value comes with each call."""
        return Node(self, name=name)

    def shared(self, value: Tensor | float) -> Node:
        """A weight: its `.value` stays from call to call, until an update replaces it."""
        return Node(self, value=value)

    def apply(self, operation: Callable, parents: Sequence[Node | float], rule=None) -> Node:
        """An operation on nodes; a plain number becomes a constant."""
        nodes = [p if isinstance(p, Node) else self.shared(p) for p in parents]
        return Node(self, operation, nodes, rule)

    def needed(self, nodes: Iterable[Node]) -> list[Node]:
        """These nodes and all that lead to them, parents before children."""
        found = set(nodes)
        for node in reversed(self.nodes):
            if node in found:
                found.update(node.parents)
        return [node for node in self.nodes if node in found]

    def gradient(self, loss: Node, nodes: Sequence[Node]) -> list[Node]:
        """Nodes for the gradients of `loss`, a number, for each of `nodes`: 01's walk backwards."""
        grads = {loss: self.shared(1.0)}
        for node in reversed(self.needed([loss])):
            if node in grads and node.rule:
                for parent, grad in zip(node.parents, node.rule(grads[node]), strict=True):
                    grads[parent] = grads[parent] + grad if parent in grads else grad
        return [grads[node] for node in nodes]


class StaticGraph(Graph):
    """A graph that functions are made of."""

    def function(
        self, inputs: Sequence[Node], outputs: Sequence[Node], updates: Mapping[Node, Node]
    ) -> Callable[..., list]:
        """A function that takes values for `inputs`, in order, and returns those of `outputs`.

        inputs: placeholders. updates: shared variable -> the node of its next value. A call
        computes each node that is needed once, all with the old values of the shared variables,
        and then sets all of these together. ValueError where a placeholder is needed that is not
        among the inputs, and where a call has too few values or too many.
        """
        order = self.needed([*outputs, *updates.values()])
        if missing := [node.name for node in order if node.name and node not in inputs]:
            raise ValueError(f"needed but not among the inputs: {', '.join(missing)}")

        def call(*values: Any) -> list:
            if len(values) != len(inputs):
                missing = ", ".join(node.name for node in inputs[len(values) :])
                wrong = f"no value for {missing}" if missing else f"got {len(values)} values"
                raise ValueError(f"{wrong}; the function takes {len(inputs)}")
            known = dict(zip(inputs, values, strict=True))
            for node in order:
                if node not in known:
                    parents = [known[parent] for parent in node.parents]
                    known[node] = node.operation(*parents) if node.operation else node.value
            for shared, node in updates.items():
                shared.value = known[node]
            return [known[node] for node in outputs]

        return call
