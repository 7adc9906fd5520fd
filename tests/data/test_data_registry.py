"""The catalogue of data sets, and where their files go."""

import os
import subprocess
import sys

import pytest

import pytools.data
from pytools.data import catalogue, data_root
from pytools.data.registry import register


def test_every_entry_is_complete_and_has_its_function():
    entries = catalogue()
    assert "digits" in {entry.name for entry in entries}
    for entry in entries:
        assert all([entry.what, entry.shape, entry.licence, entry.source, entry.splits])
        assert callable(getattr(pytools.data, entry.name))
        assert entry.name in pytools.data.__all__


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="'digits' is registered already"):
        register(catalogue()[0])


def test_root_goes_before_the_variable_and_that_before_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    assert data_root() == tmp_path / "cache" / "backprop-to-captions"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "variable"))
    assert data_root() == tmp_path / "variable"
    assert data_root(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_without_any_it_is_in_the_home_folder(tmp_path, monkeypatch):
    for name in ("COURSE_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_root() == tmp_path / ".cache" / "backprop-to-captions"
    assert data_root("~/mine") == tmp_path / "mine"


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"cannot be written to .*set COURSE_DATA, or pass root="):
            data_root(root)


def test_a_read_only_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda folder, mode: False)  # chmod does not bind root
    with pytest.raises(OSError, match="it is read-only"):
        data_root(tmp_path)


def test_importing_the_data_sets_is_light():
    """sklearn and torch are imported when a set is asked for, not before."""
    code = "import sys, pytools.data; print({'sklearn', 'torch', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "set()", result.stderr
