"""Between arrays and words in cases, and torch. Torch is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytools.exercise import Unusable, plain


@dataclass(frozen=True)
class Model:
    """A torch module in words. make builds it from torch.nn; its weights are drawn from seed."""

    words: str
    make: Callable[[Any], Any]
    seed: int

    def build(self, like: np.ndarray) -> Any:
        """The module, in the precision of an array."""
        import torch

        with torch.random.fork_rng(devices=[]):
            module = self.make(torch.nn).to(torch.tensor(like).dtype)
        rng = np.random.default_rng(self.seed)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.tensor(rng.uniform(-1, 1, parameter.shape)))
        return module

    def __repr__(self) -> str:
        return self.words


def tensors(*arrays: np.ndarray, learned: bool = False) -> list:
    """Copies of arrays as tensors; with learned, they require gradients."""
    import torch

    return [torch.tensor(array, requires_grad=learned) for array in arrays]


def in_a_row(values: Sequence[Any]) -> np.ndarray:
    """The entries of tensors or arrays of any shape, one after the other."""
    arrays = [plain(value).ravel() for value in values]
    return np.concatenate(arrays) if arrays else np.zeros(0)


def require_unchanged(given: Mapping[str, np.ndarray], now: Sequence[Any]) -> None:
    """Unusable where a tensor does not hold what it held."""
    for (name, before), after in zip(given.items(), now, strict=True):
        after = plain(after, name)
        if after.shape != before.shape or not np.allclose(after, before, rtol=1e-6, atol=1e-9):
            raise Unusable("changed", f"It changed its input {name}.")
