"""The exercises of 09_devices: how each is called, and on which cases.

What asks for a device or reads a clock runs on a pretended machine (see pretended.py), so that a
check gives the same answer with and without a GPU, and however busy the real machine is. Torch is
imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain
from pytools.exercises.pretended import ON_CPU, DeviceName, Machine, pretended
from pytools.exercises.tensors import Model, in_a_row, require_unchanged, tensors

Devices = partial(Exercise, answers="pytools.exercises.answers.devices")

# --- best_device -----------------------------------------------------------------------------


def best_device_cases(rng: np.random.Generator) -> list[Case]:
    def draw(**machine: bool) -> tuple:
        return Machine(**machine), rng.standard_normal(2).round(3)

    note = "x is put on your device, and read back"
    return [
        Case(draw(cuda=True), note=note),
        Case(draw(), note=note),
        Case(draw(built=False), note=note),
        Case(draw(mps=True, built=False), "edge", f"cpu is right as well; {note}"),
    ]


def run_best_device(attempt: Callable, machine: Machine, x: np.ndarray) -> tuple:
    """Whether it chose the CUDA GPU, and what a tensor holds that was there."""
    import torch

    with pretended(machine, attempt):
        device = attempt()
        if device is None:
            raise Unusable("none", "It returned None: is a return statement missing?")
        if not isinstance(device, (str, torch.device)):
            kind = type(device).__name__
            raise Unusable("numbers", f"It returned a {kind}, not a torch.device or its name.")
        try:
            kind = torch.device(device).type
        except RuntimeError:
            raise Unusable("numbers", f"Torch knows no device named {device!r}.") from None
        try:
            held = torch.tensor(x).to(device).cpu().numpy()
        except RuntimeError:  # this machine has no such device
            held = np.full_like(x, np.nan)
        return kind == "cuda", held


# --- time_matmul, gflops ---------------------------------------------------------------------


def time_matmul_cases(rng: np.random.Generator) -> list[Case]:
    def draw(slow: int, fast: int = -1, cuda: bool = False, device: str = "") -> tuple:
        product = round(float(rng.uniform(0.001, 0.002)), 6)
        machine = Machine(cuda=cuda, product=product, slow=slow, fast=fast)
        name = device or ("cuda" if cuda else "cpu")
        return machine, int(rng.integers(16, 40)), DeviceName(name)

    odd = "one product is disturbed, another one lucky"
    first = "the first product takes long; another one is disturbed"
    return [
        Case(draw(1), note=first),
        Case(draw(3, 2), note=odd),
        Case(draw(2, cuda=True), note="a GPU, which works on while the clock is read"),
        Case(draw(5, 4), note=odd),
        Case(draw(12, 8), note=odd),
        Case(draw(4, 6, cuda=True), "edge", odd),
        Case(draw(2, cuda=True, device="cpu"), "edge", "there is a GPU, the CPU is asked for"),
    ]


def run_time_matmul(attempt: Callable, machine: Machine, n: int, device: DeviceName) -> tuple:
    """The seconds that it gives, and the number of products that were computed."""
    with pretended(machine, attempt, n) as run:
        seconds = attempt(n, device)
        return number(seconds, "the time"), run.products


SUMMARIES = {"the mean": np.mean, "the sum": np.sum, "the shortest time": np.min}
TOO_MANY = 1500  # products: beyond it the first one makes no difference


def measure_time_matmul(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the seconds say of how they were taken; any sensible number of repeats is right.

    The products of a pretended machine take ever a little less, so that the median of the first T
    of them is no median of later ones: it tells that the first one was not left out. A wrong time
    is said by its name where it has one.
    """
    machine, _, device = case.args
    seconds, count = float(arrays["seconds"]), int(arrays["products"])
    scale = ON_CPU if machine.cuda and device == "cpu" else 1.0
    ratio = seconds / (scale * machine.product)
    times = scale * machine.seconds(min(count, TOO_MANY))
    right = 0.93 < ratio < 1.07
    told = {}
    for name, summary in SUMMARIES.items():
        of_several = [summary(t) for t in (times, times[1:]) if len(t) > 2]
        named = np.isclose(seconds, of_several, rtol=1e-3).any()
        told[f"it is {name}"] = np.array(named and not right)
    rough = float(f"{ratio:.1g}")  # one digit, so that it does not depend on the repeats
    right_or_named = right or any(told.values())
    told["seconds over those of one product"] = np.array(
        1.0 if right_or_named else ratio if rough == 1 else rough
    )
    told["at least 3 products after the first"] = np.array(count >= 4)
    if machine.fast < 0 and 0 < count < TOO_MANY:
        with_first = np.median(times)
        told["the first product left out"] = np.array(abs(seconds / with_first - 1) > 1e-6)
    return told


