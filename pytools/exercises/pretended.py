"""A pretended machine, with or without a GPU, on which the exercises of 09 run.

A check cannot time a real product fairly: the machine may be busy, it may have no GPU, and no two
runs give the same number. On a pretended machine time goes by only where it is told to: a product
of matrices takes as long as a script says, the first one far longer, and a GPU works on while the
clock of the CPU can already be read. So every check of a clock gives the same answer everywhere.

Faked are the clocks of `time` and `timeit`, what torch says of its devices, and where tensors are
put: all stay on the CPU. Only the thread that entered sees any of it. Torch is imported where it is
used.
"""

from __future__ import annotations

import sys
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

FIRST = 1000.0  # the first product takes this many times as long as a later one,
SLOW = 20.0  # one that is disturbed this many times,
FAST = 0.2  # and one that is lucky only so much of it
ON_CPU = 3.0  # a product on the CPU of a machine with a GPU takes this many times as long
MOVE = 2.0  # to draw a matrix, or to move it to the GPU, takes this many times as long
LAUNCH = 0.02  # to hand a product to the GPU takes this share of it
PATIENT = 10_000  # from so many readings in a row on, the clock goes faster: nobody waits in vain
DEVICES = ("cuda", "mps")


@dataclass(frozen=True)
class Machine:
    """A machine in words. product: the seconds that a product of (n, n) matrices settles to."""

    cuda: bool = False
    mps: bool = False
    built: bool = True  # whether torch was built with CUDA, which is not yet a GPU
    product: float = 1e-3
    slow: int = 1  # this product is disturbed, counted from 0
    fast: int = -1  # this one is lucky; -1: none is

    def __repr__(self) -> str:
        gpu = "a CUDA GPU" if self.cuda else "an Apple GPU (mps)" if self.mps else "no GPU"
        return f"a machine with {gpu}" + ("" if self.built else ", its torch built without CUDA")

    def seconds(self, count: int) -> np.ndarray:
        """What the first so many products take: ever a little less, but for the odd ones."""
        steps = np.arange(count)
        times = self.product * (1 + 0.04 / (1 + steps / 50))
        times[steps == 0] *= FIRST
        times[steps == self.slow] *= SLOW
        times[steps == self.fast] *= FAST
        return times


class DeviceName(str):
    """A device's name that also has what a torch.device has: an attempt may expect either."""

    @property
    def type(self) -> str:
        return self.split(":")[0]

    index = None


class Run:
    """What happens on a machine during one call: its clock, its GPU's queue, its products."""

    def __init__(self, machine: Machine, n: int) -> None:
        self.machine, self.n = machine, n
        self.now = self.queue_ends = 0.0  # seconds
        self.products = self.readings = 0
        self.on_gpu = False  # whether anything was put on the GPU
        self.over = False
        self.thread = threading.get_ident()

    def here(self, real: Any, fake: Callable) -> Callable:
        """The fake in this thread, while the run lasts; else the real clock."""

        def clock(*args: Any) -> Any:
            faked = not self.over and threading.get_ident() == self.thread
            return (fake if faked else real)(*args)

        return clock

    def read(self) -> float:
        self.readings += 1
        if self.readings > PATIENT:
            self.now += 1e-4
        return self.now

    def read_when_done(self) -> float:
        """The clock of torch.utils.benchmark, which waits for the GPU by itself."""
        self.wait()
        return self.read()

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def synchronize(self, *args: Any, **kwargs: Any) -> None:
        """A stream's."""
        self.wait()

    def synchronizes(self, kind: str) -> Callable:
        """What waits for a device of that kind, and raises where there is none."""

        def synchronize(*args: Any, **kwargs: Any) -> None:
            self.require(kind)
            self.wait()

        return synchronize

    def wait(self) -> None:
        self.now = max(self.now, self.queue_ends)

    def product(self, share: float) -> None:
        """A product with this share of the work of one of (n, n)."""
        seconds = share * self.machine.seconds(self.products + 1)[-1]
        self.products += 1
        self.readings = 0
        if self.on_gpu:
            self.queue_ends = max(self.now, self.queue_ends) + seconds
            self.now += LAUNCH * self.machine.product
        else:
            self.now += seconds * (ON_CPU if self.machine.cuda else 1)

    def other(self, share: float) -> None:
        """Any other operation takes this share of a product; on the GPU it waits its turn."""
        seconds = share * self.machine.product
        if self.on_gpu:
            self.queue_ends = max(self.now, self.queue_ends) + seconds
        else:
            self.now += seconds

    def require(self, kind: str) -> None:
        if not getattr(self.machine, kind):
            raise RuntimeError(f"This machine has no {kind} device.")


