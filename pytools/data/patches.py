"""Texture patches: grey squares cut from the photos that scikit-image and scikit-learn ship."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pytools.data.registry import DataSet, register

SIDE = 64  # pixels
PER_CLASS = {"train": 30, "test": 20}

# name -> package and file, and where the texture is: rows from, to, columns from, to
PHOTOS = {
    "brick": ("skimage", "data/brick.png", (0, 512, 0, 512)),
    "grass": ("skimage", "data/grass.png", (0, 512, 0, 512)),
    "gravel": ("skimage", "data/gravel.png", (0, 512, 0, 512)),
    "moon": ("skimage", "data/moon.png", (0, 512, 0, 512)),
    "coins": ("skimage", "data/coins.png", (0, 303, 0, 384)),
    "fur": ("skimage", "data/chelsea.png", (0, 300, 60, 400)),
    "tissue": ("skimage", "data/ihc.png", (0, 512, 0, 512)),
    "stars": ("skimage", "data/hubble_deep_field.jpg", (0, 872, 0, 1000)),
    "print": ("skimage", "data/page.png", (0, 191, 0, 384)),
    "lakeside": ("sklearn", "datasets/images/china.jpg", (240, 427, 0, 640)),
}
PATCHES = register(
    DataSet(
        name="patches",
        what="500 grey texture patches of 10 materials, 64×64 pixels, one photo each: "
        + ", ".join(PHOTOS),
        shape="images float32 (N, 1, 64, 64) in [0, 1], labels int64 (N,); N is 300 and 200",
        licence="lakeside: CC BY 2.0, by danielbuechele; the others CC0, public domain or without "
        "known restrictions, as the pages of skimage.data say",
        source="photos shipped by scikit-image (van der Walt et al., 2014) and scikit-learn "
        "(Pedregosa et al., 2011)",
        shipped=True,
    )
)


def patches(split: str, root: str | os.PathLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Patches of ten materials, each cut from a photo of its own.

    split: 'train' cuts from the left half of each photo, 'test' from the right half, so that no
    pixel is in both. root: not used, since the photos are shipped; every set takes it.

    Places are the same on every machine, and patches of one half may overlap. Each is turned by a
    random quarter, and brought to mean 0.5 and standard deviation 0.2, then clipped: neither
    colour, brightness, contrast nor direction gives a material away.

    Returns images, float32 (N, 1, 64, 64) in [0, 1], and labels, int64 (N,): 0 brick, 1 grass, 2
    gravel, 3 moon, 4 coins, 5 fur, 6 tissue, 7 stars, 8 print, 9 lakeside; N is 300 ('train') or
    200 ('test'). Raises ValueError for any other split; FileNotFoundError, with what to do, where
    a photo is missing.
    """
    PATCHES.check_split(split)
    images = []
    for number, (package, file, box) in enumerate(PHOTOS.values()):
        top, bottom, left, right = box
        middle = (left + right) // 2
        columns = slice(left, middle) if split == "train" else slice(middle, right)
        half = _grey(package, file)[top:bottom, columns]
        rng = np.random.default_rng([number, split == "test"])
        images += [_cut(half, rng) for _ in range(PER_CLASS[split])]
    labels = np.repeat(np.arange(len(PHOTOS)), PER_CLASS[split])
    return np.stack(images)[:, None].astype(np.float32), labels.astype(np.int64)


def _grey(package: str, file: str) -> np.ndarray:
    """A shipped photo (H, W), in [0, 1]."""
    from PIL import Image

    found = find_spec(package)  # where it is, without importing it
    path = Path(found.submodule_search_locations[0], file) if found else Path(package, file)
    if not path.exists():
        name = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[package]
        raise FileNotFoundError(f"{path} is not there: run  pip install --force-reinstall {name}")
    with Image.open(path) as photo:
        return np.asarray(photo.convert("L"), dtype=float) / 255


def _cut(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One patch from a random place, turned and normalised."""
    row, column = (rng.integers(0, size - SIDE + 1) for size in photo.shape)
    patch = np.rot90(photo[row : row + SIDE, column : column + SIDE], rng.integers(4))
    return np.clip(0.5 + 0.2 * (patch - patch.mean()) / (patch.std() + 1e-6), 0, 1)
