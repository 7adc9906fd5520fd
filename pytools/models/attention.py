"""What a net that writes captions is made of: where it looks, and what it pays.

Sources: Bahdanau, Cho & Bengio (2015), Neural machine translation by jointly learning to align and
translate (the scores); Xu et al. (2015), Show, attend and tell (over the places of a picture).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(features: Tensor, hidden: Tensor, params: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Look at the places of a picture, as much at each as the state of the writer asks for.

    features f (N, L, D): a vector for each of L places; hidden h (N, H): the state. params: wf
    (D, A), wh (H, A), b (A,), v (A,). The weights are the softmax over the places of
    vᵀ tanh(f wf + h wh + b), the context is the weighted sum of the features.
    Returns context (N, D), weights (N, L).
    """
    seen = features @ params["wf"] + (hidden @ params["wh"])[:, None] + params["b"]
    weights = torch.softmax(torch.tanh(seen) @ params["v"], dim=1)
    return (weights[:, :, None] * features).sum(dim=1), weights


def caption_loss(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Cross-entropy, the mean over the real words of all captions.

    logits (N, T, V); targets (N, T), ids; lengths (N,): how many of each row are real, the rest is
    padding and does not count, whatever stands there. Returns a number.
    """
    steps = torch.arange(targets.shape[1], device=targets.device)
    real = steps < lengths[:, None]
    return F.cross_entropy(logits[real], targets[real])
