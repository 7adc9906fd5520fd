"""MNIST, Fashion-MNIST and CIFAR-10, through torchvision: downloaded once, then read from disk."""

import os
import socket
import tarfile
import warnings
from http.client import HTTPException
from pathlib import Path

import numpy as np

from pytools.data.registry import DataSet, data_root, register

Arrays = tuple[np.ndarray, np.ndarray]

GREY = "images float32 (N, 1, 28, 28) in [0, 1], labels int64 (N,); N is 60000 and 10000"
COLOUR = "images float32 (N, 3, 32, 32) in [0, 1], labels int64 (N,); N is 50000 and 10000"

MNIST = register(
    DataSet(
        name="mnist",
        what="70,000 handwritten digits, 0 to 9, 28×28 pixels",
        shape=GREY,
        licence="not stated with the files; commonly given as CC BY-SA 3.0",
        source="LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to "
        "document recognition; files of torchvision.datasets.MNIST",
    )
)
FASHION_MNIST = register(
    DataSet(
        name="fashion_mnist",
        what="70,000 garments and shoes of 10 kinds, 28×28 pixels",
        shape=GREY,
        licence="MIT, (c) 2017 Zalando SE",
        source="Xiao, Rasul & Vollgraf (2017), arXiv:1708.07747; files of "
        "torchvision.datasets.FashionMNIST",
    )
)
CIFAR10 = register(
    DataSet(
        name="cifar10",
        what="60,000 colour photographs of animals and vehicles, 10 classes, 32×32 pixels; where "
        "the original is absent, a JPEG copy that lost some detail",
        shape=COLOUR,
        licence="none stated; its authors ask to be cited",
        source="Krizhevsky (2009), Learning multiple layers of features from tiny images; files "
        "of torchvision.datasets.CIFAR10, or a JPEG copy in CIFAR10-jpeg/cifar10_jpeg.tar.xz",
    )
)

PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
IDX_FILES = ", ".join(f"{part}-ubyte.gz" for part in PARTS)
JPEG_COPY = Path("CIFAR10-jpeg", "cifar10_jpeg.tar.xz")
PATIENCE = 30  # seconds without an answer, after which a connection counts as none


def mnist(split: str, root: str | os.PathLike | None = None) -> Arrays:
    """Images and labels of MNIST's handwritten digits.

    split: 'train' (60,000) or 'test' (10,000). root: the folder that holds MNIST/raw, see
    data_root; what is missing there is downloaded (11 MB) and checked.

    Returns images, float32 (N, 1, 28, 28) in [0, 1], 0 being paper and 1 ink, and labels, int64
    (N,), 0 to 9. Raises ValueError for any other split; FileNotFoundError, with the files and
    their folder, where the set neither is there nor can be downloaded.
    Source: LeCun, Bottou, Bengio & Haffner (1998).
    """
    return _idx(MNIST, "MNIST", split, root)


def fashion_mnist(split: str, root: str | os.PathLike | None = None) -> Arrays:
    """Images and labels of Fashion-MNIST.

    As `mnist`, with FashionMNIST/raw (30 MB). Labels: 0 T-shirt or top, 1 trousers, 2 pullover,
    3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
    Source: Xiao, Rasul & Vollgraf (2017).
    """
    return _idx(FASHION_MNIST, "FashionMNIST", split, root)


def cifar10(split: str, root: str | os.PathLike | None = None) -> Arrays:
    """Images and labels of CIFAR-10.

    split: 'train' (50,000) or 'test' (10,000). root: the folder that holds cifar-10-batches-py or
    cifar-10-python.tar.gz, see data_root. Where neither is there but
    CIFAR10-jpeg/cifar10_jpeg.tar.xz is, the pictures are read from that JPEG copy, with a warning:
    it is lossy and in another order. Where nothing is there, the original is downloaded (170 MB)
    and checked.

    Returns images, float32 (N, 3, 32, 32) in [0, 1], channels red, green, blue, and labels, int64
    (N,): 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.
    Errors as for `mnist`. Source: Krizhevsky (2009).
    """
    CIFAR10.check_split(split)
    folder = data_root(root)
    originals = ("cifar-10-batches-py", "cifar-10-python.tar.gz")
    if (folder / JPEG_COPY).exists() and not any((folder / name).exists() for name in originals):
        return _jpeg_copy(folder / JPEG_COPY, split)
    found = _torchvision(CIFAR10, "CIFAR10", split, folder, originals[1], folder)
    return _scaled(found.data.transpose(0, 3, 1, 2), found.targets)


def _idx(entry: DataSet, kind: str, split: str, root: str | os.PathLike | None) -> Arrays:
    """A set in MNIST's file format."""
    entry.check_split(split)
    folder = data_root(root)
    found = _torchvision(entry, kind, split, folder, IDX_FILES, folder / kind / "raw")
    return _scaled(found.data.numpy()[:, None], found.targets)


def _torchvision(entry: DataSet, kind: str, split: str, folder: Path, files: str, place: Path):
    """torchvision's own object: it unpacks what lies there, else downloads with a checksum."""
    from torchvision import datasets  # here, since torch takes seconds to import

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        return getattr(datasets, kind)(folder, train=split == "train", download=True)
    except (OSError, RuntimeError, ValueError, AssertionError, HTTPException) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise FileNotFoundError(
            f"{entry.name} is not complete in {place} and could not be downloaded ({reason}): "
            f"put {files} there, in the place of any damaged file"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _jpeg_copy(file: Path, split: str) -> Arrays:
    """Members `<split>/<class>/NNNN.jpg`, classes in alphabetical order as in the original."""
    from PIL import Image

    text = f"cifar10 is read from a JPEG copy, {JPEG_COPY}: not the original pixels"
    warnings.warn(text, stacklevel=3)
    pictures = {}
    with tarfile.open(file) as archive:
        for member in archive:
            path = Path(member.name)
            if member.isfile() and path.parts[0] == split:
                with Image.open(archive.extractfile(member)) as picture:
                    pictures[path.name, path.parts[1]] = np.array(picture)
    order = sorted(pictures)  # by number, then class: any first part of it is balanced
    classes = sorted({name for _, name in order})
    images = np.stack([pictures[key] for key in order]).transpose(0, 3, 1, 2)
    return _scaled(images, [classes.index(name) for _, name in order])


def _scaled(images: np.ndarray, labels) -> Arrays:
    """Bytes (N, C, H, W) as float32 in [0, 1], and int64 labels."""
    images = np.ascontiguousarray(images, dtype=np.float32)
    images /= 255
    return images, np.asarray(labels, dtype=np.int64)