@contextmanager
def pretended(machine: Machine, attempt: Any, n: int = 1) -> Iterator[Run]:
    """Within it, an attempt finds itself on the machine. Yields what happens there.

    n: the size of the matrices whose product takes machine.product seconds; others take more or
    less, by the number of their operations.
    """
    run = Run(machine, n)
    function = _innermost(attempt)
    with ExitStack() as stack:
        replaced = {}
        for owner, name, fake in _fakes(run):
            real = getattr(owner, name, None)
            if real is not None:
                replaced[id(real)] = fake
                stack.enter_context(_attribute(owner, name, fake))
        for clocked in (timeit.Timer.__init__, timeit.timeit, timeit.repeat, function):
            stack.enter_context(_defaults(clocked, replaced))
        benchmark = sys.modules.get("torch.utils.benchmark")  # its import takes long
        if benchmark:
            patient = {id(benchmark.timer): run.here(benchmark.timer, run.read_when_done)}
            stack.enter_context(_defaults(benchmark.Timer.__init__, patient))
        names = getattr(function, "__globals__", {})
        for name, value in [(n, v) for n, v in names.items() if id(v) in replaced]:
            stack.enter_context(_entry(names, name, replaced[id(value)]))
        for mode in _modes(run):
            stack.enter_context(mode)
        try:
            yield run
        finally:
            run.over = True


def _fakes(run: Run) -> list[tuple[Any, str, Any]]:
    """What is replaced: the owner, the name, the fake."""
    import torch

    machine = run.machine

    def seconds(*args: Any) -> float:
        return run.read()

    def nanoseconds(*args: Any) -> int:
        return round(1e9 * run.read())

    clocks = ("perf_counter", "time", "monotonic", "process_time", "thread_time", "clock_gettime")
    fakes = [(time, name, run.here(getattr(time, name, None), seconds)) for name in clocks]
    fakes += [
        (time, f"{name}_ns", run.here(getattr(time, f"{name}_ns", None), nanoseconds))
        for name in clocks
    ]
    kind = "cuda" if machine.cuda else "mps" if machine.mps else None
    accelerator = torch.device(kind) if kind else None
    count = int(kind is not None)
    return [
        *fakes,
        (time, "sleep", run.here(time.sleep, run.sleep)),
        (timeit, "default_timer", run.here(time.perf_counter, seconds)),
        (torch.cuda, "is_available", lambda: machine.cuda),
        (torch.cuda, "device_count", lambda: int(machine.cuda)),
        (torch.cuda, "current_device", lambda: 0),
        (torch.cuda, "get_device_name", lambda *args: "a pretended GPU"),
        (torch.cuda, "synchronize", run.synchronizes("cuda")),
        (torch.cuda, "current_stream", lambda *args: run),
        (torch.cuda, "default_stream", lambda *args: run),
        (torch.cuda, "Event", type("Event", (_Event,), {"run": run})),
        (torch.mps, "synchronize", run.synchronizes("mps")),
        (torch.mps, "is_available", lambda: machine.mps),
        (torch.backends.mps, "is_available", lambda: machine.mps),
        (torch.backends.mps, "is_built", lambda: machine.mps),
        (torch.backends.cuda, "is_built", lambda: machine.built),
        (torch.accelerator, "is_available", lambda: kind is not None),
        (torch.accelerator, "device_count", lambda: count),
        (torch.accelerator, "current_accelerator", lambda *args, **kwargs: accelerator),
        (torch.accelerator, "synchronize", run.synchronizes(kind or "cuda")),
    ]


