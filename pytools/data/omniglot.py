"""Omniglot: characters of many alphabets, each drawn by twenty people; and its one-shot trials.

Here are the two small sets that stand for how few alphabets a person knows, and the twenty runs by
which the published errors were measured.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path

import numpy as np

from pytools.data.registry import DataSet, data_root, register

SIDE = 35  # of the pictures here; the files have 105, three times as many

OMNIGLOT = register(
    DataSet(
        name="omniglot",
        what="handwritten characters, each by 20 people: 'small1' has 136 characters of 5 "
        "alphabets, 'small2' has 156 of 5, 'both' the 242 of their 8",
        shape="images float32 (N, 1, 35, 35) in [0, 1], 1 being ink; labels int64 (N,), a "
        "character each; N is 2720, 3120 and 4840",
        licence="MIT, (c) 2015 Brenden Lake",
        source="Lake, Salakhutdinov & Tenenbaum (2015), Human-level concept learning through "
        "probabilistic program induction; images_background_small1.zip and _small2.zip",
        splits=("small1", "small2", "both"),
    )
)
OMNIGLOT_RUNS = register(
    DataSet(
        name="omniglot_runs",
        what="20 one-shot trials: 20 new characters of one alphabet, one drawing of each to know "
        "them by, and 20 drawings by another hand to be told apart",
        shape="known, asked float32 (20, 20, 1, 35, 35) in [0, 1], run by run; answers int64 "
        "(20, 20), the place in `known` that is right",
        licence="MIT, (c) 2015 Brenden Lake",
        source="Lake, Salakhutdinov & Tenenbaum (2015); all_runs.zip",
        splits=("test",),
    )
)


def omniglot(split: str, root: str | os.PathLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Drawings of characters of a few alphabets, to learn from.

    split: 'small1', 'small2' or 'both'; Greek and Latin are in either. root: see data_root; the
    files lie in omniglot-small below it. The pictures are averaged over 3×3 pixels.

    Returns images, float32 (N, 1, 35, 35) in [0, 1], 0 being paper and 1 ink, and labels, int64
    (N,), one for each character, 20 drawings each. Raises ValueError for any other split or a
    damaged file, FileNotFoundError, with files and folder, where they are missing.
    Source: Lake, Salakhutdinov & Tenenbaum (2015).
    """
    OMNIGLOT.check_split(split)
    parts = ("small1", "small2") if split == "both" else (split,)
    names = [f"images_background_{part}.zip" for part in parts]
    drawings: dict[str, np.ndarray] = {}  # a drawing of both sets has one name: it is there once
    for file in _files(OMNIGLOT, names, root):
        with _opened(file) as archive:
            for name in _pictures(archive):
                drawings[name.split("/", 1)[1]] = _picture(archive, name)
    order = sorted(drawings)
    characters = [name.rsplit("/", 1)[0] for name in order]
    images = np.stack([drawings[name] for name in order])[:, None]
    return images, np.unique(characters, return_inverse=True)[1].astype(np.int64)


def omniglot_runs(
    split: str = "test", root: str | os.PathLike | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The official 20 one-shot trials of 20 characters each, of alphabets that `omniglot` lacks.

    split: 'test'. root: as for `omniglot`. Returns known and asked, float32 (20, 20, 1, 35, 35),
    and answers, int64 (20, 20): asked[r, i] shows the character of known[r, answers[r, i]].
    Errors as for `omniglot`. Source: Lake, Salakhutdinov & Tenenbaum (2015).
    """
    OMNIGLOT_RUNS.check_split(split)
    (file,) = _files(OMNIGLOT_RUNS, ["all_runs.zip"], root)
    known, asked, answers = [], [], []
    with _opened(file) as archive:
        for run in sorted({name.split("/")[0] for name in _pictures(archive)}):
            try:
                lines = archive.read(f"{run}/class_labels.txt").decode().split()
            except KeyError as error:
                raise _damaged(file, error) from error
            tests, classes = lines[::2], lines[1::2]
            places = [int(re.search(r"(\d+)\.png$", name).group(1)) - 1 for name in classes]
            known.append([_picture(archive, name) for name in sorted(classes)])
            asked.append([_picture(archive, name) for name in tests])
            answers.append(places)
    try:
        pictures = (np.array(part, dtype=np.float32)[:, :, None] for part in (known, asked))
        return *pictures, np.array(answers, dtype=np.int64)
    except ValueError as error:  # runs of different lengths
        raise _damaged(file, error) from error


def _files(entry: DataSet, names: list[str], root: str | os.PathLike | None) -> list[Path]:
    folder = data_root(root) / "omniglot-small"
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{entry.name} is not in {folder}: put {', '.join(missing)} there, from the folders "
            "python and python/one-shot-classification of github.com/brendenlake/omniglot"
        )
    return [folder / name for name in names]


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise _damaged(file, error) from error


def _pictures(archive: zipfile.ZipFile) -> list[str]:
    names = [name for name in archive.namelist() if re.fullmatch(r"\w[^:]*\.png", name)]
    names = [name for name in names if not name.startswith("__")]
    if not names:
        raise _damaged(Path(archive.filename), "no picture in it")
    return names


def _picture(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """A drawing as float32 (35, 35), each pixel the share of ink of 3×3 in the file."""
    from PIL import Image

    try:
        with archive.open(name) as stream, Image.open(io.BytesIO(stream.read())) as picture:
            ink = 1 - np.asarray(picture.convert("1"), dtype=np.float32)
        return ink.reshape(SIDE, 3, SIDE, 3).mean(axis=(1, 3))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(Path(archive.filename), error) from error


def _damaged(file: Path, error: Exception | str) -> ValueError:
    return ValueError(f"{file} is damaged ({error}): replace it by a fresh copy")
