"""An operation with a backward of its own: the Huber loss."""

import torch
from torch import Tensor


class HuberFunction(torch.autograd.Function):
    """Mean over the batch of r²/2 where |r| ≤ delta, else delta (|r| - delta/2), r = pred - target.

    apply(pred, target, delta): pred and target (N,), delta a number > 0; returns a number, as a
    tensor. Its slope is r cut off at ±delta, so that one wild target moves little. Source: Huber
    (1964), Robust estimation of a location parameter.
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
