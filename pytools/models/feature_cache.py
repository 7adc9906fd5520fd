"""Features that are computed once: a folder of files, each keyed by what went in."""

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from torch import nn
from tqdm.auto import tqdm

from pytools.data import data_root
from pytools.models.transfer import extract_features

CHUNK = 128  # images between two moves of the progress bar


def cached_features(
    model: nn.Module,
    images: np.ndarray,
    layer: str,
    root: str | os.PathLike | None = None,
    progress: bool = False,
) -> np.ndarray:
    """extract_features(model, images, layer), float32 (N, D), computed only the first time.

    The features lie in the folder features/ of root (see data_root), in a file named by a hash of
    the images, the model with its weights, and the layer. A file that cannot be read is computed
    and written anew; where the folder cannot be written to, nothing is kept. progress shows a bar
    while they are computed.
    """
    images = np.ascontiguousarray(images)
    try:
        folder = data_root(root) / "features"
        folder.mkdir(exist_ok=True)
    except OSError:
        return _compute(model, images, layer, progress)
    file = folder / f"{_key(model, images, layer)}.npz"
    features = _read(file, len(images))
    if features is None:
        features = _compute(model, images, layer, progress)
        _write(file, features)
    return features


def _compute(model: nn.Module, images: np.ndarray, layer: str, progress: bool) -> np.ndarray:
    """The features, a chunk at a time."""
    starts = range(0, len(images), CHUNK)
    chunks = tqdm(starts, desc="features", unit=f"{CHUNK} images", disable=not progress)
    parts = [extract_features(model, images[i : i + CHUNK], layer).numpy() for i in chunks]
    return np.concatenate(parts)


def _key(model: nn.Module, images: np.ndarray, layer: str) -> str:
    """A hash of all that the features depend on."""
    key = hashlib.sha256(repr((str(model), layer, images.shape, images.dtype.str)).encode())
    key.update(repr(getattr(model, "side", None)).encode())
    for name, tensor in model.state_dict().items():
        key.update(name.encode())
        key.update(tensor.cpu().contiguous().numpy().tobytes())
    key.update(images.tobytes())
    return key.hexdigest()[:32]


def _read(file: Path, count: int) -> np.ndarray | None:
    """The features in a file; None where it is not there or is damaged (a zip has check sums)."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            features = archive["features"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return features if features.ndim == 2 and len(features) == count else None


def _write(file: Path, features: np.ndarray) -> None:
    """Written aside and then put in place at once: a reader finds the whole file, or none."""
    handle, aside = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as part:
            np.savez(part, features=features)
        os.replace(aside, file)
    except OSError:  # a full disk, say: the features are only a little slower to get
        Path(aside).unlink(missing_ok=True)
