"""Names and texts: what is shipped, files of our own making, the full sets if present."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from pytools.data import catalogue, makemore_names, names, python_text, text, tiny_shakespeare

FILES = {
    text.SHAKESPEARE_FILE: b"First Citizen:\nBefore we proceed any further, hear me speak.\n",
    text.MAKEMORE_FILE: b"emma\nolivia\nava\nisabella\nsophia\nava\nmia\n",
}
ALL = [names, python_text, tiny_shakespeare, makemore_names]
ON_DISK = [(tiny_shakespeare, text.SHAKESPEARE_FILE), (makemore_names, text.MAKEMORE_FILE)]
ROOT = os.environ.get("COURSE_DATA")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data folder with tiny files, and the checksums that go with them."""
    for file, content in FILES.items():
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_bytes(content)
        monkeypatch.setitem(text.SHA256, file, hashlib.sha256(content).hexdigest())
    return tmp_path


def test_names_are_shipped():
    train, test = names("train"), names("test")
    assert len(train) == 4131 and len(test) == 1032
    assert train == sorted(train) and test == sorted(test)
    assert not set(train) & set(test) and len(set(train)) == len(train)
    assert {"mary", "james"} <= {*train, *test}
    assert set("".join(train + test)) == set("abcdefghijklmnopqrstuvwxyz")


def test_the_text_of_python_is_shipped():
    train, test = python_text("train"), python_text("test")
    assert len(train) > 300_000 and len(test) == pytest.approx(len(train) / 9, rel=0.01)
    assert (train + test).isascii() and "yield" in train


def test_a_text_is_cut_near_its_end(root):
    whole = FILES[text.SHAKESPEARE_FILE].decode()
    train, test = tiny_shakespeare("train", root), tiny_shakespeare("test", root)
    assert train + test == whole and len(train) == len(whole) * 9 // 10


def test_every_fifth_name_is_for_testing(root):
    assert makemore_names("train", root) == ["ava", "emma", "isabella", "mia", "sophia"]
    assert makemore_names("test", root) == ["olivia"]


@pytest.mark.parametrize("load", ALL)
def test_another_split_is_refused(load, root):
    with pytest.raises(ValueError, match=f"split of {load.__name__} must be .* but is 'valid'"):
        load("valid", root)


@pytest.mark.parametrize("load, file", ON_DISK)
def test_a_missing_file_is_named_with_its_place(load, file, tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"is not here: put .* at {tmp_path}.*{file}"):
        load("train", tmp_path)


@pytest.mark.parametrize("load, file", ON_DISK)
def test_another_file_is_refused(load, file, root):
    (root / file).write_bytes(FILES[file] + b"!")
    with pytest.raises(ValueError, match=f"{file} is not the file that {load.__name__} stands for"):
        load("train", root)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(text.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install names"):
        names("train")
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ModuleNotFoundError, match=r"came without pydoc_data\.topics"):
        python_text("train")


def test_the_catalogue_says_whose_they_are():
    entries = {entry.name: entry for entry in catalogue()}
    for load in ALL:
        assert entries[load.__name__].licence and entries[load.__name__].source
    assert entries["names"].shipped and not entries["tiny_shakespeare"].shipped


@pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / text.SHAKESPEARE_FILE).exists(),
    reason="needs tiny Shakespeare under COURSE_DATA",
)
def test_the_real_shakespeare():
    train, test = tiny_shakespeare("train"), tiny_shakespeare("test")
    assert (len(train), len(test)) == (1_003_854, 111_540) and len(set(train + test)) == 65


@pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / text.MAKEMORE_FILE).exists(),
    reason="needs makemore's names under COURSE_DATA",
)
def test_the_real_makemore_names():
    assert (len(makemore_names("train")), len(makemore_names("test"))) == (23_596, 5_898)
