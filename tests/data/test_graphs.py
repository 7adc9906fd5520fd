"""Graphs: the shipped ones, tiny files of our own making in each layout, and the full sets."""

import os
import pickle
from collections import defaultdict
from pathlib import Path

import networkx
import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from pytools.data import citeseer, cora, digits_graph, karate_club, mutag

KNOWN, CLASSES, WORDS = 506, 3, 8  # nodes before the first test node; of these 4 are to train on
TRAIN, VALID = 4, 500
TEST = [509, 506, 511, 507]  # in the order of the files; 508 and 510 are in none of them
NODES = 512


def check_adjacency(adjacency, nodes):
    assert isinstance(adjacency, sparse.csr_array) and adjacency.shape == (nodes, nodes)
    assert adjacency.dtype == np.float64 and set(adjacency.data) <= {1.0}
    assert (adjacency != adjacency.T).nnz == 0 and not adjacency.diagonal().any()


# --- shipped ---------------------------------------------------------------------------------


def test_karate_club():
    adjacency, train = karate_club("train")
    again, test = karate_club("test")
    check_adjacency(adjacency, 34)
    assert adjacency.nnz == 2 * 78 and (adjacency != again).nnz == 0
    assert train.dtype == test.dtype == np.int64
    np.testing.assert_array_equal(np.flatnonzero(train >= 0), [0, 33])
    assert (train[0], train[33]) == (0, 1)
    np.testing.assert_array_equal(train >= 0, test < 0)
    club = networkx.karate_club_graph()
    for i, side in enumerate(np.maximum(train, test)):
        assert club.nodes[i]["club"] == ["Mr. Hi", "Officer"][side]
        np.testing.assert_array_equal(adjacency[[i]].indices, sorted(club[i]))


def test_digits_graph():
    adjacency, pixels, labels = digits_graph("all")
    check_adjacency(adjacency, 1797)
    assert pixels.dtype == np.float32 and labels.dtype == np.int64
    images, expected = load_digits(return_X_y=True)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(pixels, (images / 16).astype(np.float32))
    for i in (0, 100, 1796):  # the 10 nearest are among the neighbours, which may be more
        squares = np.sum((images - images[i]) ** 2, axis=1)
        squares[i] = np.inf
        nearest = np.sort(squares)[9]
        assert set(np.flatnonzero(squares < nearest)) <= set(adjacency[[i]].indices)
        assert adjacency[[i]].nnz >= 10


@pytest.mark.parametrize(
    "loader, split, allowed",
    [
        (karate_club, "valid", "'train' or 'test'"),
        (digits_graph, "train", "'all'"),
        (cora, "all", "'train' or 'valid' or 'test'"),
        (citeseer, None, "'train' or 'valid' or 'test'"),
        (mutag, "test", "'all'"),
    ],
)
def test_another_split_is_refused(loader, split, allowed, tmp_path):
    with pytest.raises(ValueError, match=f"split of {loader.__name__} must be {allowed}, but is"):
        loader(split, tmp_path)


# --- citations -------------------------------------------------------------------------------


def citations():
    """Words (512, 8), labels and neighbours of a tiny graph with all the files' oddities."""
    rng = np.random.default_rng(0)
    words = (rng.random((NODES, WORDS)) < 0.4).astype(np.float32)
    labels = rng.integers(0, CLASSES, NODES)
    near = defaultdict(list, {i: [(i + 1) % NODES] for i in range(NODES - 10)})
    near[0] += [0, 5, 5]  # itself, and a neighbour twice
    near[5].append(0)  # said from both ends
    return words, labels, near


def parts():
    """What the eight files hold, but for test.index."""
    words, labels, near = citations()
    hot = np.eye(CLASSES, dtype=np.int32)[labels]
    rows = {"": range(TRAIN), "all": range(KNOWN), "t": TEST}
    content = {f"{name}x": sparse.csr_matrix(words[list(r)]) for name, r in rows.items()}
    content |= {f"{name}y": hot[list(r)] for name, r in rows.items()}
    return content | {"graph": near}