def gflops_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, rate: float) -> tuple:
        seconds = 2 * n**3 / (1e9 * rate) * rng.uniform(0.5, 2)
        return n, float(f"{seconds:.4g}")

    return [
        Case((100, round(float(rng.uniform(0.001, 0.002)), 5))),
        Case((1000, round(float(rng.uniform(0.01, 0.1)), 4))),
        Case(draw(int(rng.integers(200, 900)), 30.0)),
        Case(draw(8192, 400_000.0), note="a GPU"),
        Case(draw(1, 2.0), "edge", "one multiplication, one addition"),
        Case((int(rng.integers(500, 900)), 1), "edge", "the seconds are a whole number"),
        Case(draw(3_000_000, 1e9), "numerical", "a cluster: n ** 3 does not fit into 64 bits"),
    ]


def number(value: Any, name: str) -> float:
    """A number, or an array or tensor that holds one."""
    if value is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    array = plain(value, name)
    if array.size != 1:
        raise Unusable("count", f"{name} has shape {array.shape}, but is to be one number.")
    return float(array.reshape(()))


# --- train_step ------------------------------------------------------------------------------

TWICE = "two calls on one batch; old gradients are in .grad before the first"
RULES = ("SGD", "momentum", "Adam")


def train_step_cases(rng: np.random.Generator) -> list[Case]:
    def draw(
        words: str,
        make: Callable,
        shape: tuple,
        classes: int,
        rule: str = "SGD",
        autocast: bool = False,
        dtype: type = np.float64,
        scale: float = 1.0,
    ) -> tuple:
        model = Model(words, make, int(rng.integers(2**31)))
        x = (scale * rng.standard_normal(shape)).astype(dtype)
        return model, x, rng.integers(0, classes, shape[0]), rule, autocast

    def linear(nn: Any) -> Any:
        return nn.Linear(4, 3)

    def layers(nn: Any) -> Any:
        return nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))

    def images(nn: Any) -> Any:
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))

    def frozen(nn: Any) -> Any:
        net = layers(nn)
        net[0].requires_grad_(False)
        return net

    net = "Sequential(Linear(5, 6), ReLU(), Linear(6, 4))"
    cnn = "Sequential(Conv2d(1, 2, 3), Flatten(), Linear(8, 3))"
    return [
        Case(draw("Linear(4, 3)", linear, (3, 4), 3), note=TWICE),
        Case(draw(net, layers, (7, 5), 4, "momentum"), note=TWICE),
        Case(draw(net, layers, (6, 5), 4, dtype=np.float32), note=f"float32; {TWICE}"),
        Case(
            draw("Linear(4, 3)", linear, (16, 4), 3, autocast=True, dtype=np.float32),
            note=f"autocast is True; {TWICE}",
        ),
        Case(draw(cnn, images, (4, 1, 4, 4), 3, "Adam"), note=TWICE),
        Case(draw(net, layers, (1, 5), 4), "edge", f"a batch of one; {TWICE}"),
        Case(draw(f"{net}, its first layer frozen", frozen, (5, 5), 4), "edge", TWICE),
        Case(
            draw("Linear(4, 3)", linear, (5, 4), 3, scale=3000.0),
            "numerical",
            f"logits of some thousands; {TWICE}",
        ),
    ]


def run_train_step(
    attempt: Callable, model: Model, x: np.ndarray, labels: np.ndarray, rule: str, autocast: bool
) -> tuple:
    """Two calls: the losses, all parameters then, and eps of the dtype of the layers' results."""
    import torch

    module = model.build(x)
    parameters = list(module.parameters())
    for parameter in parameters:
        if parameter.requires_grad:
            parameter.grad = torch.ones_like(parameter)
    learned = [p for p in parameters if p.requires_grad]
    if rule == "Adam":
        optimizer = torch.optim.Adam(learned, lr=0.01)
    else:
        optimizer = torch.optim.SGD(learned, lr=LR, momentum=0.9 * (rule == "momentum"))
    dtypes: list = []
    for layer in module.modules():
        if list(layer.parameters(recurse=False)):
            layer.register_forward_hook(lambda _, inputs, output: dtypes.append(output.dtype))
    batch = tuple(tensors(x, labels))
    losses = [number(attempt(module, batch, optimizer, autocast), "the loss") for _ in range(2)]
    require_unchanged({"x": x, "labels": labels}, batch)
    if any(p.dtype != batch[0].dtype for p in parameters):
        raise Unusable(
            "value", "The parameters have another dtype now; autocast leaves them alone."
        )
    steps = [torch.finfo(dtype).eps for dtype in dtypes]
    return losses, in_a_row(parameters), sum(steps) / max(1, len(steps))


