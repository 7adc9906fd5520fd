"""MNIST, Fashion-MNIST and CIFAR-10: tiny sets of our own making, and the full ones if present."""

import gzip
import hashlib
import io
import os
import pickle
import tarfile
import urllib.request
import warnings
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from pytools.data import catalogue, cifar10, fashion_mnist, mnist

GREY_SETS = {"MNIST": mnist, "FashionMNIST": fashion_mnist}
SIZES = {"train": 12, "test": 5}
CLASSES = ("airplane", "automobile", "bird")


def refuse(*args, **kwargs):
    raise URLError("no network here")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test asks the network."""
    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def drawn(split, shape, classes=10):
    rng = np.random.default_rng(SIZES[split])
    n = SIZES[split]
    return rng.integers(0, 256, (n, *shape), np.uint8), rng.integers(0, classes, n, np.uint8)


def idx(array):
    """Bytes in MNIST's format: two zeros, type (8: bytes), axes, their lengths, the data."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


def idx_files():
    """Name without .gz -> bytes, of a tiny set in MNIST's layout."""
    files = {}
    for split, prefix in [("train", "train"), ("test", "t10k")]:
        images, labels = drawn(split, (28, 28))
        files[f"{prefix}-images-idx3-ubyte"] = idx(images)
        files[f"{prefix}-labels-idx1-ubyte"] = idx(labels)
    return files


def check_grey(loader, split, root):
    images, labels = loader(split, root)
    expected, expected_labels = drawn(split, (28, 28))
    assert images.shape == (SIZES[split], 1, 28, 28)
    assert images.dtype == np.float32 and labels.dtype == np.int64
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images[:, 0], expected.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(labels, expected_labels)


# --- MNIST's format -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", GREY_SETS)
@pytest.mark.parametrize("split", SIZES)
def test_unpacked_files(name, split, tmp_path):
    raw = tmp_path / name / "raw"
    raw.mkdir(parents=True)
    for file, content in idx_files().items():
        (raw / file).write_bytes(content)
    check_grey(GREY_SETS[name], split, tmp_path)


def write_packed(raw):
    """The files as .gz; their names and checksums as torchvision keeps them."""
    raw.mkdir(parents=True)
    packed = {f"{name}.gz": gzip.compress(content) for name, content in idx_files().items()}
    for name, content in packed.items():
        (raw / name).write_bytes(content)
    return [(name, hashlib.md5(content).hexdigest()) for name, content in packed.items()]


@pytest.mark.parametrize("name", GREY_SETS)
def test_packed_files_are_unpacked(name, tmp_path, monkeypatch):
    resources = write_packed(tmp_path / name / "raw")
    monkeypatch.setattr(getattr(datasets, name), "resources", resources)
    for split in SIZES:
        check_grey(GREY_SETS[name], split, tmp_path)


@pytest.mark.parametrize("name", GREY_SETS)
def test_packed_files_with_another_checksum_are_not_taken(name, tmp_path):
    write_packed(tmp_path / name / "raw")
    with pytest.raises(FileNotFoundError, match="no network here"):
        GREY_SETS[name]("train", tmp_path)


def test_root_is_the_course_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file, content in idx_files().items():
        (raw / file).write_bytes(content)
    check_grey(mnist, "test", None)


