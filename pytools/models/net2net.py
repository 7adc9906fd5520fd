"""Net2Net on real modules: a trained net made wider or deeper in place, its optimiser too.

Source: Chen, Goodfellow & Shlens (2016), Net2Net: accelerating learning via knowledge transfer.
That an identity layer is not enough under ELU, and what is, follows from ELU ≥ -alpha (Clevert,
Unterthiner & Hochreiter, 2016).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pytools.models.call_graph import CallGraph, Shift
from pytools.scratch import copy_units

# How an optimiser's memory of a parameter goes with its gradient: as it, or as its square.
ORDERS = {"momentum_buffer": 1, "exp_avg": 1, "exp_avg_sq": 2, "max_exp_avg_sq": 2}

# What a module calls the sizes of its weight's first two axes.
SIZES = {
    nn.Linear: ("out_features", "in_features"),
    nn.Conv2d: ("out_channels", "in_channels"),
    nn.BatchNorm1d: ("num_features",),
    nn.BatchNorm2d: ("num_features",),
}


def widen(
    model: nn.Module,
    name: str,
    new_width: int,
    rng: np.random.Generator,
    noise: float = 0.0,
    optimizer: Optimizer | None = None,
) -> None:
    """Give a layer more units or channels, in place; with noise 0 the model's outputs stay.

    name: of an nn.Linear or nn.Conv2d, as in model.named_modules(). The layers that it feeds are
    made to fit, through activations, pooling, batch normalisation, flattening and the mean over all
    places. New units copy random old ones, drawn from rng; noise from N(0, noise²) is added to
    their incoming weights. Parameters become new objects without a `.grad`.
    optimizer: SGD, Adam or AdamW, which then goes on with the new parameters; what it remembers is
    what it would, had the net been this wide all along.
    Raises ValueError, and changes nothing, where new_width is below the old width, the name is not
    that of such a layer, it is the last one, or something in the model can't be followed.
    """
    graph = CallGraph(model)
    layer = graph.layer(name)
    width = len(layer.weight)
    source, share = copy_units(width, new_width, rng)
    norms, following = graph.fed_by(name)
    axes = {module: 0 for module in (layer, *norms)} | {module: 1 for module in following}
    _check_optimizer(optimizer, [p for module in axes for p in module.parameters()])

    for module, axis in axes.items():
        places = getattr(module, SIZES[type(module)][axis]) // width  # entries that a unit has
        entries = (source[:, None] * places + np.arange(places)).ravel()
        _take(module, axis, entries, np.repeat(share, places), optimizer)
    with torch.no_grad():
        clones = layer.weight[width:]
        clones += torch.tensor(noise * rng.standard_normal(clones.shape)).to(clones)


def deepen(
    model: nn.Module, after: str, kernel_size: int = 3, optimizer: Optimizer | None = None
) -> str:
    """Put a layer that changes nothing after a layer's activation, in place.

    after: the name of an nn.Linear, or of an nn.Conv2d, followed by nn.ReLU or nn.ELU, with or
    without batch normalisation between. The activation becomes an nn.Sequential of itself, the new
    layer and another activation, so that all other names stay. kernel_size: odd, of a convolution.

    relu(relu(h)) = relu(h), so a ReLU takes the identity as it is. ELU bends what is negative a
    second time; but h ≥ -alpha, and ELU(h + alpha) - alpha = h. So there the new layer gets a bias
    of alpha, and a Shift of -alpha follows. No batch normalisation comes with the new layer: to
    change nothing, it would have to know the mean and the spread of what comes in.
    optimizer: gets the new parameters, into the group of the old layer's weight.
    Returns the new layer's name. Raises ValueError, and changes nothing, for other layers or
    activations and for an even kernel_size.
    """
    graph = CallGraph(model)
    layer = graph.layer(after)
    where, activation = graph.activation_after(after)
    _check_optimizer(optimizer, [layer.weight])
    new = _identity_like(layer, kernel_size)
    block = [activation, new, copy.deepcopy(activation)]
    if isinstance(activation, nn.ELU):
        nn.init.constant_(new.bias, activation.alpha)
        block.append(Shift(-activation.alpha))
    parent, _, child = where.rpartition(".")
    setattr(model.get_submodule(parent), child, nn.Sequential(*block).train(activation.training))
    for group in optimizer.param_groups if optimizer else []:
        if any(p is layer.weight for p in group["params"]):
            group["params"].extend(new.parameters())
    return f"{where}.1"


def grow(model: nn.Sequential, plan: Sequence[tuple], rng: np.random.Generator) -> nn.Sequential:
    """A new, grown model that computes what the old one does; the old one stays as it is.

    model: nn.Sequential of nn.Linear and nn.ReLU. plan: steps ("wide", i, width) and ("deep", i),
    done in order; i counts the nn.Linear layers of the model as the steps before left it, from 0.
    Raises ValueError for any other step, a layer that is not there, or the last one.
    """
    layers = _in_a_row(copy.deepcopy(model))
    foreign = {type(layer).__name__ for layer in layers} - {"Linear", "ReLU"}
    if foreign:
        raise ValueError(
            f"model must be an nn.Sequential of Linear and ReLU, but holds {', '.join(foreign)}"
        )
    for step in plan:
        linear = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
        match step:
            case ("wide", i, new_width) if i in range(len(linear) - 1):
                layer, following = layers[linear[i]], layers[linear[i + 1]]
                source, share = copy_units(layer.out_features, new_width, rng)
                _take(layer, 0, source, share, None)
                _take(following, 1, source, share, None)
            case ("deep", i) if i in range(len(linear) - 1):
                after = linear[i] + 1
                if not isinstance(layers[after], nn.ReLU):
                    raise ValueError(f"Linear layer {i} has no ReLU after it, so {step!r} can't be")
                layers[after:after] = [nn.ReLU(), _identity_like(layers[linear[i]])]
            case _:
                raise ValueError(
                    'a step of the plan must be ("wide", i, width) or ("deep", i), with i below '
                    f"{len(linear) - 1}, the number of the last Linear layer, but is {step!r}"
                )
    return nn.Sequential(*layers)


def _take(
    module: nn.Module,
    axis: int,
    entries: np.ndarray,
    share: np.ndarray,
    optimizer: Optimizer | None,
) -> None:
    """Let a module's tensors take these entries along an axis, the optimiser's memory with them.

    Axis 0 holds the units themselves: copies have equal values, and share a gradient. Along axis 1
    lies what the next layer makes of them: copies share the value, and have equal gradients.
    """

    def taken(tensor: Tensor, power: int) -> Tensor:
        index = torch.as_tensor(entries, device=tensor.device)
        shape = [-1 if i == axis else 1 for i in range(tensor.ndim)]
        factor = torch.as_tensor(share**power).to(tensor).reshape(shape)
        return tensor.detach().index_select(axis, index) * factor

    setattr(module, SIZES[type(module)][axis], len(entries))
    for key, buffer in module.named_buffers():
        if buffer.ndim > axis:
            setattr(module, key, taken(buffer, 0))
    for key, old in list(module.named_parameters()):
        if old.ndim <= axis:
            continue
        new = nn.Parameter(taken(old, axis), requires_grad=old.requires_grad)
        setattr(module, key, new)
        if optimizer:
            for group in optimizer.param_groups:
                group["params"] = [new if p is old else p for p in group["params"]]
            optimizer.state[new] = {
                name: taken(memory, (1 - axis) * ORDERS[name])
                if name in ORDERS and memory is not None
                else memory
                for name, memory in optimizer.state.pop(old, {}).items()
            }


def _identity_like(layer: nn.Module, kernel_size: int = 3) -> nn.Module:
    """A layer that changes nothing of what a layer puts out, on its device and in its dtype."""
    width, like = len(layer.weight), {"device": layer.weight.device, "dtype": layer.weight.dtype}
    if isinstance(layer, nn.Linear):
        new = nn.utils.skip_init(nn.Linear, width, width, **like)
        nn.init.eye_(new.weight)
    else:
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, to have a middle, but is {kernel_size}")
        size = {"kernel_size": kernel_size, "padding": kernel_size // 2}
        new = nn.utils.skip_init(nn.Conv2d, width, width, **size, **like)
        nn.init.dirac_(new.weight)
    nn.init.zeros_(new.bias)
    return new


def _check_optimizer(optimizer: Optimizer | None, parameters: Sequence[nn.Parameter]) -> None:
    """Refuse an optimiser that lacks learned parameters, or of whose memory no rule is known."""
    if optimizer is None:
        return
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for parameter in parameters:
        if parameter.requires_grad and id(parameter) not in held:
            shape = tuple(parameter.shape)
            raise ValueError(
                f"optimizer must hold the model's parameters, but lacks one of shape {shape}"
            )
    unknown = {key for memory in optimizer.state.values() for key in memory} - {*ORDERS, "step"}
    if unknown:
        name = type(optimizer).__name__
        raise ValueError(f"optimizer must be SGD, Adam or AdamW; {name} keeps {sorted(unknown)}")


def _in_a_row(model: nn.Module) -> list[nn.Module]:
    """The layers of nested nn.Sequentials, one after the other."""
    if not isinstance(model, nn.Sequential):
        return [model]
    return [layer for child in model for layer in _in_a_row(child)]
