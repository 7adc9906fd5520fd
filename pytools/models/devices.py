"""Where tensors live, how long work takes there, and a training step that runs on any of it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Result = TypeVar("Result")


def best_device() -> torch.device:
    """The CUDA GPU where there is one, else an Apple GPU (mps), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe_device() -> str:
    """One line: the best device, and where it is the CPU, why."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        device = best_device()
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory / 2**30
        return f"cuda: {torch.cuda.get_device_name(device)}, {memory:.0f} GiB"
    if device.type == "mps":
        return "mps: the GPU of this Mac"
    if caught:  # torch says what is wrong with the driver in a warning
        reason = " ".join(str(caught[0].message).split()).split(". ")[0]
        return f"cpu: torch cannot use this machine's GPU ({reason}); update the NVIDIA driver"
    if not torch.backends.cuda.is_built():
        return "cpu: this torch was built without CUDA; install the one from PyPI to use a GPU"
    return "cpu: no CUDA GPU here; everything runs on the CPU"


def synchronize(device: torch.device | str) -> None:
    """Wait until the device has done all that it was given. A CPU has, always."""
    kind = torch.device(device).type
    if kind != "cpu":
        torch.get_device_module(kind).synchronize()


def seconds_of(
    call: Callable[[], object],
    device: torch.device | str,
    repeats: int = 10,
    summary: Callable[[list[float]], float] = median,
) -> float:
    """The seconds of a call, after one that is not counted: the median of so many.

    summary: what is made of the times; `min` tells what a machine can do if nothing disturbs it.
    """
    call()
    times = []
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        call()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return summary(times)


def time_matmul(n: int, device: torch.device | str, dtype: torch.dtype = torch.float32) -> float:
    """The seconds of a product of two (n, n) matrices: warmed up, synchronised, the median."""
    a, b = torch.randn(2, n, n, device=device).to(dtype)
    return seconds_of(lambda: a @ b, device)


def gflops(n: int, seconds: float) -> float:
    """GFLOP/s of a product of two (n, n) matrices: n³ multiplications and as many additions."""
    return 2 * n**3 / seconds / 1e9


def train_step(
    model: nn.Module,
    batch: tuple[Tensor, Tensor],
    optimizer: torch.optim.Optimizer,
    autocast: bool,
) -> float:
    """One step on a batch (x, labels), wherever the model lives; returns the loss before it.

    x (N, ...) floats, labels (N,) class numbers; the loss is the mean cross-entropy. With autocast
    the products of the forward pass are computed in bfloat16, the weights stay what they are.
    """
    x, labels = batch
    device = next(model.parameters()).device
    optimizer.zero_grad()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
        loss = F.cross_entropy(model(x.to(device)), labels.to(device))
    loss.backward()
    optimizer.step()
    return loss.item()


def halve_until_it_fits(work: Callable[[int], Result], batch_size: int) -> tuple[Result, int]:
    """work(batch_size), with half the batch as often as memory runs out, which is said.

    Returns the result and the batch size that fitted. Where not even a batch of one fits, the
    error is raised.
    """
    while True:
        try:
            return work(batch_size), batch_size
        except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
            if batch_size == 1 or not out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        print(f"A batch of {batch_size} does not fit into memory; trying {batch_size // 2}.")
        batch_size //= 2


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or the computer, has no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()  # on a CPU it is a RuntimeError like any other
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return any(word in text for word in words)