@pytest.mark.parametrize("name", GREY_SETS)
def test_offline_says_which_files_go_where(name, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        GREY_SETS[name]("train", tmp_path)
    text = str(error.value)
    assert "\n" not in text
    assert str(tmp_path / name / "raw") in text and "no network here" in text
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        assert f"{part}-ubyte.gz" in text


def test_a_damaged_file_is_said_to_be_one(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file, content in idx_files().items():
        (raw / file).write_bytes(content[:-100] if "images" in file else content)
    with pytest.raises(FileNotFoundError, match="in the place of any damaged file"):
        mnist("train", tmp_path)


# --- CIFAR-10 -----------------------------------------------------------------------------------


def write_batches(root, monkeypatch):
    """The tiny sets as CIFAR-10's pickled batches, and their sums in torchvision."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    lists = {}
    for split, name in [("train", "data_batch_1"), ("test", "test_batch")]:
        images, labels = drawn(split, (3, 32, 32))
        content = pickle.dumps({"data": images.reshape(len(images), -1), "labels": labels.tolist()})
        (folder / name).write_bytes(content)
        lists[split] = [[name, hashlib.md5(content).hexdigest()]]
    meta = pickle.dumps({"label_names": [str(i) for i in range(10)]})
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(datasets.CIFAR10, "train_list", lists["train"])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", lists["test"])
    sums = {**datasets.CIFAR10.meta, "md5": hashlib.md5(meta).hexdigest()}
    monkeypatch.setattr(datasets.CIFAR10, "meta", sums)


def write_jpeg_copy(root):
    """Pictures of one colour each, which JPEG keeps nearly as they are."""
    (root / "CIFAR10-jpeg").mkdir()
    with tarfile.open(root / "CIFAR10-jpeg" / "cifar10_jpeg.tar.xz", "w:xz") as archive:
        for split, count in [("train", 4), ("test", 2)]:
            for label, name in enumerate(CLASSES):
                for number in range(count):
                    colour = (80 * label, 60 * number, 40)
                    buffer = io.BytesIO()
                    Image.new("RGB", (32, 32), colour).save(buffer, "JPEG", quality=95)
                    member = tarfile.TarInfo(f"{split}/{name}/{number:04d}.jpg")
                    member.size = buffer.tell()
                    buffer.seek(0)
                    archive.addfile(member, buffer)


@pytest.mark.parametrize("split", SIZES)
def test_cifar_batches(split, tmp_path, monkeypatch):
    write_batches(tmp_path, monkeypatch)
    write_jpeg_copy(tmp_path)  # the original goes first
    images, labels = cifar10(split, tmp_path)
    expected, expected_labels = drawn(split, (3, 32, 32))
    assert images.dtype == np.float32 and labels.dtype == np.int64
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images, expected.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(labels, expected_labels)


@pytest.mark.parametrize("split, count", [("train", 4), ("test", 2)])
def test_cifar_from_the_jpeg_copy(split, count, tmp_path):
    write_jpeg_copy(tmp_path)
    with pytest.warns(UserWarning, match="from a JPEG copy, .*: not the original pixels"):
        images, labels = cifar10(split, tmp_path)
    assert images.shape == (3 * count, 3, 32, 32) and images.dtype == np.float32
    np.testing.assert_array_equal(labels, [0, 1, 2] * count)
    colours = [[80 * label, 60 * n, 40] for n in range(count) for label in range(3)]
    np.testing.assert_allclose(255 * images.mean(axis=(2, 3)), colours, atol=3)


def test_cifar_offline_says_which_file_goes_where(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        cifar10("test", tmp_path)
    text = str(error.value)
    assert "\n" not in text
    assert "put cifar-10-python.tar.gz there" in text and str(tmp_path) in text


def test_the_catalogue_tells_of_the_jpeg_copy():
    (entry,) = [entry for entry in catalogue() if entry.name == "cifar10"]
    assert "JPEG copy that lost some detail" in entry.what
    assert not entry.shipped


# --- all of them --------------------------------------------------------------------------------


@pytest.mark.parametrize("loader", [mnist, fashion_mnist, cifar10])
def test_another_split_is_refused(loader, tmp_path):
    with pytest.raises(ValueError, match="must be 'train' or 'test', but is 'valid'"):
        loader("valid", tmp_path)


def full(*parts):
    """$COURSE_DATA, if it holds this file; else the test is skipped."""
    root = os.environ.get("COURSE_DATA")
    if not root:
        pytest.skip("COURSE_DATA is not set")
    if not Path(root, *parts).exists():
        pytest.skip(f"{Path(*parts)} is not in COURSE_DATA")
    return Path(root)


@pytest.mark.parametrize("name", GREY_SETS)
def test_full_grey_set(name):
    """Both splits in one test, so that no two processes unpack the same files at once."""
    root = full(name, "raw", "train-images-idx3-ubyte.gz")
    for split, count in [("train", 60_000), ("test", 10_000)]:
        images, labels = GREY_SETS[name](split, root)
        assert images.shape == (count, 1, 28, 28) and images.dtype == np.float32
        assert (images.min(), images.max()) == (0.0, 1.0)
        counts = np.bincount(labels)
        assert labels.shape == (count,) and len(counts) == 10
        assert counts.min() > 0.08 * count and counts.max() < 0.12 * count


def test_full_cifar10_or_its_copy():
    root = full("CIFAR10-jpeg", "cifar10_jpeg.tar.xz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that this is the JPEG copy
        images, labels = cifar10("test", root)
    assert images.shape == (10_000, 3, 32, 32) and images.dtype == np.float32
    assert 0.0 <= images.min() < 0.05 and 0.95 < images.max() <= 1.0
    np.testing.assert_array_equal(np.bincount(labels), [1000] * 10)
    # Aeroplanes fly in the sky, deer stand in the green: mean blue less mean green tells them
    blue_less_green = (images[:, 2] - images[:, 1]).mean(axis=(1, 2))
    assert blue_less_green[labels == 0].mean() > blue_less_green[labels == 4].mean() + 0.03
