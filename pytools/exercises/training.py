"""The exercises of 10_training: how each is called, and on which cases.

Cases hold NumPy arrays, numbers and words; each run makes tensors, nets and files of them. Torch is
imported where it is used, so that all exercises can be listed without it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain
from pytools.exercises.tensors import Model, in_a_row, require_unchanged, tensors

Training = partial(Exercise, answers="pytools.exercises.answers.training")


# --- accuracy, confusion_matrix --------------------------------------------------------------


def accuracy_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, classes: int, right: int, scale: float = 1.0) -> tuple:
        """Logits of which `right` rows have their largest entry at the label, the others not."""
        logits = rng.standard_normal((n, classes))
        best = logits.argmax(axis=1)
        wrong = (best + rng.integers(1, classes, n)) % classes
        labels = np.where(rng.permutation(n) < right, best, wrong)
        return scale * logits, labels

    logits, labels = draw(6, 4, 4)
    large = 1e4 + 1e3 * np.sort(rng.standard_normal((8, 5)), axis=1)  # the last is the largest
    return [
        Case(draw(5, 3, 3)),
        Case(draw(5, 3, 3)),
        Case(draw(12, 4, int(rng.integers(2, 11)))),
        Case(draw(30, 5, int(rng.integers(3, 28)))),
        Case(draw(4, 10, 1), note="more classes than rows"),
        Case(draw(7, 7, 5), note="as many classes as rows"),
        Case(draw(1, 3, 1), "edge", "one row"),
        Case(draw(6, 2, 2), "edge", "two classes"),
        Case(draw(5, 4, 0), "edge", "nothing is right"),
        Case(draw(5, 4, 5), "edge", "all is right"),
        Case((logits - 50, labels), "edge", "every logit is below 0"),
        Case((large, 4 * (np.arange(8) > 2)), "numerical", "logits of about 10,000"),
        Case((logits.astype(np.float32), labels), "numerical", "float32 logits"),
    ]


def run_on_tensors(attempt: Callable, *args: Any) -> Any:
    """The attempt on tensors, which it has to leave as they were."""
    arrays = [arg for arg in args if isinstance(arg, np.ndarray)]
    given = tensors(*arrays)
    result = attempt(*given, *args[len(arrays) :])
    require_unchanged({"logits": arrays[0], "labels": arrays[1]}, given)
    return result


def confusion_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, classes: int, right: float = 0.5) -> tuple:
        true = rng.integers(0, classes, n)
        pred = np.where(rng.random(n) < right, true, rng.integers(0, classes, n))
        pred[:3], true[:3] = 0, 1  # more often 1 for 0 than the other way round
        return pred, true, classes

    one = np.array([2]), np.array([0]), 3
    pred, true, _ = draw(12, 4)
    rare = np.minimum(pred, 3), np.minimum(true, 3), 6
    many = np.full(300, 1), np.concatenate([np.full(290, 1), np.full(10, 0)]), 2
    return [
        Case(draw(6, 3)),
        Case(draw(6, 3)),
        Case(draw(30, 4)),
        Case(draw(40, 10, 0.9)),
        Case(one, "edge", "one image"),
        Case(rare, "edge", "the last two classes do not occur"),
        Case((true, true, 4), "edge", "all is right"),
        Case((np.where(true == 0, 1, 0), true, 4), "edge", "nothing is right"),
        Case(many, "numerical", "290 images in one cell"),
    ]


def run_confusion(attempt: Callable, pred: np.ndarray, true: np.ndarray, classes: int) -> tuple:
    """The counts, and whether their dtype is one of whole numbers."""
    given = tensors(pred, true)
    result = attempt(*given, classes)
    require_unchanged({"pred": pred, "true": true}, given)
    counts = plain(result, "the matrix")
    return counts, counts.dtype.kind in "iu"


# --- step_lr, EarlyStopping ------------------------------------------------------------------


def step_lr_cases(rng: np.random.Generator) -> list[Case]:
    def draw(it: int, stepsize: int, gamma: float | None = None) -> tuple:
        base = round(float(rng.uniform(0.01, 1)), 3)
        return base, gamma or round(float(rng.uniform(0.2, 0.8)), 2), stepsize, it

    stepsize = int(rng.integers(5, 50))
    return [
        Case(draw(25, 10)),
        Case(draw(37, 10)),
        Case(draw(3 * stepsize + 2, stepsize)),
        Case(draw(7 * stepsize - 2, stepsize)),
        Case(draw(0, stepsize), "edge", "the first iteration"),
        Case(draw(stepsize - 1, stepsize), "edge", "the last one before the first step"),
        Case(draw(stepsize, stepsize), "edge", "the first one after it"),
        Case(draw(4, 1), "edge", "a step after every iteration"),
        Case(draw(30 * stepsize, stepsize, 0.5), "numerical", "thirty steps"),
        Case(draw(10**6, 10**6 // 3, 0.1), "numerical", "a million iterations"),
    ]


def stopping_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*pattern: float) -> np.ndarray:
        """Values in the order of size of the pattern, which has steps of 0.4 and more."""
        return np.array(pattern) + rng.uniform(0, 0.15, len(pattern))

    first, second = draw(5, 4, 3, 3.6, 2, 2.9, 2.4, 1), draw(9, 7, 8, 6, 6.6, 5, 5.5, 6, 7)
    slow = 1 - 1e-6 * np.arange(1.0, 9) * rng.uniform(1, 2)
    up, low = draw(3, 4, 5, 6, 7, 8), draw(3, 1, 2, 1.5, 2.5)
    return [
        Case((2, [first]), note="update gets one value after the other, until it returns True"),
        Case((3, [draw(5, 4, 4.6, 3, 3.8, 3.4, 4.2, 2)])),
        Case((2, [second])),
        Case((2, [draw(5, 2, 6, 1, 3, 2.4, 2)])),
        Case((3, [draw(9, 8, 7, 6, 5, 4, 3, 2)]), note="it never gets worse"),
        Case((int(rng.integers(2, 5)), [draw(*rng.permutation(16))]), note="values at random"),
        Case((1, [draw(3, 2, 2.5, 1)]), "edge", "a patience of 1"),
        Case((2, [up]), "edge", "the first value is the best"),
        Case((3, [up - 20]), "edge", "values below 0"),
        Case((2, [low - low.min()]), "edge", "a best value of 0"),
        Case((2, [1e15 * first]), "edge", "very large values"),
        Case((2, [second, 2 * first]), "edge", "two objects, in turns"),
        Case((2, [slow]), "numerical", "it gets better by a millionth each time"),
    ]


def run_stopping(attempt: Callable, patience: int, series: Sequence[np.ndarray]) -> list:
    """A row of answers for each series, 1 from the first True on; the objects are fed in turns."""
    stoppers = [attempt(patience) for _ in series]
    answers: list[list[float]] = [[] for _ in series]
    for number in range(max(map(len, series))):
        for stopper, values, row in zip(stoppers, series, answers, strict=True):
            if number < len(values):
                row.append(1.0 if 1.0 in row else answer(stopper.update(float(values[number]))))
    return [value for row in answers for value in row]


def answer(value: Any) -> float:
    """True or False, as a number."""
    if value is None:
        raise Unusable("none", "update returned None: it is to return True or False, each time.")
    return float(bool(value))


# --- build_net -------------------------------------------------------------------------------


def net_cases(rng: np.random.Generator) -> list[Case]:
    def case(
        layers: list[dict],
        *shape: int,
        group: str = "ordinary",
        note: str = "",
        words: tuple[str, ...] = (),
        dtype: str = "float64",
    ) -> Case:
        config = {"input": list(shape[1:]), "layers": layers}
        x = rng.standard_normal(shape).astype(dtype)
        return Case((config, x, int(rng.integers(2**31)), words), group, note)

    def conv(out: int, size: int = 3, **others: Any) -> dict:
        return {"type": "Conv2d", "out_channels": out, "kernel_size": size, **others}

    def linear(out: int, **others: Any) -> dict:
        return {"type": "Linear", "out_features": out, **others}

    relu, flatten = {"type": "ReLU"}, {"type": "Flatten"}
    hidden, out = (int(n) for n in rng.choice(np.arange(2, 8), 2, replace=False))
    named = [linear(hidden, name="first"), {"type": "Tanh", "name": "bend"}]
    named += [linear(out, name="last")]
    pooled = [conv(3, padding=1, name="conv1"), relu, {"type": "MaxPool2d", "kernel_size": 2}]
    pooled += [flatten, linear(out, name="fc")]
    strided = [conv(2, stride=2), {"type": "ELU"}, conv(hidden, 2, name="conv2")]
    strided += [{"type": "AdaptiveAvgPool2d", "output_size": 1}, flatten, linear(3)]
    misspelt = [flatten, {"type": "Liner", "out_features": 3}]
    odd_key = [flatten, linear(3), relu, {"type": "Linear", "out_feature": 2}]
    odd_size = [{"type": "Conv2d", "out_channels": 2, "kernal_size": 3}]
    edge, mults = "edge", {"lr_mult": 0.1, "decay_mult": 0}
    overlapping = [{"type": "MaxPool2d", "kernel_size": 2, "stride": 1}, flatten, linear(2)]
    averaged = [{"type": "AvgPool2d", "kernel_size": 2}, flatten, linear(2)]
    rows_first = [linear(hidden), relu, flatten, linear(out)]
    taken = [linear(3), relu, linear(2, in_features=3)]
    dropped = [linear(hidden), {"type": "Dropout", "p": 0.3}, linear(out)]
    return [
        case([linear(hidden), relu, linear(out)], 2, 4, note="its weights are set, then x goes in"),
        case([linear(hidden), relu, linear(out)], 5, 3),
        case(named, 2, 5, note="layers with names"),
        case(pooled, 2, 2, 6, 6, note="images with two channels"),
        case(strided, 2, 1, 9, 7, note="images that are no squares"),
        case(dropped, 3, 4, group=edge, note="dropout, which is off when x goes in"),
        case([linear(4), linear(4), relu, linear(4)], 3, 4, group=edge, note="equal layers"),
        case(overlapping, 2, 1, 4, 4, group=edge, note="a pooling with its own stride"),
        case(averaged, 2, 3, 4, 4, group=edge, note="pooling first: three channels"),
        case([linear(3, **mults), relu, linear(2)], 2, 4, group=edge, note="with multipliers"),
        case(rows_first, 2, 3, 5, group=edge, note="a linear layer on three rows of five numbers"),
        case(misspelt, 1, 4, group=edge, note="no such type", words=("Liner", "Linear")),
        case(odd_key, 1, 4, group=edge, note="no such key", words=("out_feature", "out_features")),
        case(
            taken,
            *(1, 4),
            group=edge,
            note="a key of torch that no layer may have",
            words=("in_features", "out_features"),
        ),
        case(
            odd_size,
            *(1, 1, 5, 5),
            group=edge,
            note="no such key",
            words=("kernal_size", "kernel_size"),
        ),
        case(pooled, 2, 1, 4, 4, group="numerical", note="in float32", dtype="float32"),
    ]


def run_build_net(
    attempt: Callable, config: dict, x: np.ndarray, seed: int, words: tuple[str, ...]
) -> tuple:
    """Of a good config: its output, parameters, layers and dropout; of a bad one: what it said.

    words: of a bad config, the word that is not known and the nearest that is.
    """
    import torch

    nothing = np.zeros(0)
    wanted = [
        (layer.get("name", str(i)), layer["type"]) for i, layer in enumerate(config["layers"])
    ]
    if words:
        with torch.random.fork_rng(devices=[]):
            said = refusal(attempt, config, *words)
        return nothing, nothing, nothing, nothing, said
    with torch.random.fork_rng(devices=[]):
        net = attempt(config)
        if not isinstance(net, torch.nn.Module):
            kind = type(net).__name__
            raise Unusable("none" if net is None else "callable", f"It gave a {kind}, no module.")
        if any(map(torch.nn.parameter.is_lazy, net.parameters())):
            net(torch.tensor(x, dtype=torch.float32))
    net = net.to(torch.tensor(x).dtype).eval()
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.tensor(rng.uniform(-1, 1, parameter.shape)))
        output = net(torch.tensor(x))
    sizes = [parameter.numel() for parameter in net.parameters()]
    layers = [isinstance(part(net, name), getattr(torch.nn, kind)) for name, kind in wanted]
    dropped = [m.p for m in net.modules() if isinstance(m, torch.nn.Dropout)]
    return output, sizes, layers, dropped, nothing


def part(net: Any, name: str) -> Any:
    """The layer of this name, None where there is none."""
    try:
        return net.get_submodule(name)
    except AttributeError:
        return None


def refusal(attempt: Callable, config: dict, wrong: str, nearest: str) -> list[int]:
    """1 for a ValueError, 0 for none, -1 for another error; and whether it names the two words."""
    try:
        attempt(config)
    except ValueError as error:
        said = str(error).replace(nearest, "\0")  # one word may be part of the other
        return [1, int(wrong in said), int("\0" in said)]
    except NotImplementedError:
        raise
    except Exception:
        return [-1, 0, 0]
    return [0, 0, 0]


# --- resume ----------------------------------------------------------------------------------

FOLLOWS = "then the net is trained for two more steps"


class Trap:
    """What a pickle can do to those who load it: this one makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def resume_cases(rng: np.random.Generator) -> list[Case]:
    def draw(
        d: int, h: int, o: int, optimizer: str, file: str = "a checkpoint", **at: int
    ) -> tuple:
        words = f"Sequential(Linear({d}, {h}), Tanh(), Linear({h}, {o}))"
        model = Model(
            words,
            lambda nn: nn.Sequential(nn.Linear(d, h), nn.Tanh(), nn.Linear(h, o)),
            int(rng.integers(2**31)),
        )
        x, y = rng.standard_normal((5, d)), rng.standard_normal((5, o))
        return model, x, y, optimizer, at.get("step", int(rng.integers(2, 900))), file

    return [
        Case(draw(2, 3, 1, "SGD with momentum"), note=FOLLOWS),
        Case(draw(3, 4, 2, "Adam"), note=FOLLOWS),
        Case(draw(2, 3, 2, "SGD with momentum", "none"), note=f"there is no file; {FOLLOWS}"),
        Case(
            draw(2, 3, 2, "SGD with momentum", "a checkpoint with more", step=0),
            "edge",
            f"a checkpoint of step 0, with more keys; {FOLLOWS}",
        ),
        Case(draw(2, 2, 1, "Adam", "code"), "edge", "a file that runs code when it is unpickled"),
    ]


