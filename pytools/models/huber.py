"""The Huber loss: with a backward of its own, and with autograd's.

Source: Huber (1964), Robust estimation of a location parameter.
"""

import torch
from torch import Tensor


class HuberFunction(torch.autograd.Function):
    """Mean over the batch of r²/2 where |r| ≤ delta, else delta (|r| - delta/2), r = pred - target.

    apply(pred, target, delta): pred and target (N,), delta a number > 0; returns a number, as a
    tensor. Its slope is r cut off at ±delta, so that one wild target moves little.
    """

    @staticmethod
    def forward(ctx, pred: Tensor, target: Tensor, delta: float) -> Tensor:
        residual = pred - target
        slope = residual.clamp(-delta, delta)
        ctx.save_for_backward(slope)
        return (slope * (residual - slope / 2)).mean()

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        (slope,) = ctx.saved_tensors
        grad_pred = grad * slope / slope.numel()
        return grad_pred, -grad_pred, None  # delta is no tensor: it has no gradient


def huber_loss(pred: Tensor, target: Tensor, delta: float) -> Tensor:
    """The mean of d²/2 where |d| <= delta, else of delta (|d| - delta/2), with d = pred - target.

    pred, target: tensors of one shape; delta > 0. Returns a number, as a tensor. Raises ValueError
    where the shapes differ: they would be broadcast to all pairs.
    """
    if pred.shape != target.shape:
        raise ValueError(
            f"pred and target must have one shape, but have {tuple(pred.shape)} and "
            f"{tuple(target.shape)}"
        )
    distance = (pred - target).abs()
    inside = distance.clamp(max=delta)
    return (inside * (distance - inside / 2)).mean()
