"""What a distance is taught by: the losses of Siamese and triplet nets.

Each takes the tensors of a batch and returns the batch's mean, one number. Sources: Hadsell, Chopra
& LeCun (2006), Dimensionality reduction by learning an invariant mapping; Schroff, Kalenichenko &
Philbin (2015), FaceNet; Hoffer & Ailon (2015), Deep metric learning using triplet network.
"""

import torch.nn.functional as F
from torch import Tensor


def l1_distance(a: Tensor, b: Tensor) -> Tensor:
    """Σ_d |a_nd - b_nd|: a, b (N, D) -> (N,)."""
    return (a - b).abs().sum(dim=1)


def hinge_embedding(distance: Tensor, same: Tensor, margin: float) -> Tensor:
    """The mean of E where a pair is the same, and of max(0, margin - E) where it is not.

    distance (N,), E >= 0; same (N,), 1 or 0; margin > 0. Returns a number.
    """
    return (same * distance + (1 - same) * F.relu(margin - distance)).mean()


def triplet_loss(a: Tensor, p: Tensor, n: Tensor, alpha: float) -> Tensor:
    """The mean of max(0, ‖a - p‖² - ‖a - n‖² + alpha), squared Euclidean distances.

    a, p, n (N, D): anchors, others of their class, ones of another class. Returns a number.
    """
    near, far = ((a - p) ** 2).sum(dim=1), ((a - n) ** 2).sum(dim=1)
    return F.relu(near - far + alpha).mean()


def distance_ratio(d_same: Tensor, d_diff: Tensor) -> Tensor:
    """The mean of -log(e^-Ds / (e^-Ds + e^-Dd)) = softplus(Ds - Dd), stable at any distance.

    d_same, d_diff (N,): distances of an anchor to its own and to another class. Returns a number.
    """
    return F.softplus(d_same - d_diff).mean()
