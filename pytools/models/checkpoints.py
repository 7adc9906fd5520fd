"""Checkpoints: what a run needs to go on, in files that are whole or not there.

A checkpoint is a dict of tensors, numbers and words with at least the keys "model", "optimizer"
(their state_dicts) and "step". It is read with weights_only: a file can bring numbers, no code.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

KEYS = ("model", "optimizer", "step")
KEPT = 3  # snapshots of a run


def resume(path: str | os.PathLike, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load a checkpoint into a model and its optimiser; returns the step to go on from.

    Where there is no such file, the run begins: 0, and nothing is touched. Keys of the checkpoint:
    "model", "optimizer", "step".
    """
    if not os.path.exists(path):
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside its place, then rename: nobody ever sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    with open(beside, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path: Path) -> dict[str, Any]:
    """The checkpoint in a file; ValueError, in one line, where it is none."""
    content = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(content) as archive:
            if archive.testzip():  # torch itself does not look at the checksums
                raise ValueError("a bit has changed")
        content.seek(0)
        state = torch.load(content, map_location="cpu", weights_only=True)
    except Exception:  # cut short, text, a pickle with code: each raises something else
        raise ValueError("it is damaged, or no checkpoint") from None
    missing = [key for key in KEYS if not isinstance(state, dict) or key not in state]
    if missing:
        raise ValueError(f"it is no checkpoint: {missing[0]!r} is missing")
    return state


def require_same_layers(state: dict[str, Any], model: nn.Module) -> None:
    """ValueError where a state_dict is not that of this model, with the first difference."""
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(getattr(value, "shape", ())) for name, value in state.items()}
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            there, here = (d.get(name, "nothing") for d in (found, wanted))
            raise ValueError(f"it is of another net: {name} is {there} there, {here} here")


class Snapshots:
    """The last few checkpoints of a run, PREFIX_iter_STEP.pt."""

    def __init__(self, prefix: Path, kept: int = KEPT) -> None:
        self.prefix, self.kept = Path(prefix), kept

    def paths(self) -> list[Path]:
        """Those that are there, latest first."""
        pattern = re.compile(re.escape(self.prefix.name) + r"_iter_(\d+)\.pt")
        found = [(pattern.fullmatch(path.name), path) for path in self.prefix.parent.glob("*.pt")]
        steps = [(int(match[1]), path) for match, path in found if match]
        return [path for _, path in sorted(steps, reverse=True)]

    def save(self, state: dict[str, Any]) -> Path:
        """Write the snapshot of a state, and remove those that are older than the last few."""
        path = self.prefix.with_name(f"{self.prefix.name}_iter_{state['step']}.pt")
        save(path, state)
        for old in self.paths()[self.kept :]:
            old.unlink()
        return path

    def resume(self, take: Callable[[dict], None], say: Callable[[str], None]) -> Path | None:
        """Give `take` the latest snapshot that it accepts; None where there is none.

        take raises ValueError for a state that is not its own, and then has taken nothing of it.
        say gets one line for each snapshot that is refused.
        """
        for path in self.paths():
            try:
                take(load(path))
                return path
            except ValueError as error:
                say(f"{path} is refused: {error}")
        return None
