"""Images with labels to train on: a data set of the course, or a folder of pictures."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from pytools import data
from pytools.errors import CourseError

DIGITS = tuple(map(str, range(10)))
GARMENTS = ("T-shirt", "trousers", "pullover", "dress", "coat")
GARMENTS += ("sandal", "shirt", "sneaker", "bag", "boot")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NAMED = {"digits": DIGITS, "fashion_mnist": GARMENTS, "mnist": DIGITS, "cifar10": THINGS}
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


@dataclass(frozen=True)
class ImageData:
    """Three parts, each a TensorDataset of images in [-1, 1] (N, C, H, W) and labels (N,)."""

    name: str
    classes: tuple[str, ...]
    train: TensorDataset
    valid: TensorDataset
    test: TensorDataset
    skipped: list[str] = field(default_factory=list)  # files that are no readable picture


def load_data(name: str, shape: tuple[int, int, int], seed: int) -> ImageData:
    """A data set of the course by its name, or a folder with a folder of pictures for each class.

    shape (C, H, W): what the net takes; pictures of a folder are brought to it, a set must have it.
    A tenth of the training images, drawn by seed, is for validation. CourseError for a name that
    is neither, another shape, a folder without pictures.
    """
    if name in NAMED:
        parts = [getattr(data, name)(split) for split in ("train", "test")]
        classes, skipped = NAMED[name], []
        if parts[0][0].shape[1:] != tuple(shape):
            got, wanted = ([int(n) for n in s] for s in (parts[0][0].shape[1:], shape))
            raise CourseError(f"images of {name} are {got}, but the net's input is {wanted}")
    elif Path(name).is_dir():
        classes, parts, skipped = read_folder(Path(name), tuple(shape))
    else:
        near = difflib.get_close_matches(name, NAMED, n=1)
        guess = f"did you mean {near[0]}?" if near else f"sets are {', '.join(NAMED)}"
        raise CourseError(f"--data {name} is neither a data set nor a folder; {guess}")
    train, test = (TensorDataset(centred(images), torch.tensor(y)) for images, y in parts)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    held = max(1, len(train) // 10)
    valid, train = (TensorDataset(*train[rows.sort()[0]]) for rows in (order[:held], order[held:]))
    return ImageData(name, tuple(classes), train, valid, test, skipped)


def centred(images: np.ndarray) -> Tensor:
    """[0, 1] to [-1, 1]: a net learns faster from numbers about 0."""
    return torch.tensor(images, dtype=torch.float32) * 2 - 1


def read_folder(folder: Path, shape: tuple[int, int, int]):
    """Pictures FOLDER/CLASS/*.png as torchvision's ImageFolder has them, classes by alphabet.

    Returns classes, [(images, labels) to train, (images, labels) to test], and a line for each
    file that is skipped because it is no readable picture. Every fifth one of a class is for
    testing. CourseError where a class has fewer than 5 pictures or there are fewer than 2 classes.
    """
    from PIL import Image

    channels, height, width = shape
    if channels not in (1, 3):
        raise CourseError(f"pictures have 1 or 3 channels, but the net's input has {channels}")
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    if len(folders) < 2:
        raise CourseError(
            f"{folder} holds {len(folders)} folders; it should hold one for each class, with its "
            "pictures in it"
        )
    parts, skipped = ([], []), []
    for label, place in enumerate(folders):
        good = []
        for path in sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES):
            try:
                with Image.open(path) as picture:
                    mode = "L" if channels == 1 else "RGB"
                    pixels = np.asarray(picture.convert(mode).resize((width, height)), np.float32)
                good.append(pixels.reshape(height, width, channels).transpose(2, 0, 1) / 255)
            except Exception as error:  # Pillow raises many kinds for files that are broken
                skipped.append(f"{path}: {str(error).splitlines()[0] if str(error) else 'broken'}")
        if len(good) < 5:
            raise CourseError(f"{place} holds {len(good)} readable pictures; a class needs 5")
        for number, pixels in enumerate(good):
            parts[number % 5 == 4].append((pixels, label))
    split = [(np.stack([p for p, _ in part]), np.array([y for _, y in part])) for part in parts]
    return [place.name for place in folders], split, skipped
