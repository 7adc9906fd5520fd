"""Graphs: a karate club, neighbouring digits, citations (Cora, CiteSeer), and molecules (MUTAG).

A graph is its adjacency: scipy.sparse CSR (N, N), float64, symmetric, 1 for an edge, the diagonal
0. The graph is whole in every split; the labels of the nodes outside of it are -1.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytools.data.registry import DataSet, data_root, register

if TYPE_CHECKING:  # scipy is imported where a set is asked for, not before
    from scipy.sparse import csr_array

PLANETOID = (
    "adjacency CSR ({n}, {n}); words CSR float32 ({n}, {words}), 0 or 1; labels int64 ({n},), "
    "-1 outside the split"
)

KARATE_CLUB = register(
    DataSet(
        name="karate_club",
        what="34 members of a karate club, 78 friendships, and the two sides of its split",
        shape="adjacency CSR (34, 34); labels int64 (34,), 0 or 1, -1 outside the split",
        licence="BSD-3-Clause, with networkx; the data without conditions",
        source="Zachary (1977), An information flow model for conflict and fission in small "
        "groups; as shipped by networkx",
        shipped=True,
    )
)
DIGITS_GRAPH = register(
    DataSet(
        name="digits_graph",
        what="the 1,797 digits of `digits`, each joined to its 10 nearest",
        shape="adjacency CSR (1797, 1797); pixels float32 (1797, 64) in [0, 1]; "
        "labels int64 (1797,)",
        licence="CC BY 4.0",
        source="Alpaydin & Kaynak (1998), UCI Machine Learning Repository, as shipped by "
        "scikit-learn",
        splits=("all",),
        shipped=True,
    )
)
CORA = register(
    DataSet(
        name="cora",
        what="2,708 papers on machine learning of 7 kinds, with their citations and words",
        shape=PLANETOID.format(n=2708, words=1433),
        licence="MIT, of the repository that holds the files; the collection states none",
        source="Sen et al. (2008), Collective classification in network data; split of Yang, "
        "Cohen & Salakhutdinov (2016), Revisiting semi-supervised learning with graph embeddings",
        splits=("train", "valid", "test"),
    )
)
CITESEER = register(
    DataSet(
        name="citeseer",
        what="3,327 papers on computer science of 6 kinds, with their citations and words; "
        "48 of them have no citation, 15 of these no words either and no label",
        shape=PLANETOID.format(n=3327, words=3703),
        licence="MIT, of the repository that holds the files; the collection states none",
        source="Sen et al. (2008); split of Yang, Cohen & Salakhutdinov (2016)",
        splits=("train", "valid", "test"),
    )
)
MUTAG = register(
    DataSet(
        name="mutag",
        what="188 molecules: which of them make bacteria mutate?",
        shape="adjacency CSR (3371, 3371), all molecules in one; atoms float32 (3371, 7), a 1 for "
        "the kind; graph_ids int64 (3371,); labels int64 (188,), 1: they do",
        licence="MIT, of the repository that holds the file; the collection states none",
        source="Debnath et al. (1991), Structure-activity relationship of mutagenic aromatic and "
        "heteroaromatic nitro compounds; Morris et al. (2020), TUDataset",
        splits=("all",),
    )
)

VALID = 500  # of a citation graph: the nodes that follow those for training


# --- shipped ---------------------------------------------------------------------------------


def karate_club(split: str, root: str | os.PathLike | None = None) -> tuple[csr_array, np.ndarray]:
    """The adjacency of Zachary's karate club, and on which side each member stood.

    split: 'train', the instructor (node 0, label 0) and the officer (node 33, label 1) alone, or
    'test', the other 32. root: not used, since the set is shipped. Returns adjacency (34, 34), 1
    for friends, and labels (34,). Raises ValueError for any other split. Source: Zachary (1977).
    """
    KARATE_CLUB.check_split(split)
    import networkx
    from scipy.sparse import csr_array

    club = networkx.karate_club_graph()
    sides = [side for _, side in club.nodes(data="club")]
    labels = np.array([["Mr. Hi", "Officer"].index(side) for side in sides], dtype=np.int64)
    leaders = np.isin(np.arange(len(labels)), [0, 33])
    labels[leaders != (split == "train")] = -1
    return csr_array(networkx.to_scipy_sparse_array(club, weight=None, dtype=float)), labels


def digits_graph(
    split: str, root: str | os.PathLike | None = None
) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """All digits of `digits`, training and test ones, as a graph of neighbours.

    split: 'all'. An edge joins two digits where one of them is among the 10 nearest of the other
    (Euclidean, pixels). root: not used. Returns adjacency (1797, 1797), pixels (1797, 64) and
    labels (1797,). Raises ValueError for any other split.
    """
    DIGITS_GRAPH.check_split(split)
    from scipy.sparse import csr_array
    from sklearn.datasets import load_digits
    from sklearn.neighbors import kneighbors_graph

    pixels, labels = load_digits(return_X_y=True)
    near = kneighbors_graph(pixels, 10)
    adjacency = csr_array(near.maximum(near.T))
    return adjacency, (pixels / 16).astype(np.float32), labels.astype(np.int64)


# --- citations -------------------------------------------------------------------------------


def cora(
    split: str, root: str | os.PathLike | None = None
) -> tuple[csr_array, csr_array, np.ndarray]:
    """Cora's citations, words and labels, in the public split.

    split: 'train' (140 nodes, 20 a class), 'valid' (500) or 'test' (1,000). root: see data_root;
    the eight files ind.cora.* lie in planetoid/Cora/raw below it, or in Cora/raw as
    torch_geometric keeps them. Returns adjacency (2708, 2708), words (2708, 1433), 1 for a word
    that occurs, and labels (2708,), -1 outside the split. Raises ValueError for any other split or
    a damaged file, FileNotFoundError, with files and folder, where they are missing.
    Source: Sen et al. (2008); Yang, Cohen & Salakhutdinov (2016).
    """
    return _planetoid(CORA, "Cora", split, root)


def citeseer(
    split: str, root: str | os.PathLike | None = None
) -> tuple[csr_array, csr_array, np.ndarray]:
    """CiteSeer's citations, words and labels, in the public split.

    As `cora`, with ind.citeseer.* in CiteSeer/raw: 120 nodes to train on, 500, and 1,000. The 15
    nodes that the files leave out have no edge and no words, and -1 for a label in every split.
    """
    return _planetoid(CITESEER, "CiteSeer", split, root)


def _planetoid(entry: DataSet, kind: str, split: str, root: str | os.PathLike | None):
    """The eight files of Yang et al.: x, y of the training nodes; allx, ally of all but the test
    nodes; tx, ty of the test nodes, in the order of test.index; graph, node -> its neighbours.
    """
    entry.check_split(split)
    from scipy import sparse

    parts = ("x", "y", "allx", "ally", "tx", "ty", "graph", "test.index")
    names = [f"ind.{kind.lower()}.{part}" for part in parts]
    raw = Path(kind, "raw")
    folder = _folder(entry, data_root(root), [Path("planetoid") / raw, raw], names)
    try:
        x, _, allx, ally, tx, ty, graph = (_unpickled(folder / name) for name in names[:-1])
        test = np.loadtxt(folder / names[-1], dtype=np.int64, ndmin=1)
        known, count, train = allx.shape[0], int(test.max()) + 1, x.shape[0]
        words = sparse.lil_array((count, allx.shape[1]), dtype=np.float32)
        words[:known], words[test] = allx, tx
        classes = np.zeros((count, ally.shape[1]))  # all 0 for nodes that no file speaks of
        classes[:known], classes[test] = ally, ty
        ends = np.array([(i, j) for i, near in graph.items() for j in near if i != j])
        one_way = sparse.csr_array((np.ones(len(ends)), ends.T), shape=(count, count))
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise _damaged(entry, folder, error) from error
    adjacency = ((one_way + one_way.T) > 0).astype(np.float64)
    labels = np.where(classes.any(axis=1), classes.argmax(axis=1), -1)
    nodes = {"train": range(train), "valid": range(train, train + VALID), "test": test}[split]
    labels[~np.isin(np.arange(count), nodes)] = -1
    return adjacency.tocsr(), words.tocsr(), labels


class _Csr:
    """What a pickled scipy matrix becomes: its attributes, to be looked at before they are used."""

    def matrix(self) -> csr_array:
        from scipy import sparse

        state = vars(self)
        parts = state["data"], state["indices"], state["indptr"]
        matrix = sparse.csr_array(parts, shape=state.get("_shape", state.get("shape")))
        matrix.check_format(full_check=True)  # an index out of bounds would read foreign memory
        return matrix


class _Unpickler(pickle.Unpickler):
    """Reads arrays, sparse matrices, lists and dicts of them. Nothing else in a file can run."""

    def find_class(self, module: str, name: str) -> Any:
        from collections import defaultdict

        allowed = {
            "_reconstruct": np.empty(0).__reduce__()[0],
            "ndarray": np.ndarray,
            "dtype": np.dtype,
            "csr_matrix": _Csr,
            "defaultdict": defaultdict,
            "list": list,
        }
        homes = ("numpy", "scipy", "collections", "builtins", "__builtin__")
        if name not in allowed or module.split(".")[0] not in homes:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data set needs")
        return allowed[name]


def _unpickled(file: Path) -> Any:
    """What a pickle of Python 2 or 3 holds. ValueError where it is damaged or asks for code."""
    with open(file, "rb") as stream:
        try:
            content = _Unpickler(stream, encoding="latin1").load()
            return content.matrix() if isinstance(content, _Csr) else content
        except Exception as error:  # a damaged pickle may raise nearly anything
            raise ValueError(f"{file.name}: {error}") from error


# --- molecules -------------------------------------------------------------------------------


def mutag(
    split: str, root: str | os.PathLike | None = None
) -> tuple[csr_array, np.ndarray, np.ndarray, np.ndarray]:
    """MUTAG's molecules: bonds, kinds of atoms, the molecule of each atom, and its label.

    split: 'all', since the set is used in cross-validation. root: see data_root; the file is
    graphs/TU-txt/MUTAG.txt below it, or the files MUTAG_*.txt in MUTAG/raw, as torch_geometric
    keeps them. Returns adjacency (3371, 3371), atoms (3371, 7), graph_ids (3371,) and labels
    (188,). Errors as for `cora`. Source: Debnath et al. (1991); Morris et al. (2020).
    """
    MUTAG.check_split(split)
    folder = data_root(root)
    if (folder / "graphs" / "TU-txt" / "MUTAG.txt").exists():
        folder, read = folder / "graphs" / "TU-txt", _molecules_of_one_file
    else:
        places = [Path("MUTAG", "raw"), Path("graphs", "MUTAG", "raw")]
        names = [f"MUTAG_{p}.txt" for p in ("A", "graph_indicator", "graph_labels", "node_labels")]
        hint = "MUTAG.txt into graphs/TU-txt, or "
        folder, read = _folder(MUTAG, folder, places, names, hint), _molecules_of_raw
    from scipy.sparse import csr_array

    try:
        ends, kinds, graph_ids, labels = read(folder)
        n = len(kinds)
        one_way = csr_array((np.ones(len(ends)), ends.T), shape=(n, n))
        atoms = np.eye(kinds.max() + 1, dtype=np.float32)[kinds]
    except (ValueError, IndexError) as error:
        raise _damaged(MUTAG, folder, error) from error
    adjacency = ((one_way + one_way.T) > 0).astype(np.float64)
    return adjacency.tocsr(), atoms, graph_ids, (labels == labels.max()).astype(np.int64)


def _molecules_of_one_file(folder: Path):
    """The number of graphs; for each `n label`, then n lines `kind m neighbour …`, m of them."""
    numbers = map(int, (folder / "MUTAG.txt").read_text().split())
    ends, kinds, graph_ids, labels = [], [], [], []
    try:
        for graph in range(next(numbers)):
            first, n = len(kinds), next(numbers)
            labels.append(next(numbers))
            for node in range(first, first + n):
                kinds.append(next(numbers))
                graph_ids.append(graph)
                ends += [(node, first + next(numbers)) for _ in range(next(numbers))]
    except (StopIteration, RuntimeError):
        raise ValueError("MUTAG.txt ends too early") from None
    return tuple(np.array(a, dtype=np.int64) for a in (ends, kinds, graph_ids, labels))


def _molecules_of_raw(folder: Path):
    """TUDataset's files: a line `i, j` an edge, counted from 1; a number a node, or a graph."""

    def column(part: str) -> np.ndarray:
        return np.loadtxt(folder / f"MUTAG_{part}.txt", dtype=np.int64, delimiter=",", ndmin=1)

    ends, graph_ids = column("A") - 1, column("graph_indicator") - 1
    return ends, column("node_labels"), graph_ids, column("graph_labels")


# --- where the files are ---------------------------------------------------------------------


def _folder(entry: DataSet, root: Path, places: list[Path], names: list[str], hint: str = ""):
    """The first of the places that holds all files; else FileNotFoundError that names them."""
    for place in places:
        if all((root / place / name).is_file() for name in names):
            return root / place
    raise FileNotFoundError(
        f"{entry.name} is not in {root}, and this course does not download it: "
        f"put {hint}{', '.join(names)} into {places[0]} there, or set COURSE_DATA"
    )


def _damaged(entry: DataSet, folder: Path, error: Exception) -> ValueError:
    text = " ".join(str(error).split())
    return ValueError(f"{entry.name} in {folder} cannot be read ({text}): put a whole copy there")
