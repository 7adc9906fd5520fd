"""Texture patches: what is promised of them, and that the two splits share no pixel."""

import sys

import numpy as np
import pytest

from pytools.data import patches

room = sys.modules["pytools.data.patches"]  # the name in the package is the function


@pytest.mark.parametrize(("split", "count"), [("train", 300), ("test", 200)])
def test_shapes_ranges_and_classes(split, count):
    images, labels = patches(split)
    assert images.shape == (count, 1, 64, 64) and images.dtype == np.float32
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [count // 10] * 10
    assert images.min() >= 0 and images.max() <= 1
    np.testing.assert_array_equal(images, patches(split)[0])


def test_brightness_and_contrast_give_nothing_away():
    images, _ = patches("train")
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), 0.5, atol=0.05)  # clipping moves it
    spread = images.std(axis=(1, 2, 3))
    assert spread.min() > 0.05 and spread.max() < 0.201  # few bright stars are cut off most


def test_the_splits_share_no_pixel(monkeypatch):
    """Photos whose grey says in which column a pixel lies: left ones for training only."""
    columns = {}

    def ramp(package, file):
        height, width = 900, 1000
        return np.broadcast_to(np.arange(width, dtype=float), (height, width))

    def note(photo, rng):
        columns.setdefault("now", []).append((photo.min(), photo.max()))
        return np.zeros((room.SIDE, room.SIDE))

    monkeypatch.setattr(room, "_grey", ramp)
    monkeypatch.setattr(room, "_cut", note)
    seen = {}
    for split in ("train", "test"):
        columns.clear()
        patches(split)
        seen[split] = columns["now"][:: room.PER_CLASS[split]]
    for (_, last), (first, _) in zip(seen["train"], seen["test"], strict=True):
        assert last < first


def test_other_splits_are_refused():
    with pytest.raises(ValueError, match="split of patches must be 'train' or 'test'"):
        patches("valid")


def test_a_missing_photo_says_what_to_do(monkeypatch):
    missing = {"brick": ("skimage", "data/no_such.png", (0, 1, 0, 1))}
    monkeypatch.setattr(room, "PHOTOS", missing)
    with pytest.raises(FileNotFoundError, match=r"no_such\.png is not there: run .*scikit-image"):
        patches("train")
