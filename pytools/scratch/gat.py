"""Graph attention: each node weighs its neighbours itself.

Everything is computed on the edges, never on all N × N pairs. Source: Veličković, Cucurull,
Casanova, Romero, Liò & Bengio (2018), Graph attention networks.
"""

from typing import Any

import numpy as np
from scipy import sparse

from pytools.scratch.graphs import Matrix, check_adjacency, rows_of_nodes, with_loops


def gat_attention(
    h: np.ndarray, adjacency: Matrix, w: np.ndarray, a: np.ndarray, slope: float = 0.2
) -> Matrix:
    """α_ij = softmax over j of LeakyReLU(aᵀ [W h_i ‖ W h_j]), j the neighbours of i and i itself.

    h (N, F); adjacency (N, N), symmetric, of which only matters where it is not 0; w (F, F'), so
    that W h_i is the row h_i w; a (2F',); slope that of LeakyReLU below 0. Returns α (N, N), 0
    where there is no edge, each row with the sum 1; dense, or CSR where adjacency is sparse.
    Raises ValueError for shapes that do not fit. Source: equation 3.
    """
    _, (alpha, *_) = gat_forward(h, adjacency, w, a, slope)
    return alpha if sparse.issparse(adjacency) else alpha.toarray()


def gat_forward(
    h: np.ndarray, adjacency: Matrix, w: np.ndarray, a: np.ndarray, slope: float = 0.2
) -> tuple[np.ndarray, Any]:
    """One attention head without its activation: out_i = Σ_j α_ij W h_j.

    Arguments as in gat_attention. Returns out (N, F') and a cache for gat_backward.
    """
    edges = with_loops(sparse.csr_array(check_adjacency("adjacency", adjacency) > 0, dtype=float))
    h, w, a = rows_of_nodes("h", h, edges.shape[0]), np.asarray(w), np.asarray(a)
    if w.ndim != 2 or len(w) != h.shape[1] or a.shape != (2 * w.shape[1],):
        raise ValueError(
            f"w and a must be ({h.shape[1]}, F') and (2F',), but have shapes {w.shape}, {a.shape}"
        )
    z = h @ w
    rows, columns = _ends(edges)
    from_i, to_j = np.split(a, 2)
    scores = (z @ from_i)[rows] + (z @ to_j)[columns]
    gate = np.where(scores > 0, 1, slope).astype(scores.dtype)
    alpha = _like(edges, _row_softmax(gate * scores, edges.indptr))
    return alpha @ z, (alpha, h, z, w, a, gate)


def gat_backward(grad: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of gat_forward.

    grad (N, F'): the gradient for out. Returns grad_h, grad_w, grad_a, in the shapes of h, w, a.
    Raises ValueError where grad does not fit out.
    """
    alpha, h, z, w, a, gate = cache
    grad = np.asarray(grad)
    if grad.shape != z.shape:
        raise ValueError(f"grad must have out's shape {z.shape}, but has {grad.shape}")
    rows, columns = _ends(alpha)
    from_i, to_j = np.split(a, 2)
    for_alpha = np.einsum("ef,ef->e", grad[rows], z[columns])
    weighted = alpha.data * for_alpha
    mean = np.add.reduceat(weighted, alpha.indptr[:-1]) if len(z) else weighted
    for_scores = _like(alpha, gate * (weighted - alpha.data * mean[rows]))
    for_i, for_j = for_scores.sum(axis=1), for_scores.sum(axis=0)
    grad_z = alpha.T @ grad + np.outer(for_i, from_i) + np.outer(for_j, to_j)
    return grad_z @ w.T, h.T @ grad_z, np.concatenate([for_i @ z, for_j @ z])


def _ends(edges: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """The two ends, row and column, of each stored entry."""
    return np.repeat(np.arange(edges.shape[0]), np.diff(edges.indptr)), edges.indices


def _like(edges: sparse.csr_array, values: np.ndarray) -> sparse.csr_array:
    """The same edges with other values."""
    return sparse.csr_array((values, edges.indices, edges.indptr), shape=edges.shape)


def _row_softmax(scores: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """Softmax over the entries of each row. Every row has one, its loop: reduceat needs that."""
    if not scores.size:
        return scores
    counts = np.diff(indptr)
    exps = np.exp(scores - np.repeat(np.maximum.reduceat(scores, indptr[:-1]), counts))
    return exps / np.repeat(np.add.reduceat(exps, indptr[:-1]), counts)
