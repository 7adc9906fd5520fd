"""The exercise StaticGraph of 08_pytorch: programs that build a graph and run functions of it.

A program gets an empty graph and two tensors. It uses what the notebook gives of a graph
(placeholder, shared, apply, gradient, operators) and the student's `function`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pytools.exercise import Case, Unusable, plain
from pytools.exercises.tensors import in_a_row, tensors

REFUSALS = (
    "refusals holds, for each, 0 for a ValueError that says the name of a missing input, 1 for no "
    "error, 2 for a ValueError without the name, 3 for any other error"
)


@dataclass
class Trial:
    """What a program notes while it runs on a graph."""

    results: list[np.ndarray] = field(default_factory=list)
    shared: list[Any] = field(default_factory=list)
    evaluations: int = 0
    refusals: list[int] = field(default_factory=list)

    def call(self, function: Callable, *values: Any) -> None:
        """Keep copies of what a function of the graph returns."""
        result = function(*values)
        if not isinstance(result, (list, tuple)):
            got = type(result).__name__
            raise Unusable("count", f"The function returned one {got}, not a list of outputs.")
        self.results += [plain(value) for value in result]

    def counting(self, value: Any) -> Any:
        """An operation that counts how often it is computed."""
        self.evaluations += 1
        return value * 2

    def refuse(self, name: str, call: Callable) -> None:
        """Note what call raises, as REFUSALS says."""
        try:
            call()
        except ValueError as error:
            self.refusals.append(0 if name in str(error) else 2)
        except Exception:
            self.refusals.append(3)
        else:
            self.refusals.append(1)


def _product(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([x], [x @ w], {}), w shared; called with x and with 2 * x"""
    inputs, weight = graph.placeholder("x"), graph.shared(w)
    product = graph.function([inputs], [inputs @ weight], {})
    trial.call(product, x)
    trial.call(product, 2 * x)
    trial.shared = [weight]


def _net(graph: Any, x: Any, w: Any, lr: float = 0.05) -> tuple:
    """relu(x w) with a squared error: placeholders, weight, prediction, loss, next weight."""
    inputs, targets = graph.placeholder("pixels"), graph.placeholder("targets")
    weight = graph.shared(w)
    pred = (inputs @ weight).relu()
    error = pred - targets
    loss = (error * error).sum() * (1 / len(x))
    (grad,) = graph.gradient(loss, [weight])
    return inputs, targets, weight, pred, loss, weight - grad * lr


def _targets(x: Any) -> Any:
    return (x @ x.T)[:, :2] / 2


