"""Pictures and sentences together: a space that they share, and a vector made of both.

Sources: Kiros, Salakhutdinov & Zemel (2014), Unifying visual-semantic embeddings with multimodal
neural language models, and Karpathy & Fei-Fei (2015), Deep visual-semantic alignments (the ranking
loss); Antol et al. (2015), VQA: visual question answering (the product).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor


def ranking_loss(sim: Tensor, margin: float) -> Tensor:
    """What a batch costs where a wrong partner comes nearer than the right one, less a margin.

    sim (N, N): the similarity of picture i and sentence j; those that belong together are on the
    diagonal. Returns (1/N) Σ_i Σ_{j≠i} max(0, m - s_ii + s_ij) + max(0, m - s_ii + s_ji): each
    picture against the other sentences, and each sentence against the other pictures.
    """
    right = sim.diagonal()
    others = ~torch.eye(len(sim), dtype=torch.bool, device=sim.device)
    sentences = F.relu(margin - right[:, None] + sim)[others]
    pictures = F.relu(margin - right + sim)[others]
    return (sentences.sum() + pictures.sum()) / len(sim)


def fuse(image: Tensor, question: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """tanh(image wi + bi) ⊙ tanh(question wq + bq): both brought to one width, and multiplied.

    image (N, D), question (N, Q); params: wi (D, F), bi (F,), wq (Q, F), bq (F,). Returns (N, F).
    """
    picture = torch.tanh(image @ params["wi"] + params["bi"])
    return picture * torch.tanh(question @ params["wq"] + params["bq"])
