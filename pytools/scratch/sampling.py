"""Batches in which every class counts alike.

Source: He & Garcia (2009), Learning from imbalanced data (random sampling by class).
"""

import numpy as np


def balanced_batch(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Random places in labels, int64 (size,), of all classes equally often.

    labels (N,). Class counts differ by at most 1; which classes get one more is drawn. No place
    comes twice unless its class is too small, and then as rarely as can be. Raises ValueError where
    labels are empty or size is below 1.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels must be (N,) with N > 0, but have shape {labels.shape}")
    if size < 1:
        raise ValueError(f"size must be at least 1, but is {size}")
    classes = rng.permutation(np.unique(labels))
    counts = size // len(classes) + (np.arange(len(classes)) < size % len(classes))
    batch = []
    for label, count in zip(classes, counts, strict=True):
        members = np.flatnonzero(labels == label)
        rounds = -(-count // len(members))  # more than one where the class is too small
        drawn = [rng.permutation(members) for _ in range(rounds)]
        batch.append(np.concatenate([members[:0], *drawn])[:count])
    return rng.permutation(np.concatenate(batch))