LR = 0.1


def measure_train_step(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """In bfloat16, with its 3 digits, the step is held against softmax regression in float64."""
    model, x, labels, _, autocast = case.args
    if not autocast:
        return arrays
    losses, parameters = softmax_regression(model.build(x), x.astype(np.float64), labels)
    moved = np.max(np.abs(parameters - arrays["parameters"]))
    return {
        "eps of the layers' results": arrays["eps"],
        "the losses are right to 2 digits": np.array(
            np.allclose(arrays["losses"], losses, rtol=0.05, atol=0.03)
        ),
        "the parameters are right to 2 digits": np.array(moved < 0.01),
    }


def softmax_regression(layer: Any, x: np.ndarray, labels: np.ndarray) -> tuple:
    """Two steps of gradient descent of a Linear layer, as in notebook 02: losses, parameters."""
    w, b = (plain(parameter).astype(np.float64) for parameter in layer.parameters())
    losses, rows = [], np.arange(len(x))
    for _ in range(2):
        logits = x @ w.T + b
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        losses.append(-np.log(p[rows, labels]).mean())
        p[rows, labels] -= 1
        w, b = w - LR * p.T @ x / len(x), b - LR * p.mean(axis=0)
    return losses, in_a_row([w, b])


# --- average_gradients -----------------------------------------------------------------------


def average_gradients_cases(rng: np.random.Generator) -> list[Case]:
    def draw(words: str, make: Callable, size: int, replicas: int) -> tuple:
        model = Model(words, make, int(rng.integers(2**31)))
        return model, rng.standard_normal((replicas, size))

    def linear(nn: Any) -> Any:
        return nn.Linear(2, 3)

    def layers(nn: Any) -> Any:
        return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

    def images(nn: Any) -> Any:
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))

    def twice(nn: Any) -> Any:
        layer = nn.Linear(3, 3)
        return nn.Sequential(layer, nn.Tanh(), layer)

    net = "Sequential(Linear(3, 4), ReLU(), Linear(4, 2))"
    cnn = "Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), Flatten(), Linear(8, 2))"
    tied = "Sequential(layer, Tanh(), layer), with layer = Linear(3, 3)"
    single = draw(net, layers, 26, 3)
    return [
        Case(draw("Linear(2, 3)", linear, 9, 2), note="a row of grads for each replica"),
        Case(draw("Linear(2, 3)", linear, 9, 2)),
        Case(draw(net, layers, 26, 3)),
        Case(draw(cnn, images, 42, 5)),
        Case(draw("Linear(2, 3)", linear, 9, 1), "edge", "one replica"),
        Case(draw(tied, twice, 12, 2), "edge", "one layer in two places"),
        Case((single[0], single[1].astype(np.float32)), "numerical", "float32"),
    ]


def run_average_gradients(attempt: Callable, model: Model, grads: np.ndarray) -> tuple:
    """The gradients of all replicas, and their weights."""
    import torch

    replicas = [model.build(grads) for _ in grads]
    for replica, row in zip(replicas, grads, strict=True):
        parameters = list(replica.parameters())
        pieces = torch.tensor(row).split([p.numel() for p in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.grad = piece.reshape(parameter.shape).clone()
    attempt(replicas)
    own = [list(replica.parameters()) for replica in replicas]
    held = [[p * 0 if p.grad is None else p.grad for p in row] for row in own]
    return np.stack([in_a_row(row) for row in held]), [in_a_row(row) for row in own]


EXERCISES = [
    Devices(
        id="devices.best_device",
        inputs=("machine", "x"),
        outputs=("is_cuda", "x_read_back"),
        cases=best_device_cases,
        run=run_best_device,
        section="1. Two machines in one box",
    ),
    Devices(
        id="devices.time_matmul",
        inputs=("machine", "n", "device"),
        outputs=("seconds", "products"),
        cases=time_matmul_cases,
        run=run_time_matmul,
        measure=measure_time_matmul,
        section="2. A clock that does not lie",
    ),
    Devices(
        id="devices.gflops",
        inputs=("n", "seconds"),
        outputs=("gflops",),
        cases=gflops_cases,
        section="2. A clock that does not lie",
    ),
    Devices(
        id="devices.train_step",
        inputs=("model", "x", "labels", "rule", "autocast"),
        outputs=("losses", "parameters", "eps"),
        cases=train_step_cases,
        run=run_train_step,
        measure=measure_train_step,
        section="4. A step that runs anywhere",
    ),
    Devices(
        id="devices.average_gradients",
        inputs=("model", "grads"),
        outputs=("grads", "weights"),
        cases=average_gradients_cases,
        run=run_average_gradients,
        section="6. Many machines, one step",
    ),
]