def _training(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """step = function([pixels, targets], [loss, pred], {w: w - lr * grad}); called three times"""
    inputs, targets, weight, pred, loss, after = _net(graph, x, w)
    step = graph.function([inputs, targets], [loss, pred], {weight: after})
    for _ in range(3):
        trial.call(step, x, _targets(x))
    trial.shared = [weight]


def _long_training(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """the same step, called thirty times"""
    inputs, targets, weight, _, loss, after = _net(graph, x, w, 0.02)
    step = graph.function([inputs, targets], [loss], {weight: after})
    for _ in range(30):
        trial.call(step, x, _targets(x))
    trial.shared = [weight]


def _train_and_predict(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """two functions of one graph: step changes w, function([pixels], [pred], {}) sees it"""
    inputs, targets, weight, pred, loss, after = _net(graph, x, w)
    step = graph.function([inputs, targets], [loss], {weight: after})
    predict = graph.function([inputs], [pred], {})
    trial.call(predict, x)
    trial.call(step, x, _targets(x))
    trial.call(predict, x)
    trial.shared = [weight]


def _exchange(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([], [a, b], {a: b, b: a + b}), a and b shared; called three times"""
    a, b = graph.shared(x), graph.shared(2 * x + 1)
    turn = graph.function([], [a, b], {a: b, b: a + b})
    for _ in range(3):
        trial.call(turn)
    trial.shared = [a, b]


def _no_outputs(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """turn = function([], [], {a: b, b: a + b}), a and b shared; called three times"""
    a, b = graph.shared(x), graph.shared(2 * x + 1)
    turn = graph.function([], [], {a: b, b: a + b})
    for _ in range(3):
        trial.call(turn)
    trial.shared = [a, b]


def _leaves(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([x], [x, w, p, p], {}) with p = x @ w: inputs and weights as outputs, one twice"""
    inputs, weight = graph.placeholder("x"), graph.shared(w)
    product = inputs @ weight
    trial.call(graph.function([inputs], [inputs, weight, product, product], {}), x)
    trial.shared = [weight]


def _two_inputs(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([right, left], [left - right], {}): in another order than they were made"""
    left, right = graph.placeholder("left"), graph.placeholder("right")
    trial.call(graph.function([right, left], [left - right], {}), x, 3 * x)


def _counted(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """evaluations counts an operation c; function([x], [c + c, c * c], {w: w * c}) called twice"""
    inputs, weight = graph.placeholder("x"), graph.shared(w)
    c = graph.apply(trial.counting, (inputs,))
    use = graph.function([inputs], [c + c, c * c], {weight: weight * c})
    trial.call(use, x[0, 0])
    trial.call(use, x[1, 1])
    trial.shared = [weight]


def _not_needed(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([spare, x], [x @ w], {}); evaluations counts operations that no output needs"""
    spare, inputs, weight = graph.placeholder("spare"), graph.placeholder("x"), graph.shared(w)
    graph.apply(trial.counting, (inputs,))
    graph.apply(trial.counting, (spare,))
    product = graph.function([spare, inputs], [inputs @ weight], {})
    graph.apply(trial.counting, (weight,))
    trial.call(product, x, 2 * x)


def _not_listed(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([pixels], [loss], {}), and once more with an update, where both need targets"""
    inputs, _, weight, pred, loss, after = _net(graph, x, w)
    trial.refuse("targets", lambda: graph.function([inputs], [loss], {}))
    trial.refuse("targets", lambda: graph.function([inputs], [pred], {weight: after}))


def _wrong_number(graph: Any, trial: Trial, x: Any, w: Any) -> None:
    """function([pixels, targets], [loss], {}), called with 1, 0 and 3 values"""
    inputs, targets, _, _, loss, _ = _net(graph, x, w)
    step = graph.function([inputs, targets], [loss], {})
    trial.refuse("targets", lambda: step(x))
    trial.refuse("pixels", lambda: step())
    trial.refuse("", lambda: step(x, _targets(x), x))


def static_graph_cases(rng: np.random.Generator) -> list[Case]:
    def draw(program: Callable, n: int = 4, d: int = 3, h: int = 2) -> tuple:
        return program, rng.uniform(0.2, 1.2, (n, d)), rng.uniform(0.2, 1.2, (d, h))

    program, x, w = draw(_training)
    return [
        Case(draw(_product, 2)),
        Case(draw(_product)),
        Case(draw(_training)),
        Case(draw(_train_and_predict)),
        Case(draw(_exchange)),
        Case(draw(_two_inputs)),
        Case(draw(_counted), "edge"),
        Case(draw(_not_needed), "edge"),
        Case(draw(_leaves), "edge"),
        Case(draw(_no_outputs), "edge"),
        Case(draw(_not_listed), "edge", REFUSALS),
        Case(draw(_wrong_number), "edge", REFUSALS),
        Case(draw(_long_training, 6), "numerical"),
        Case((program, x.astype(np.float32), w.astype(np.float32)), "numerical", "float32 tensors"),
    ]


def run_static_graph(attempt: Any, program: Callable, x: np.ndarray, w: np.ndarray) -> tuple:
    """Run a program on a new graph: its results, the shared variables then, and what it counted."""
    if not isinstance(attempt, type):
        raise Unusable("callable", "check needs the class itself, not a graph made of it.")
    trial = Trial()
    program(attempt(), trial, *tensors(x, w))
    shared = in_a_row([node.value for node in trial.shared])
    return in_a_row(trial.results), shared, trial.evaluations, np.array(trial.refusals, float)
