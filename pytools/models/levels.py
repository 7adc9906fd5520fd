"""The net of 01 at PyTorch's three levels: one step of gradient descent in each.

The net is relu(x w1) w2, or any module, and the loss that of 01: 1/N Σ_n ‖pred_n - y_n‖², the mean
over the batch of the row sums of squares. Source: Paszke et al. (2019), PyTorch: an imperative
style, high-performance deep learning library.
"""

import torch
from torch import Tensor, nn


def tensor_step(x: Tensor, y: Tensor, w1: Tensor, w2: Tensor, lr: float) -> float:
    """One step by tensors alone: the gradients are those that 01 derives by hand.

    x (N, D), y (N, O), w1 (D, H), w2 (H, O), one float dtype; w1 and w2 are changed in place.
    Returns the loss before the step. relu'(0) = 0.
    """
    hidden = (x @ w1).clamp(min=0)
    error = hidden @ w2 - y
    grad_pred = 2 * error / len(x)
    grad_before = (grad_pred @ w2.T) * (hidden > 0)
    grad_w1, grad_w2 = x.T @ grad_before, hidden.T @ grad_pred
    w1 -= lr * grad_w1
    w2 -= lr * grad_w2
    return squared_error(error)


def autograd_step(x: Tensor, y: Tensor, w1: Tensor, w2: Tensor, lr: float) -> float:
    """The same step where the tape finds the gradients.

    Shapes as in tensor_step; w1 and w2 require gradients and are changed in place. Their `.grad`
    is None afterwards. Returns the loss before the step.
    """
    loss = ((torch.relu(x @ w1) @ w2 - y) ** 2).sum() / len(x)
    loss.backward()
    descend([w1, w2], lr)
    return loss.item()


def module_step(model: nn.Module, x: Tensor, y: Tensor, lr: float) -> float:
    """The same step for any model that maps x to something of the shape of y.

    x (N, ...), y (N, ...). Parameters that got no gradient, frozen or unused, stay what they are.
    Returns the loss before the step.
    """
    loss = ((model(x) - y) ** 2).sum() / len(x)
    loss.backward()
    descend(model.parameters(), lr)
    return loss.item()


def squared_error(error: Tensor) -> float:
    """1/N Σ_n ‖error_n‖² of an error (N, O)."""
    return (error**2).sum().item() / len(error)


@torch.no_grad()
def descend(parameters, lr: float) -> None:
    """Move each parameter against its gradient, in place, and clear the gradient."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter -= lr * parameter.grad
            parameter.grad = None
