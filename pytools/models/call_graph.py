"""Which layer of a model feeds which: what Net2Net has to know before it changes one.

The model's forward is run once with a placeholder instead of numbers (torch.fx), so that branches
and functions are seen as they are called, not as they are listed.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

LAYERS = (nn.Linear, nn.Conv2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

# What works unit by unit, or channel by channel: it may stand between a layer and the next one.
UNITWISE = (
    *(nn.ReLU, nn.ELU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Identity),
    *(nn.Dropout, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d),
)
FUNCTIONS = (torch.relu, torch.tanh, torch.sigmoid, F.relu, F.elu, "relu", "tanh", "sigmoid")


class Shift(nn.Module):
    """x + by, with a number that is not learned."""

    def __init__(self, by: float):
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by

    def extra_repr(self) -> str:
        return f"{self.by:+g}"


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, Shift) or super().is_leaf_module(module, name)


class CallGraph:
    """The calls of a model's layers. Raises ValueError where the model can't be followed."""

    def __init__(self, model: nn.Module):
        self.modules = dict(model.named_modules(remove_duplicate=False))
        try:
            self.calls = list(_Tracer().trace(model).nodes)
        except Exception as error:  # whatever the model's own forward does with a placeholder
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(f"the model's forward can't be followed: {reason}") from error

    def layer(self, name: str) -> nn.Module:
        """The nn.Linear or nn.Conv2d of this name."""
        found = self.modules.get(name)
        if not _is_layer(found):
            names = ", ".join(repr(n) for n, module in self.modules.items() if _is_layer(module))
            what = "is not there" if found is None else f"is a {type(found).__name__}"
            raise ValueError(f"name must be one of {names}, but {name!r} {what}")
        return found

    def fed_by(self, name: str) -> tuple[list[nn.Module], list[nn.Module]]:
        """The batch normalisations that a layer feeds, and the layers that are the next ones."""
        norms, layers, seen = [], [], set()
        waiting = [(node, type(self.layer(name)) is nn.Linear) for node in self._call(name).users]
        while waiting:
            node, flat = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            module = self._module(node)
            if _is_layer(module) and flat == (type(module) is nn.Linear):
                self._call(node.target)
                layers.append(module)
                continue
            if type(module) in NORMS:
                self._call(node.target)
                norms.append(module)
            elif node.op == "output":
                raise ValueError(f"{name!r} is the last layer: its outputs are the model's own")
            elif not (_keeps_units_apart(node, module) or (_flattens(node, module) and not flat)):
                what = type(module).__name__ if module else f"{node.op} {node.name}"
                raise ValueError(f"{name!r} feeds {what}, through which widening can't be followed")
            waiting += [(user, flat or _flattens(node, module)) for user in node.users]
        return norms, layers

    def activation_after(self, name: str) -> tuple[str, nn.Module]:
        """The nn.ReLU or nn.ELU after a layer and its batch normalisation, and its name."""
        self.layer(name)
        (node,) = tuple(self._call(name).users)[:1]
        while type(self._module(node)) in NORMS:
            (node,) = tuple(node.users)[:1]
        module = self._module(node)
        if not isinstance(module, (nn.ReLU, nn.ELU)):
            what = type(module).__name__ if module else f"the {node.op} {node.name}"
            raise ValueError(f"{name!r} must feed an nn.ReLU or nn.ELU, but feeds {what}")
        self._call(node.target)
        return node.target, module

    def _module(self, node: fx.Node) -> nn.Module | None:
        return self.modules[node.target] if node.op == "call_module" else None

    def _call(self, name: str) -> fx.Node:
        """The one place where a module is called, whose parameters no other module has."""
        module, found = self.modules[name], []
        for node in self.calls:
            other = self._module(node)
            shared = other and {*map(id, other.parameters())} & {*map(id, module.parameters())}
            if other is module or shared:
                found.append(node)
        if len(found) != 1:
            raise ValueError(f"{name!r} must be used once in the model, but {len(found)} calls do")
        return found[0]


def _is_layer(module: nn.Module | None) -> bool:
    """Whether it is a plain layer: no subclass, no groups."""
    return type(module) in LAYERS and getattr(module, "groups", 1) == 1


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether maps (N, K, H, W) become rows, (N, K·H·W) or (N, K), channel after channel."""
    if module is not None:
        return isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1)
    second = node.args[1] if len(node.args) > 1 else None
    if node.target in (torch.flatten, "flatten"):
        return node.kwargs.get("start_dim", second) == 1
    if node.target in (torch.mean, "mean") and not node.kwargs.get("keepdim"):
        places = node.kwargs.get("dim", second)
        return isinstance(places, (list, tuple)) and sorted(d % 4 for d in places) == [2, 3]
    return False


def _keeps_units_apart(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether each unit goes through a node on its own, and the units keep their order."""
    return isinstance(module, (*UNITWISE, Shift)) if module else node.target in FUNCTIONS
