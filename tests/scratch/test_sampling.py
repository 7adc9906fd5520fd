"""Balanced batches: what every one of them has in common."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import balanced_batch


@given(seed=st.integers(0, 2**20), size=st.integers(1, 40), classes=st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_a_batch_is_balanced_and_repeats_only_what_it_must(seed, size, classes):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(3 * np.arange(classes), rng.integers(1, 12, classes)))
    batch = balanced_batch(labels, size, rng)
    assert batch.shape == (size,) and batch.dtype == np.int64
    counts = [np.sum(labels[batch] == label) for label in np.unique(labels)]
    assert max(counts) - min(counts) <= 1
    for label, count in zip(np.unique(labels), counts, strict=True):
        times = np.bincount(batch[labels[batch] == label], minlength=len(labels))
        assert times.max(initial=0) == -(-count // np.sum(labels == label))


@pytest.mark.parametrize(
    "labels, size, message",
    [([], 4, "N > 0"), ([[1, 2]], 2, r"have shape \(1, 2\)"), ([1, 2], 0, "at least 1, but is 0")],
)
def test_no_batch_can_be_drawn(labels, size, message):
    with pytest.raises(ValueError, match=message):
        balanced_batch(np.array(labels), size, np.random.default_rng(0))