def run_resume(
    attempt: Callable,
    model: Model,
    x: np.ndarray,
    y: np.ndarray,
    optimizer: str,
    step: int,
    file: str,
) -> tuple:
    """The step, the weights, those after two more steps, and whether a file's code was run."""
    import torch

    batch = tensors(x, y)
    saved = model.build(x)
    with torch.no_grad():
        for parameter in saved.parameters():
            parameter.add_(0.5)
    saved_optimizer = made_optimizer(optimizer, saved, lr=0.05)
    train(saved, saved_optimizer, *batch)
    module = model.build(x)
    own = made_optimizer(optimizer, module, lr=0.1)
    train(module, own, *batch)
    with tempfile.TemporaryDirectory() as folder:
        path, trap = Path(folder) / "checkpoint.pt", Path(folder) / "trap"
        states = {"model": saved.state_dict(), "optimizer": saved_optimizer.state_dict()}
        more = {"epoch": 3, "best": 0.25} if file == "a checkpoint with more" else {}
        if file == "code":
            torch.save(Trap(trap), path)
        elif file != "none":
            torch.save({**states, "step": step, **more}, path)
        try:
            got = attempt(path, module, own)
        except Exception:
            if file not in ("none", "code"):
                raise
            got = -1
        ran = [float(trap.exists())]
        if path.exists() != (file != "none"):
            raise Unusable("file", "It made, moved or removed the file: it is only to read it.")
    if file == "code":  # what becomes of such a file is not settled, but it must not run
        return 0, np.zeros(0), np.zeros(0), ran
    weights = in_a_row(list(module.parameters()))
    train(module, own, *batch)
    got = None if got is None else plain(got, "the step")
    return got, weights, in_a_row(list(module.parameters())), ran


