"""Padded sequences, reversed within their own length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import reverse_padded


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 6), st.integers(0, 2))
def test_each_sequence_within_its_length(seed, n, steps, more):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, steps, *[3] * more))
    lengths = rng.integers(0, steps + 1, n)
    before = x.copy()
    turned = reverse_padded(x, lengths)
    for row, sequence, length in zip(turned, x, lengths, strict=True):
        np.testing.assert_array_equal(row[:length], sequence[:length][::-1])
        np.testing.assert_array_equal(row[length:], sequence[length:])
    np.testing.assert_array_equal(reverse_padded(turned, lengths), x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    "x, lengths, words",
    [
        (np.zeros(3), [3], r"x must be \(N, T, ...\)"),
        (np.zeros((2, 3)), [3], "lengths N ints"),
        (np.zeros((1, 3)), [1.5], "lengths N ints"),
        (np.zeros((2, 3)), [3, 4], r"lengths must be 0 to 3, but are \[3, 4\]"),
        (np.zeros((2, 3)), [-1, 1], r"lengths must be 0 to 3, but are \[-1, 1\]"),
    ],
)
def test_bad_lengths_are_refused(x, lengths, words):
    with pytest.raises(ValueError, match=words):
        reverse_padded(x, lengths)