class _Event:
    """torch.cuda.Event: a mark in the GPU's queue."""

    run: Run

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.run.require("cuda")
        self.time: float | None = None

    def record(self, *args: Any) -> None:
        self.time = max(self.run.now, self.run.queue_ends)

    def synchronize(self) -> None:
        self.run.now = max(self.run.now, self.time)

    wait = synchronize

    def query(self) -> bool:
        return self.time <= self.run.read()

    def elapsed_time(self, other: _Event) -> float:
        if None in (self.time, other.time) or max(self.time, other.time) > self.run.now:
            raise RuntimeError("CUDA error: device not ready")
        return 1e3 * (other.time - self.time)


def _modes(run: Run) -> list:
    """The two watchers: of where tensors are put, and of the operations that take time."""
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten
    products = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.mv, aten.dot}
    makers = {aten.rand, aten.randn, aten.randint, aten.normal_, aten.uniform_, aten.normal}

    def on_gpu(value: Any) -> bool:
        return isinstance(value, (str, torch.device)) and str(value).split(":")[0] in DEVICES

    read_back = {"item", "tolist", "numpy", "cpu", "__float__", "__array__"}

    class Placed(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is torch.device:  # a name, no tensor: it may name what is not there
                return func(*args, **(kwargs or {}))
            if func == torch.Tensor.device.__get__:
                return torch.device("cuda" if run.on_gpu else "cpu")
            if func == torch.Tensor.is_cuda.__get__:
                return run.on_gpu
            if func == torch.Tensor.cuda:
                self.here("cuda")
                run.other(MOVE)
                return args[0]
            if func == torch.Tensor.to and any(map(on_gpu, (*args[1:], *(kwargs or {}).values()))):
                run.other(MOVE)
            if getattr(func, "__name__", "") in read_back:
                run.wait()
            kwargs = {name: self.here(value) for name, value in (kwargs or {}).items()}
            return func(*map(self.here, args), **kwargs)

        def here(self, value):
            """A device of the machine becomes the CPU; one that it has not is an error."""
            if not isinstance(value, (str, torch.device)):
                return value
            kind = str(value).split(":")[0]
            if on_gpu(value):
                run.require(kind)
                run.on_gpu = True
                return torch.device("cpu")
            if kind == "cpu":
                run.wait()
            return value

    class Timed(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            with self:  # an operation made of others is taken apart
                parts = func.decompose(*args, **(kwargs or {}))
            if parts is not NotImplemented:
                return parts
            result = func(*args, **(kwargs or {}))
            if func.overloadpacket in products:
                a, b = [a for a in args if isinstance(a, torch.Tensor)][-2:]
                columns = b.shape[-1] if b.ndim > 1 else 1
                run.product(a.numel() * columns / run.n**3)
            elif func.overloadpacket is aten._local_scalar_dense:
                run.wait()
            elif func.overloadpacket in makers:
                run.other(MOVE)  # drawing matrices is no part of a product
            else:
                run.other(0.001)
            return result

    return [Placed(), Timed()]


# --- putting fakes in, and taking them out again ---------------------------------------------


@contextmanager
def _attribute(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _entry(names: dict, name: str, value: Any) -> Iterator[None]:
    before = names[name]
    names[name] = value
    try:
        yield
    finally:
        names[name] = before


@contextmanager
def _defaults(function: Any, replaced: dict[int, Any]) -> Iterator[None]:
    """Clocks that a function took as default arguments when it was defined."""
    before = getattr(function, "__defaults__", None)
    if before is None:
        yield
        return
    function.__defaults__ = tuple(replaced.get(id(value), value) for value in before)
    try:
        yield
    finally:
        function.__defaults__ = before


def _innermost(attempt: Any) -> Any:
    """The function inside a partial, a method or a wrapper; else the attempt itself."""
    for name in ("func", "__func__", "__wrapped__"):
        attempt = getattr(attempt, name, attempt)
    return attempt
