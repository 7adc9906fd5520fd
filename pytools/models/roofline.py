"""The roofline of a machine: what its memory and its arithmetic allow, and what work reaches.

Source: Williams, Waterman & Patterson (2009), Roofline: an insightful visual performance model for
multicore architectures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F

from pytools.models.devices import gflops, seconds_of

FLOAT = 4  # bytes
REPEATS = 15  # of which the shortest counts: a roof is what the machine can do undisturbed


@dataclass(frozen=True)
class Roof:
    """bandwidth: GB/s from and to main memory; peak: GFLOP/s of a large product of matrices."""

    bandwidth: float
    peak: float

    @property
    def ridge(self) -> float:
        """The operations for each byte from which on memory is no longer the limit."""
        return self.peak / self.bandwidth

    def allows(self, intensity: float) -> float:
        """The most GFLOP/s at so many operations for each byte."""
        return min(self.peak, self.bandwidth * intensity)


@dataclass(frozen=True)
class Work:
    """A piece of work: its operations, the bytes that must be read and written, its seconds."""

    name: str
    flops: float
    bytes: float
    seconds: float

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.flops / self.bytes

    @property
    def rate(self) -> float:
        """GFLOP/s."""
        return self.flops / self.seconds / 1e9


def measure_roof(device: torch.device | str) -> Roof:
    """Copy and add up what fits into no cache; the peak is that of the best of some products.

    All in float32. Many CPUs read a place before they write to it, so that a copy moves more bytes
    than are counted: the better of the two is the bandwidth.
    """
    size, sides = (2**28, (4096, 8192)) if _large(device) else (2**25, (128, 256, 512, 1024))
    source = torch.ones(size, device=device)
    target = torch.empty_like(source)
    copy = seconds_of(lambda: target.copy_(source), device, REPEATS, min) / 2  # reads and writes
    read = seconds_of(source.sum, device, REPEATS, min)
    peak = 0.0
    for n in sides:
        a, b = torch.randn(2, n, n, device=device)
        call = partial(torch.matmul, a, b)
        peak = max(peak, gflops(n, seconds_of(call, device, REPEATS, min)))
    return Roof(FLOAT * size / min(copy, read) / 1e9, peak)


def measure_work(device: torch.device | str) -> list[Work]:
    """Work of rising intensity, in float32, each at its shortest time."""
    return [
        Work(name, flops, number, seconds_of(call, device, REPEATS, min))
        for name, flops, number, call in _pieces(device)
    ]


def _pieces(device: torch.device | str) -> list[tuple[str, float, float, Callable]]:
    """Name, operations, bytes, and the work itself."""
    scale = 8 if _large(device) else 1
    size, rows = 2**24 * scale, 6144 * scale
    x, y, z = torch.ones(3, size, device=device)
    matrix, vector = torch.ones(rows, rows, device=device), torch.ones(rows, device=device)
    pieces = [
        ("x + y", size, 3 * FLOAT * size, lambda: torch.add(x, y, out=z)),
        ("matrix · vector", 2 * rows**2, FLOAT * rows * (rows + 2), lambda: matrix @ vector),
    ]
    for n in (32 * scale, 128 * scale, 512 * scale):
        a, b = torch.randn(2, n, n, device=device)
        name = f"matmul, n = {n}"
        pieces.append((name, 2 * n**3, 3 * FLOAT * n**2, lambda a=a, b=b: a @ b))
    images, maps, side = 16 * scale, 64, 32
    image = torch.randn(images, maps, side, side, device=device)
    filters = torch.randn(maps, maps, 3, 3, device=device)
    flops = 2 * images * maps * side**2 * maps * 9
    number = FLOAT * (2 * image.numel() + filters.numel())
    pieces.append(("convolution 3×3", flops, number, lambda: F.conv2d(image, filters, padding=1)))
    return pieces


def _large(device: torch.device | str) -> bool:
    return torch.device(device).type == "cuda"