def write_citations(folder, name, **changed):
    folder.mkdir(parents=True)
    for part, content in {**parts(), **changed}.items():
        (folder / f"ind.{name}.{part}").write_bytes(pickle.dumps(content, 4))
    (folder / f"ind.{name}.test.index").write_text("".join(f"{i}\n" for i in TEST))


@pytest.mark.parametrize(
    "loader, folder",
    [
        (cora, "planetoid/Cora/raw"),
        (cora, "Cora/raw"),
        (citeseer, "planetoid/CiteSeer/raw"),
        (citeseer, "CiteSeer/raw"),
    ],
)
def test_citations_in_both_layouts(loader, folder, tmp_path):
    write_citations(tmp_path / folder, loader.__name__)
    all_words, all_labels, near = citations()
    missing = [508, 510]
    all_words[missing] = 0
    expected = np.zeros((NODES, NODES))
    for i, others in near.items():
        expected[i, others] = expected[others, i] = 1
    np.fill_diagonal(expected, 0)
    splits = {"train": range(TRAIN), "valid": range(TRAIN, TRAIN + VALID), "test": TEST}
    for split, nodes in splits.items():
        adjacency, words, labels = loader(split, tmp_path)
        check_adjacency(adjacency, NODES)
        np.testing.assert_array_equal(adjacency.toarray(), expected)
        assert isinstance(words, sparse.csr_array) and words.dtype == np.float32
        np.testing.assert_array_equal(words.toarray(), all_words)
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(np.flatnonzero(labels >= 0), sorted(nodes))
        np.testing.assert_array_equal(labels[list(nodes)], all_labels[list(nodes)])


class Command:
    """Unpickled, it would run a program."""

    def __reduce__(self):
        return os.system, ("touch it-ran",)


