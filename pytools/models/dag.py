"""Modules beyond the straight line: several inputs, shared parameters, a look inside."""

from collections.abc import Sequence

from torch import Tensor, nn


class GatedSum(nn.Module):
    """z = x1 + x2 ∘ (W x3 + b), with ∘ entry by entry: three inputs, one output.

    W (10, 20) and b (10,) belong to an nn.Linear. Called with x1 (..., 10), x2 (..., 10) and
    x3 (..., 20), it returns z (..., 10).
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(20, 10)

    def forward(self, x1: Tensor, x2: Tensor, x3: Tensor) -> Tensor:
        return x1 + x2 * self.gate(x3)


def share_weights(model: nn.Module, names: Sequence[str]) -> None:
    """Let the layers of these names use the parameters of the first one, in place.

    names: as in model.named_modules(), "block.conv" for a layer inside a block; the layers have
    parameters of the same names and shapes. A shared parameter counts once, and its gradient is
    the sum over all its uses (LeCun, 1989, trained with shared weights). Raises AttributeError
    where a layer is not there.
    """
    first, *others = (model.get_submodule(name) for name in names)
    for layer in others:
        for name, parameter in first.named_parameters(recurse=False):
            setattr(layer, name, parameter)


def layer_outputs(model: nn.Module, names: Sequence[str], x: Tensor) -> dict[str, Tensor]:
    """What the layers of these names put out when the model runs on x.

    names: as in model.named_modules(). Returns name -> output. The forward hooks that it needs
    are gone afterwards, also where the model raises. Outputs are copied, since the next layer may
    write into them (ReLU(inplace=True)).
    """
    outputs, handles = {}, []

    def keep(name: str):
        def hook(layer, inputs, output):
            outputs[name] = output.clone()

        return hook

    try:
        for name in names:
            handles.append(model.get_submodule(name).register_forward_hook(keep(name)))
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs
