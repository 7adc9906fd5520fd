"""Omniglot: tiny archives of our own making, and the real ones where they are present."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytools.data import omniglot, omniglot_runs

CHARACTERS = {
    "small1": ["Greek/character01", "Korean/character02"],
    "small2": ["Greek/character01"],
}
FILES = ("images_background_small1.zip", "images_background_small2.zip", "all_runs.zip")


def png(number):
    """A white drawing of 105×105 with one black block of 3×3, at a place of its own."""
    pixels = np.full((105, 105), True)
    row, column = divmod(number, 35)
    pixels[3 * row : 3 * row + 3, 3 * column : 3 * column + 3] = False
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return buffer.getvalue()


def places(images):
    """The number of each drawing, read off its ink."""
    assert images.dtype == np.float32 and set(np.unique(images)) == {0, 1}
    assert images.shape[-3:] == (1, 35, 35)
    return images.reshape(-1, 35 * 35).argmax(axis=1).reshape(images.shape[:-3])


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "omniglot-small"
    folder.mkdir()
    for part, characters in CHARACTERS.items():
        with zipfile.ZipFile(folder / f"images_background_{part}.zip", "w") as archive:
            for name in characters:
                for drawing in range(3):
                    number = 10 * sorted(CHARACTERS["small1"]).index(name) + drawing
                    path = f"images_background_{part}/{name}/0{drawing}.png"
                    archive.writestr(path, png(number))
    with zipfile.ZipFile(folder / "all_runs.zip", "w") as archive:
        for run in ("run01", "run02"):
            lines = [f"{run}/test/item0{i}.png {run}/training/class0{c}.png" for i, c in PAIRS]
            archive.writestr(f"{run}/class_labels.txt", "\n".join(lines) + "\n")
            for place in (1, 2, 3):
                archive.writestr(f"{run}/training/class0{place}.png", png(place))
                archive.writestr(f"{run}/test/item0{place}.png", png(100 + place))
    return tmp_path


PAIRS = [(1, 3), (2, 1), (3, 2)]


def test_drawings_and_their_characters(root):
    images, labels = omniglot("small1", root)
    assert labels.dtype == np.int64
    assert places(images).tolist() == [0, 1, 2, 10, 11, 12]
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_drawing_of_both_sets_is_there_once(root):
    assert len(omniglot("small2", root)[0]) == 3
    np.testing.assert_array_equal(omniglot("both", root)[0], omniglot("small1", root)[0])


def test_runs_say_which_one_is_right(root):
    known, asked, answers = omniglot_runs("test", root)
    assert places(known).tolist() == [[1, 2, 3]] * 2
    assert places(asked).tolist() == [[101, 102, 103]] * 2
    assert answers.dtype == np.int64 and answers.tolist() == [[2, 0, 1]] * 2


def test_missing_files_are_named_with_their_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        omniglot("both", tmp_path)
    text = str(error.value)
    assert str(tmp_path / "omniglot-small") in text and "\n" not in text
    assert FILES[0] in text and FILES[1] in text
    with pytest.raises(FileNotFoundError, match=r"put all_runs\.zip there"):
        omniglot_runs("test", tmp_path)


def test_damaged_files_are_said_to_be_so(root):
    folder = root / "omniglot-small"
    (folder / FILES[2]).write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"all_runs\.zip is damaged .*replace it"):
        omniglot_runs("test", root)
    with zipfile.ZipFile(folder / FILES[0], "w") as archive:
        archive.writestr("images_background_small1/Greek/character01/01.png", b"no picture")
    with pytest.raises(ValueError, match=r"small1\.zip is damaged .*replace it"):
        omniglot("small1", root)
    with zipfile.ZipFile(folder / FILES[0], "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ValueError, match="no picture in it"):
        omniglot("small1", root)
    with zipfile.ZipFile(folder / FILES[2], "w") as archive:
        archive.writestr("run01/test/item01.png", png(1))
    with pytest.raises(ValueError, match=r"all_runs\.zip is damaged .*class_labels\.txt"):
        omniglot_runs("test", root)


def test_other_splits_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match="split of omniglot must be 'small1' or 'small2' or 'both'"
    ):
        omniglot("train", tmp_path)
    with pytest.raises(ValueError, match="split of omniglot_runs must be 'test'"):
        omniglot_runs("train", tmp_path)


FOLDER = Path(os.environ.get("COURSE_DATA", ""), "omniglot-small")
present = all((FOLDER / name).is_file() for name in FILES)


@pytest.mark.skipif(not present, reason="Omniglot's files are not in COURSE_DATA")
def test_the_real_files():
    images, labels = omniglot("small1")
    assert images.shape == (2720, 1, 35, 35)
    assert np.bincount(labels).tolist() == [20] * 136
    assert 0.05 < images.mean() < 0.1
    known, asked, answers = omniglot_runs("test")
    assert known.shape == asked.shape == (20, 20, 1, 35, 35)
    np.testing.assert_array_equal(np.sort(answers, axis=1), [range(20)] * 20)
