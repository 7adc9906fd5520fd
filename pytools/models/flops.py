"""What a net costs, counted: floating-point operations, the same on every machine."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def forward_flops(model: nn.Module, shape: Sequence[int]) -> int:
    """Operations of a forward pass on one input of a shape, such as (1, 28, 28).

    Matrix products and convolutions are counted, two operations, a product and a sum, for each
    weight that is used; biases, activations and pooling are left out, as is usual. A linear layer
    costs 2·in·out, a convolution 2·in·out·F²·(places of the output).
    """
    parameter = next(model.parameters())
    x = torch.zeros(1, *shape, dtype=parameter.dtype, device=parameter.device)
    training = {module: module.training for module in model.modules()}
    model.eval()  # so that batch normalisation learns nothing from zeros
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(x)
    finally:
        for module, mode in training.items():
            module.training = mode
    return counter.get_total_flops()


def training_flops(model: nn.Module, shape: Sequence[int], examples: int) -> int:
    """Operations of training on so many examples, each counted as often as it is seen.

    Three times the forward pass: the way back takes a product for the gradient of each layer's
    input and one for that of its weights.
    """
    return 3 * forward_flops(model, shape) * examples


def parameters_of(net: nn.Module) -> int:
    """How many numbers of a net are learned."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
