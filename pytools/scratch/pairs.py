"""Which pictures to compare: pairs, triplets, and the negatives that are hardest to tell apart.

Sources: Hadsell, Chopra & LeCun (2006), Dimensionality reduction by learning an invariant mapping;
Schroff, Kalenichenko & Philbin (2015), FaceNet: a unified embedding for face recognition.
"""

from __future__ import annotations

import numpy as np

from pytools.scratch.neighbours import pairwise_distance


def sample_pairs(
    labels: np.ndarray, num: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random pairs of two pictures, half of them of one class.

    labels (N,); num: an even number of pairs. Returns i, j and same, int64 (num,): places in
    labels with i ≠ j, and 1 where both have one label, else 0; num / 2 are 1. Of a pair that is
    the same, i is drawn evenly from all that have a partner; of one that is not, from all. j is
    drawn evenly from what i leaves. Raises ValueError where num is odd or negative, no class has
    two pictures, or there is one class only.
    """
    groups = _Groups(_labels(labels))
    if num < 0 or num % 2:
        raise ValueError(f"num must be an even number of pairs, half of each kind, but is {num}")
    i = np.concatenate(
        [groups.with_partner(num // 2, rng), rng.integers(len(labels), size=num // 2)]
    )
    j = np.concatenate([groups.alike(i[: num // 2], rng), groups.others(i[num // 2 :], rng)])
    same = np.repeat([1, 0], num // 2)
    order = rng.permutation(num)
    return i[order], j[order], same[order]


def sample_triplets(
    labels: np.ndarray, num: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random triplets: an anchor, another picture of its class, and one of another class.

    labels (N,). Returns a, p, n, int64 (num,), places in labels, drawn as in sample_pairs. Raises
    ValueError where no class has two pictures, or there is one class only.
    """
    groups = _Groups(_labels(labels))
    a = groups.with_partner(num, rng)
    return a, groups.alike(a, rng), groups.others(a, rng)


class _Groups:
    """Pictures in the order of their classes: those of one class lie side by side."""

    def __init__(self, labels: np.ndarray) -> None:
        classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(classes) < 2:
            raise ValueError(
                f"labels hold one class only ({_names(classes)}), so that no two pictures are of "
                "different classes: add pictures of another class"
            )
        if counts.max() < 2:
            raise ValueError(
                f"each of the {len(classes)} classes has one picture only, so that no two are of "
                "one class: add a second picture of at least one class"
            )
        self.order = np.argsort(codes, kind="stable")  # places in labels, class by class
        self.place = np.argsort(self.order)  # where each picture lies in that order
        self.count = counts[codes]
        self.start = (np.cumsum(counts) - counts)[codes]

    def with_partner(self, num: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(np.flatnonzero(self.count > 1), num)

    def alike(self, i: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Another picture of the class of each: some steps on from it, in a circle."""
        steps = self.place[i] - self.start[i] + rng.integers(1, self.count[i])
        return self.order[self.start[i] + steps % self.count[i]]

    def others(self, i: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A picture of any other class: some steps on from the end of its own, in a circle."""
        steps = rng.integers(0, len(self.order) - self.count[i])
        return self.order[(self.start[i] + self.count[i] + steps) % len(self.order)]


def hardest_negatives(emb: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each point, the nearest one (Euclidean) that has another label.

    emb (N, D), labels (N,). Returns int64 (N,), places in emb. Raises ValueError where the two do
    not fit, and where all labels are the same.
    """
    emb, labels = np.asarray(emb), _labels(labels, emb)
    if np.all(labels == labels[:1]):
        raise ValueError(
            f"labels hold one class only ({_names(labels[:1])}), so that no point has a negative: "
            "add points of another class"
        )
    distance = pairwise_distance(emb, emb, "l2")
    distance[labels[:, None] == labels] = np.inf
    return distance.argmin(axis=1)


def _labels(labels: np.ndarray, emb: np.ndarray | None = None) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"labels must be (N,), but have shape {labels.shape}")
    if emb is not None and (emb.ndim != 2 or len(emb) != len(labels)):
        raise ValueError(
            f"emb must be (N, D) with a row for each label, but is {emb.shape} for "
            f"{len(labels)} labels"
        )
    return labels


def _names(classes: np.ndarray) -> str:
    return ", ".join(map(str, classes)) or "none"
