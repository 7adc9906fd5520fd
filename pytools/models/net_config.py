"""A net as plain data: what a net file says, and the module that is built of it.

Source of the idea: Jia et al. (2014), Caffe: convolutional architecture for fast feature embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pytools.errors import CourseError
from pytools.models.yaml_file import place, read_yaml, unknown

# The layers of a config: classes of torch.nn, and those of their arguments that may be given.
LAYERS = {
    "Conv2d": ("out_channels", "kernel_size", "stride", "padding"),
    "Linear": ("out_features",),
    "MaxPool2d": ("kernel_size", "stride"),
    "AvgPool2d": ("kernel_size", "stride"),
    "AdaptiveAvgPool2d": ("output_size",),
    "Flatten": (),
    "ReLU": (),
    "ELU": (),
    "Tanh": (),
    "Dropout": ("p",),
}
COMMON = ("type", "name", "lr_mult", "decay_mult")  # may stand on every layer


class UnknownWord(ValueError):
    """A word in a config that is not known, and where a file would have it."""

    def __init__(self, word: Any, text: str) -> None:
        super().__init__(text)
        self.word = str(word)


def build_net(config: Mapping[str, Any]) -> nn.Sequential:
    """The net of a config, {"input": [C, H, W], "layers": [layer, ...]}.

    A layer is a dict. Its "type" is a name of LAYERS, its other keys are arguments of that class
    of torch.nn; in_channels and in_features follow from what comes before. "name" is the layer's
    name in the net, its number in the list where none is given. "lr_mult" and "decay_mult" are
    for the optimiser. ValueError for an unknown type or key, with the nearest known one, for a
    name that comes twice, and for sizes that do not fit. The config stays unchanged.
    """
    for key in config:
        require_known("key", key, ("input", "layers"))
    missing = [key for key in ("input", "layers") if not config.get(key)]
    if missing:
        raise ValueError(f"{missing[0]!r} is missing; a net has an input and layers")
    net = nn.Sequential()
    try:
        x = torch.zeros(1, *config["input"])
    except (TypeError, RuntimeError):
        text = f"input must be a shape such as [1, 28, 28], but is {config['input']!r}"
        raise ValueError(text) from None
    for number, layer in enumerate(config["layers"]):
        if not isinstance(layer, Mapping) or "type" not in layer:
            raise ValueError(f"layer {number} must be of the form {{type: ReLU}}, but is {layer!r}")
        name, kind = str(layer.get("name", number)), layer["type"]
        try:
            module = make_layer(layer, x)
            x = module(x).detach()
            if name in dict(net.named_children()):
                raise ValueError("another layer has this name")
            net.add_module(name, module)
        except UnknownWord:
            raise
        except (TypeError, ValueError, KeyError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"layer {name!r} ({kind}) does not fit: {reason}") from None
    return net


def make_layer(layer: Mapping[str, Any], x: torch.Tensor) -> nn.Module:
    """The module of one layer, for an input like x (1, ...)."""
    kind = layer["type"]
    require_known("layer type", kind, LAYERS)
    for key in layer:
        require_known(f"key of {kind}", key, (*LAYERS[kind], *COMMON))
    sizes = {key: layer[key] for key in LAYERS[kind] if key in layer}
    if kind == "Conv2d":
        sizes["in_channels"] = x.shape[1]
    if kind == "Linear":
        sizes["in_features"] = x.shape[-1]
    return getattr(nn, kind)(**sizes)


def require_known(what: str, word: Any, known: Any) -> None:
    """UnknownWord, a ValueError, where it is not."""
    if word not in known:
        raise UnknownWord(word, unknown(what, word, known))


def multipliers(config: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Layer name -> its lr_mult and decay_mult; 1.0 where none is given."""
    found = {}
    for number, layer in enumerate(config["layers"]):
        name = str(layer.get("name", number))
        pair = [layer.get(key, 1.0) for key in ("lr_mult", "decay_mult")]
        if not all(isinstance(value, (int, float)) and value >= 0 for value in pair):
            raise ValueError(
                f"layer {name!r}: lr_mult and decay_mult must be numbers of at least 0"
            )
        found[name] = (float(pair[0]), float(pair[1]))
    return found


def read_net(path: Path) -> dict[str, Any]:
    """The config in a net file, proved by building it once.

    CourseError names the file, the line where that is known, and what is wrong.
    """
    config = read_yaml(path)
    try:
        with torch.random.fork_rng(devices=[]):
            build_net(config)
        multipliers(config)
    except UnknownWord as error:
        raise CourseError(f"{place(path, error.word)}: {error}") from None
    except ValueError as error:
        raise CourseError(f"{path}: {error}") from None
    return config
