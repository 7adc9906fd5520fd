"""Graphs as matrices: normalised, averaged over neighbours, read out, and links predicted.

A graph of N nodes is its adjacency A (N, N), dense or any format of scipy.sparse: entry [i, j] is
the weight of the edge between i and j, 0 where there is none. A is symmetric, and an edge from a
node to itself says nothing that the formulas here do not add themselves: the diagonal is ignored.
"""

import numpy as np
from scipy import sparse
from scipy.special import expit

from pytools.scratch.inputs import finite_batch

Matrix = np.ndarray | sparse.spmatrix | sparse.sparray


def normalize_adjacency(adjacency: Matrix) -> Matrix:
    """Kipf & Welling's Â = D̃^-½ (A + I) D̃^-½, where D̃ holds the row sums of A + I.

    adjacency (N, N) as above. Returns (N, N), dense for dense and the given sparse format for a
    sparse one; float32 where the input is, else float64. A node without neighbours keeps its own
    loop, Â_ii = 1. Time and memory grow with the number of edges where A is sparse. Raises
    ValueError for what is no adjacency (see check_adjacency).
    Source: Kipf & Welling (2017), Semi-supervised classification with graph convolutional
    networks, equation 2 and section 2.2.
    """
    looped = with_loops(check_adjacency("adjacency", adjacency))
    scale = 1 / np.sqrt(looped.sum(axis=1))
    if not sparse.issparse(looped):
        return scale[:, None] * looped * scale
    entries = looped.tocoo()
    rows, columns = entries.coords
    entries.data *= scale[rows] * scale[columns]
    return type(adjacency)(entries)


def neighbour_update(
    h: np.ndarray, adjacency: Matrix, w_self: np.ndarray, w_neigh: np.ndarray
) -> np.ndarray:
    """relu(h_i W_self + Σ_j (1/c_i) A_ij h_j W_neigh): a node beside the mean of its neighbours.

    h (N, F), adjacency (N, N) as above, w_self and w_neigh (F, F'). c_i = Σ_j A_ij is the degree
    of i, so the mean is weighted where the edges are. A node without neighbours has no second
    term. Returns (N, F'). Raises ValueError for shapes that do not fit. Source: Kipf & Welling
    (2016), slides on graph convolutional networks; Hamilton, Ying & Leskovec (2017), GraphSAGE.
    """
    adjacency = without_loops(check_adjacency("adjacency", adjacency))
    h = rows_of_nodes("h", h, adjacency.shape[0])
    for name, w in (("w_self", w_self), ("w_neigh", w_neigh)):
        if np.ndim(w) != 2 or np.shape(w) != (h.shape[1], np.shape(w_self)[-1]):
            raise ValueError(
                f"{name} must be ({h.shape[1]}, F'), as wide as the other, "
                f"but has shape {np.shape(w)}"
            )
    degree = np.asarray(adjacency.sum(axis=1))[:, None]
    mean = (adjacency @ h) / np.where(degree > 0, degree, 1)
    return np.maximum(h @ w_self + mean @ w_neigh, 0)


def graph_readout(z: np.ndarray, graph_ids: np.ndarray) -> np.ndarray:
    """The sum of the node rows of each graph: one row a graph.

    z (N, F); graph_ids (N,), integers >= 0 in any order: the graph that each node belongs to.
    Returns (G, F), G = max(graph_ids) + 1, or 0 without nodes; a graph without nodes has zeros.
    Raises ValueError for shapes that do not fit and ids below 0.
    """
    z, graph_ids = np.asarray(z), np.asarray(graph_ids)
    if z.ndim != 2:
        raise ValueError(f"z must be (N, F), but has shape {z.shape}")
    if graph_ids.shape != z.shape[:1] or (graph_ids.size and graph_ids.dtype.kind not in "iu"):
        raise ValueError(
            f"graph_ids must be {len(z)} integers, one a row of z, "
            f"but has shape {graph_ids.shape} and dtype {graph_ids.dtype}"
        )
    if graph_ids.size and graph_ids.min() < 0:
        raise ValueError(f"graph_ids must be 0 or more, but one is {graph_ids.min()}")
    graphs = int(graph_ids.max()) + 1 if graph_ids.size else 0
    out = np.zeros((graphs, z.shape[1]), z.dtype)
    np.add.at(out, graph_ids.astype(np.intp), z)
    return out


def link_probability(z: np.ndarray) -> np.ndarray:
    """p(A_ij = 1) = σ(z_i · z_j): how likely an edge is, as a graph auto-encoder decodes it.

    z (N, F), finite. Returns (N, N), symmetric. Source: Kipf & Welling (2016), Variational graph
    auto-encoders, section 2.
    """
    z = finite_batch("z", z, ndim=2)
    return expit(z @ z.T)


# --- what is an adjacency --------------------------------------------------------------------


def check_adjacency(name: str, adjacency: Matrix) -> np.ndarray | sparse.csr_array:
    """The adjacency as a float array, or as a CSR array of its own where it is sparse.

    Duplicate entries of a sparse one are added up, as scipy reads them. Raises ValueError, with
    the name, where it is not square, not real, negative, not finite, or not symmetric.
    """
    is_sparse = sparse.issparse(adjacency)
    a = sparse.csr_array(adjacency) if is_sparse else np.asarray(adjacency)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError(f"{name} must be (N, N), but has shape {a.shape}")
    if a.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, but has dtype {a.dtype}")
    a = a.astype(a.dtype if a.dtype == np.float32 else np.float64)
    weights = a.data if is_sparse else a
    if not np.all(np.isfinite(weights)) or np.min(weights, initial=0) < 0:
        raise ValueError(f"{name} must hold finite weights of 0 or more")
    difference = abs(a - a.T)
    if weights.size and difference.max() > 1e-5 * weights.max():
        i, j = np.unravel_index(difference.argmax(), a.shape)
        raise ValueError(
            f"{name} must be symmetric, but [{i}, {j}] is {a[i, j]:g} and [{j}, {i}] is "
            f"{a[j, i]:g}: for a directed graph pass the larger of A and its transpose"
        )
    return a


def rows_of_nodes(name: str, x: np.ndarray, nodes: int) -> np.ndarray:
    """`x` as an array (nodes, F), if it is one; else ValueError that names it."""
    x = np.asarray(x)
    if x.ndim != 2 or len(x) != nodes:
        raise ValueError(f"{name} must be ({nodes}, F), one row a node, but has shape {x.shape}")
    return x


def with_loops(a: np.ndarray | sparse.csr_array) -> np.ndarray | sparse.csr_array:
    """The adjacency with one loop of weight 1 at every node, whatever its diagonal was."""
    n, bare = a.shape[0], without_loops(a)
    if sparse.issparse(a):
        return (bare + sparse.eye_array(n, dtype=a.dtype)).tocsr()
    return bare + np.eye(n, dtype=a.dtype)


def without_loops(a: np.ndarray | sparse.csr_array) -> np.ndarray | sparse.csr_array:
    """The adjacency with zeros on its diagonal, a copy."""
    if not sparse.issparse(a):
        return a * ~np.eye(len(a), dtype=bool)
    entries = a.tocoo()
    rows, columns = entries.coords
    apart = rows != columns
    kept = entries.data[apart], (rows[apart], columns[apart])
    return sparse.csr_array(kept, shape=a.shape)
