"""Augmented pictures keep what they must."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.scratch import augment


@given(seed=st.integers(0, 2**20), h=st.integers(2, 12), w=st.integers(2, 12))
@settings(max_examples=20, deadline=None)
def test_augment_keeps_shape_range_and_input(seed, h, w):
    rng = np.random.default_rng(seed)
    image = rng.random((h, w, 3)).astype(rng.choice([np.float32, np.float64]))
    before = image.copy()
    first, again = (augment(image, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == image.shape and first.dtype == image.dtype
    assert first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert not np.array_equal(first, image)
