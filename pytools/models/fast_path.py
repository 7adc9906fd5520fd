"""The same training, naive and fast: what a device can do if the loop does not stand in its way.

The naive loop sends each batch when it is needed, computes in float32, and asks for the loss after
every step. The fast one keeps its batches in pinned memory and sends the next one while the last
one is computed, lays images out channels last, computes in bfloat16 under autocast, and on a GPU
plays a whole step from a recorded CUDA graph. Sources: Micikevicius et al. (2018), Mixed precision
training; Ng et al. (2021), Accelerating PyTorch with CUDA graphs (PyTorch's blog).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pytools.models.devices import seconds_of, train_step

STORED = "gpu_table.json"  # measured on a GPU, with its name and the date; there may be none

# Dense bfloat16 without sparsity, GFLOP/s: NVIDIA's data sheets of the H100 (2023), the H200 (2024)
# and the A100 (2021), all SXM. PCIe cards of the same names are slower and not listed.
PEAKS = {"H200": 989e3, "H100": 989e3, "A100": 312e3}


def published_peak(name: str) -> float | None:
    """The published dense bfloat16 peak of a GPU in GFLOP/s; None where it is not known here."""
    if "PCIe" in name or "NVL" in name or "MIG" in name:
        return None
    return next((peak for key, peak in PEAKS.items() if key in name), None)


def stored_table() -> dict | None:
    """What was measured on a GPU: device, date, rows (work, CPU, GPU, ratio). None: nothing yet."""
    file = resources.files("pytools.models") / STORED
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def images_per_second(
    model: nn.Module, batches: list[tuple[Tensor, Tensor]], device: torch.device | str, fast: bool
) -> float:
    """Images a second of training the model on batches (x, labels) that wait on the CPU.

    The model is moved to the device and trained. x (N, C, H, W), all of one size. The median of
    three rounds over all batches, after one that is not counted.
    """
    device = torch.device(device)
    model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    if fast:
        step = fast_step(model, batches[0], optimizer, device)
        batches = [tuple(map(pinned, batch)) for batch in batches]
    else:

        def step(x: Tensor, labels: Tensor) -> None:
            train_step(model, (x.to(device), labels.to(device)), optimizer, autocast=False)

    def round_trip() -> None:
        for x, labels in batches:
            step(x, labels)

    images = sum(len(labels) for _, labels in batches)
    return images / seconds_of(round_trip, device, repeats=3)


def pinned(tensor: Tensor) -> Tensor:
    """In memory that a GPU can read by itself; where there is no GPU, as it is."""
    return tensor.pin_memory() if torch.cuda.is_available() else tensor


def fast_step(
    model: nn.Module,
    batch: tuple[Tensor, Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> Callable[[Tensor, Tensor], None]:
    """A step for batches of the size of this one, which waits for nothing."""
    model.to(memory_format=torch.channels_last)
    x = batch[0].to(device, memory_format=torch.channels_last, copy=True)
    labels = batch[1].to(device, copy=True)

    def compute() -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False):
            loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()

    play = recorded(compute) if device.type == "cuda" else compute

    def step(new_x: Tensor, new_labels: Tensor) -> None:
        x.copy_(new_x, non_blocking=True)  # into the place that the recording reads
        labels.copy_(new_labels, non_blocking=True)
        play()

    return step


def recorded(compute: Callable[[], None]) -> Callable[[], None]:
    """The GPU's work of a call, recorded once, to be played without Python."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # what is done only once must not be recorded
            compute()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        compute()
    return graph.replay