OUTSIDE = sparse.csr_matrix(np.ones((TRAIN, WORDS), np.float32))
OUTSIDE.indices[0] = 10**6
DAMAGED = {
    "code": ({"graph": Command()}, r"ind.cora.graph: it asks for \w+.system, which no data set"),
    "code in numpy": ({"x": np.load}, "ind.cora.x: it asks for numpy.load"),
    "foreign memory": ({"x": OUTSIDE}, "ind.cora.x: .*ind"),
    "another shape": ({"ty": np.eye(3)}, "shape"),
    "no graph": ({"graph": [1, 2]}, "cora in .* cannot be read"),
    "a node too many": ({"graph": {0: [NODES]}}, "cora in .* cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_citations_are_refused_in_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed, message = DAMAGED[name]
    write_citations(tmp_path / "Cora" / "raw", "cora", **changed)
    with pytest.raises(ValueError, match=message) as error:
        cora("train", tmp_path)
    assert "\n" not in str(error.value) and "put a whole copy there" in str(error.value)
    assert not Path("it-ran").exists()


@pytest.mark.parametrize("part", ["x", "graph", "test.index"])
def test_a_file_cut_short_is_named(part, tmp_path):
    write_citations(tmp_path / "Cora" / "raw", "cora")
    file = tmp_path / "Cora" / "raw" / f"ind.cora.{part}"
    file.write_bytes(b"5\nsix" if part == "test.index" else file.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f"cora in .*({file.name}|six).* put a whole copy there"):
        cora("train", tmp_path)


@pytest.mark.parametrize(
    "loader, folder, file",
    [
        (cora, "planetoid/Cora/raw", "ind.cora.test.index"),
        (citeseer, "planetoid/CiteSeer/raw", "ind.citeseer.graph"),
        (mutag, "graphs/TU-txt", "MUTAG.txt"),
        (mutag, "MUTAG/raw", "MUTAG_graph_indicator.txt"),
    ],
)
def test_missing_files_are_named_with_their_folder(loader, folder, file, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        loader("train" if loader is not mutag else "all", tmp_path)
    text = str(error.value)
    assert "\n" not in text and str(tmp_path) in text and "COURSE_DATA" in text
    assert folder in text and file in text


# --- molecules -------------------------------------------------------------------------------

ONE_FILE = "2\n3 1\n0 1 1\n2 2 0 2\n0 1 1\n2 0\n1 1 1\n1 1 0\n"  # 0-1-2 of kinds 0 2 0; 3-4
RAW = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n",
    "graph_labels": "1\n-1\n",
    "node_labels": "0\n2\n0\n1\n1\n",
}


def write_molecules(root, layout):
    folder = root / layout
    folder.mkdir(parents=True)
    if layout.endswith("TU-txt"):
        (folder / "MUTAG.txt").write_text(ONE_FILE)
        return
    for part, text in RAW.items():
        (folder / f"MUTAG_{part}.txt").write_text(text)


@pytest.mark.parametrize("layout", ["graphs/TU-txt", "MUTAG/raw", "graphs/MUTAG/raw"])
def test_molecules_in_each_layout(layout, tmp_path):
    write_molecules(tmp_path, layout)
    adjacency, atoms, graph_ids, labels = mutag("all", tmp_path)
    check_adjacency(adjacency, 5)
    expected = np.zeros((5, 5))
    for i, j in [(0, 1), (1, 2), (3, 4)]:
        expected[i, j] = expected[j, i] = 1
    np.testing.assert_array_equal(adjacency.toarray(), expected)
    assert atoms.dtype == np.float32 and graph_ids.dtype == labels.dtype == np.int64
    np.testing.assert_array_equal(atoms, np.eye(3)[[0, 2, 0, 1, 1]])
    np.testing.assert_array_equal(graph_ids, [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(labels, [1, 0])


@pytest.mark.parametrize("text", ["", "2\n3 1\n0 1 1\n", "2\n3 x", ONE_FILE[:-6]])
def test_damaged_molecules_are_refused_in_one_line(text, tmp_path):
    write_molecules(tmp_path, "graphs/TU-txt")
    (tmp_path / "graphs" / "TU-txt" / "MUTAG.txt").write_text(text)
    with pytest.raises(
        ValueError, match=r"mutag in .* cannot be read .* put a whole copy"
    ) as error:
        mutag("all", tmp_path)
    assert "\n" not in str(error.value)


# --- the full sets ---------------------------------------------------------------------------


def full(*folders):
    """$COURSE_DATA, if it holds one of these; else the test is skipped."""
    root = os.environ.get("COURSE_DATA")
    if not root or not any(Path(root, folder).exists() for folder in folders):
        pytest.skip(f"{folders[0]} is not in COURSE_DATA")
    return root


def test_full_cora():
    root = full("planetoid/Cora/raw", "Cora/raw")
    for split, count in [("train", 140), ("valid", 500), ("test", 1000)]:
        adjacency, words, labels = cora(split, root)
        check_adjacency(adjacency, 2708)
        assert adjacency.nnz == 2 * 5278 and words.shape == (2708, 1433) and words.nnz == 49_216
        assert np.count_nonzero(labels >= 0) == count
        if split == "train":
            np.testing.assert_array_equal(np.bincount(labels[labels >= 0]), [20] * 7)


def test_full_citeseer():
    root = full("planetoid/CiteSeer/raw", "CiteSeer/raw")
    for split, count in [("train", 120), ("valid", 500), ("test", 1000)]:
        adjacency, words, labels = citeseer(split, root)
        check_adjacency(adjacency, 3327)
        assert words.shape == (3327, 3703) and np.count_nonzero(labels >= 0) == count
        assert np.count_nonzero(adjacency.sum(axis=1) == 0) == 48


def test_full_mutag():
    root = full("graphs/TU-txt/MUTAG.txt", "MUTAG/raw")
    adjacency, atoms, graph_ids, labels = mutag("all", root)
    check_adjacency(adjacency, 3371)
    assert adjacency.nnz == 2 * 3721 and atoms.shape == (3371, 7)
    np.testing.assert_array_equal(atoms.sum(axis=1), 1)
    np.testing.assert_array_equal(np.bincount(labels), [63, 125])
    assert len(np.unique(graph_ids)) == 188
    ends = adjacency.tocoo().coords
    np.testing.assert_array_equal(graph_ids[ends[0]], graph_ids[ends[1]])
