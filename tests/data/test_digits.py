"""Digits: shapes, and a split that is stratified, disjoint and always the same."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pytools.data import digits


def rows(images):
    """Each image as 64 whole numbers, hashable."""
    return [tuple(row) for row in np.rint(16 * images).astype(int).reshape(-1, 64).tolist()]


@pytest.mark.parametrize(("split", "count"), [("train", 1442), ("test", 355)])
def test_shapes_types_and_range(split, count):
    images, labels = digits(split)
    assert images.shape == (count, 1, 8, 8)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert labels.shape == (count,)
    assert labels.dtype == np.int64


def test_the_splits_are_the_whole_set_without_overlap():
    parts = [digits(split) for split in ("train", "test")]
    ours = sorted(
        (row, label)
        for images, labels in parts
        for row, label in zip(rows(images), labels.tolist(), strict=True)
    )
    images, labels = load_digits(return_X_y=True)
    assert ours == sorted(zip(rows(images / 16), labels.tolist(), strict=True))
    assert not set(rows(parts[0][0])) & set(rows(parts[1][0]))


def test_every_class_gives_a_fifth_to_the_test():
    train, test = (np.bincount(digits(split)[1]) for split in ("train", "test"))
    assert len(train) == len(test) == 10
    np.testing.assert_array_equal(test, (train + test) // 5)


def test_the_split_is_the_same_each_time_and_safe_to_change():
    images, labels = digits("test")
    first = images.copy()
    images[:] = 0
    again, labels_again = digits("test")
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(labels_again, labels)


@pytest.mark.parametrize("split", ["valid", "Train", None])
def test_another_split_is_refused(split):
    with pytest.raises(ValueError, match="must be 'train' or 'test', but is") as error:
        digits(split)
    assert repr(split) in str(error.value)
