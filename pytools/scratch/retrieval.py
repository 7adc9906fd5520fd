"""How good answers are: sentences found for pictures, words found for questions.

Sources: Hodosh, Young & Hockenmaier (2013), Framing image description as a ranking task (recall);
Antol et al. (2015), VQA: visual question answering (accuracy among ten annotators).
"""

from collections.abc import Sequence

import numpy as np


def recall_at_k_retrieval(sim: np.ndarray, k: int) -> float:
    """The share of queries whose right answer is among their k most similar ones.

    sim (N, N), finite: row i is query i, and its right answer is column i; k >= 1. Equally similar
    answers stand in the order of their columns, so that a model to which all are alike finds no
    more than chance does. Raises ValueError for a sim that is not square or not finite, or k below
    1.
    """
    sim = np.asarray(sim)
    if sim.ndim != 2 or sim.shape[0] != sim.shape[1] or not len(sim):
        raise ValueError(f"sim must be (N, N), queries by answers, but has shape {sim.shape}")
    if not np.all(np.isfinite(sim)):
        raise ValueError("sim holds NaN or inf: look at what made it")
    if k < 1:
        raise ValueError(f"k must be at least 1, but is {k}")
    right = np.diag(sim)[:, None]
    before = (sim > right) | np.tril(sim == right, -1)
    return float(np.mean(before.sum(axis=1) < k))


def answer_accuracy(pred: Sequence[str], answers: Sequence[Sequence[str]]) -> float:
    """The mean over questions of min(count / 3, 1): three people who say the same are enough.

    pred: an answer to each of Q questions; answers: for each of them what people said, a list of
    strings. count is how many of these are exactly pred's. Raises ValueError where they do not fit,
    or there is no question.
    """
    if len(pred) != len(answers) or not len(pred):
        raise ValueError(
            f"pred and answers must be of one length, 1 or more, but are {len(pred)} and "
            f"{len(answers)}"
        )
    counts = [list(said).count(word) for word, said in zip(pred, answers, strict=True)]
    return float(np.mean(np.minimum(np.array(counts) / 3, 1)))
