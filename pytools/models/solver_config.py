"""A solver as plain data: how a net is trained, in Caffe's words.

Source: Jia et al. (2014), Caffe: convolutional architecture for fast feature embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pytools.errors import CourseError
from pytools.models.yaml_file import place, read_yaml, unknown

POLICIES = ("fixed", "step", "inv", "multistep")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Solver:
    """How to train. Iterations count batches; intervals are in iterations."""

    base_lr: float
    max_iter: int
    lr_policy: str = "fixed"  # see schedules.learning_rate
    gamma: float = 0.1
    power: float = 0.75
    stepsize: int = 0
    stepvalue: tuple[int, ...] = ()
    momentum: float = 0.0
    weight_decay: float = 0.0
    batch_size: int = 64
    test_interval: int = 100  # a look at the validation images
    patience: int = 0  # stop after so many looks without a lower loss; 0: never
    snapshot: int = 0  # a checkpoint; 0: only at the end
    snapshot_prefix: str = "snapshot"
    shift: int = 0  # augmentation: up to so many pixels in each direction
    flip: bool = False  # augmentation: every second image, left for right
    random_seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """ValueError, which begins with the key, where the values make no sense."""
        for key in ("base_lr", "gamma", "power"):
            _require(key, self, getattr(self, key) > 0, "greater than 0")
        for key in ("max_iter", "batch_size", "test_interval"):
            _require(key, self, getattr(self, key) >= 1, "at least 1")
        for key in ("weight_decay", "patience", "snapshot", "shift", "random_seed"):
            _require(key, self, getattr(self, key) >= 0, "at least 0")
        _require("momentum", self, 0 <= self.momentum < 1, "at least 0 and below 1")
        _require("snapshot_prefix", self, self.snapshot_prefix, "a name")
        for key, known in (("lr_policy", POLICIES), ("device", DEVICES)):
            value = getattr(self, key)
            if value not in known:
                raise ValueError(f"{key}: {unknown('value', value, known)}")
        if self.lr_policy == "step":
            _require("stepsize", self, self.stepsize >= 1, "at least 1 with lr_policy: step")
        if self.lr_policy == "multistep":
            rising = list(self.stepvalue) == sorted(set(self.stepvalue))
            good = bool(self.stepvalue) and rising
            _require("stepvalue", self, good, "a rising list with lr_policy: multistep")


def _require(key: str, solver: Solver, good: Any, words: str) -> None:
    if not good:
        raise ValueError(f"{key} must be {words}, but is {getattr(solver, key)!r}")


def make_solver(content: Mapping[str, Any]) -> Solver:
    """The Solver of a mapping; ValueError for unknown keys, wrong types and missing keys."""
    kinds = {field.name: field.type for field in fields(Solver)}
    for key in content:
        if key not in kinds:
            raise ValueError(f"{key}: {unknown('key', key, kinds)}")
    missing = [key for key in ("base_lr", "max_iter") if key not in content]
    if missing:
        raise ValueError(f"{missing[0]} is missing: a solver has base_lr and max_iter")
    return Solver(**{key: _typed(key, value, kinds[key]) for key, value in content.items()})


def _typed(key: str, value: Any, kind: str) -> Any:
    """The value as its field wants it. YAML reads 1e-3 as text: a number is to have a point."""
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if kind == "int" and is_int:
        return value
    if kind == "float" and (is_int or isinstance(value, (float, str))):
        try:
            return float(value)
        except ValueError:
            pass
    if kind in ("str", "bool") and type(value).__name__ == kind:
        return value
    if kind.startswith("tuple") and isinstance(value, list) and all(type(v) is int for v in value):
        return tuple(value)
    words = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}
    raise ValueError(f"{key} must be {words.get(kind, 'a list of whole numbers')}, not {value!r}")


def read_solver(path: Path) -> Solver:
    """The Solver of a file. CourseError names the file, the line and what is wrong."""
    content = read_yaml(path)
    try:
        return make_solver(content)
    except ValueError as error:
        key = str(error).split(":")[0].split(" ")[0]
        raise CourseError(f"{place(path, key)}: {error}") from None