def made_optimizer(kind: str, module: Any, lr: float) -> Any:
    import torch

    if kind == "Adam":
        return torch.optim.Adam(module.parameters(), lr=lr)
    return torch.optim.SGD(module.parameters(), lr=lr, momentum=0.9)


def train(module: Any, optimizer: Any, x: Any, y: Any) -> None:
    """Two steps on the squared error."""
    for _ in range(2):
        optimizer.zero_grad()
        ((module(x) - y) ** 2).mean().backward()
        optimizer.step()


EXERCISES = [
    Training(
        id="training.accuracy",
        inputs=("logits", "labels"),
        outputs=("accuracy",),
        cases=accuracy_cases,
        run=run_on_tensors,
        section="1. What is right, and what is taken for what",
    ),
    Training(
        id="training.confusion_matrix",
        inputs=("pred", "true", "num_classes"),
        outputs=("counts", "whole_numbers"),
        cases=confusion_cases,
        run=run_confusion,
        section="1. What is right, and what is taken for what",
    ),
    Training(
        id="training.step_lr",
        inputs=("base_lr", "gamma", "stepsize", "it"),
        outputs=("lr",),
        cases=step_lr_cases,
        section="3. Schedules: large steps first",
    ),
    Training(
        id="training.EarlyStopping",
        inputs=("patience", "series"),
        outputs=("stops",),
        cases=stopping_cases,
        run=run_stopping,
        section="4. When to stop",
    ),
    Training(
        id="training.resume",
        inputs=("model", "x", "y", "optimizer", "step", "file"),
        outputs=("step", "weights", "weights_after", "code_was_run"),
        cases=resume_cases,
        run=run_resume,
        section="5. Checkpoints: to stop, and go on",
    ),
    Training(
        id="training.build_net",
        inputs=("config", "x", "seed", "words"),
        outputs=("output", "parameters", "layers", "dropout", "refused"),
        cases=net_cases,
        run=run_build_net,
        section="6. A net as a list",
    ),
]
