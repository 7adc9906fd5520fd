"""How good the answers of a classifier are, in one number and in a table."""

import torch
from torch import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """The share of rows whose largest logit is that of the label.

    logits (N, C), floats; labels (N,), int64, 0 to C - 1; N at least 1.
    """
    return (logits.argmax(dim=1) == labels).sum().item() / len(labels)


def confusion_matrix(pred: Tensor, true: Tensor, num_classes: int) -> Tensor:
    """How often class t was taken for class p: entry [t, p] of an int64 tensor (K, K).

    pred (N,) and true (N,): int64, 0 to K - 1, where K is num_classes. Its sum is N, its diagonal
    holds what was right.
    """
    pairs = true * num_classes + pred  # a number of its own for each pair
    counts = torch.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)
