"""A right graph layer passes however it is written: loops, edge lists, sparse, torch."""

import math

import networkx
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import sparse
from scipy.special import expit, log_softmax

from pytools import check

# --- normalize_adjacency ---------------------------------------------------------------------


def edge_by_edge(adjacency):
    if sparse.issparse(adjacency):
        return sparse.csr_matrix(np.array(edge_by_edge(adjacency.toarray())))
    a = [[float(v) for v in row] for row in adjacency]
    for i in range(len(a)):
        a[i][i] += 1.0
    degree = [sum(row) for row in a]
    return [
        [v / math.sqrt(degree[i] * degree[j]) for j, v in enumerate(row)] for i, row in enumerate(a)
    ]


def by_diagonal_matrices(adjacency):
    """As Kipf's own code has it: coo, diags, dot and transpose."""
    if not sparse.issparse(adjacency):
        looped = adjacency + np.eye(adjacency.shape[0])
        root = np.diag(np.power(looped.sum(1), -0.5).flatten())
        return looped.dot(root).transpose().dot(root)
    looped = sparse.coo_matrix(adjacency + sparse.eye(adjacency.shape[0]))
    root = sparse.diags(np.power(np.array(looped.sum(1)), -0.5).flatten())
    return looped.dot(root).transpose().dot(root).tocoo()


def always_through_csr(adjacency):
    a = sparse.csr_matrix(adjacency, dtype=float)
    a = a + sparse.identity(a.shape[0], format="csr")
    root = sparse.diags(1 / np.sqrt(a.sum(axis=1).A1))
    a_hat = root * a * root
    return a_hat if sparse.issparse(adjacency) else a_hat.todense()  # an np.matrix


def in_the_given_format(adjacency):
    if not sparse.issparse(adjacency):
        return normalised_in_single_precision(adjacency)
    a = adjacency.tolil(copy=True).astype(float)
    a.setdiag(1)
    degree = np.asarray(a.sum(axis=1)).ravel()
    rows, columns, weights = sparse.find(a)
    values = weights / np.sqrt(degree[rows] * degree[columns])
    return sparse.coo_array((values, (rows, columns)), shape=a.shape).asformat(adjacency.format)


def normalised_in_single_precision(adjacency):
    if sparse.issparse(adjacency):
        return sparse.dok_matrix(normalised_in_single_precision(adjacency.toarray()))
    a = np.array(adjacency, np.float32)
    np.fill_diagonal(a, 1)
    root = np.sqrt(a.sum(0))
    a /= root
    a /= root[:, None]
    return a


def from_the_laplacian(adjacency):
    """I minus networkx' normalised Laplacian of the graph with loops."""
    dense = adjacency.toarray() if sparse.issparse(adjacency) else adjacency
    looped = networkx.from_numpy_array(dense + np.eye(len(dense)))
    a_hat = np.eye(len(dense)) - networkx.normalized_laplacian_matrix(looped)
    return sparse.bsr_array(a_hat) if sparse.issparse(adjacency) else np.asarray(a_hat)


def normalised_by_torch(adjacency):
    if sparse.issparse(adjacency):
        return sparse.csc_array(normalised_by_torch(adjacency.toarray()).numpy())
    a = torch.tensor(adjacency, dtype=torch.float64) + torch.eye(len(adjacency))
    root = a.sum(1).rsqrt()
    return root[:, None] * a * root


# --- neighbour_update ------------------------------------------------------------------------


def node_by_node(h, adjacency, w_self, w_neigh):
    out = []
    for i in range(len(h)):
        near = np.nonzero(adjacency[i])[0]
        row = h[i] @ w_self
        for j in near:
            row = row + h[j] @ w_neigh / len(near)
        out.append([max(float(v), 0.0) for v in row])
    return out


def with_degree_at_least_one(h, adjacency, w_self, w_neigh):
    degree = np.count_nonzero(adjacency, axis=0).clip(1)
    out = h.dot(w_self) + (adjacency / degree[:, None]) @ (h @ w_neigh)
    out[out < 0] = 0
    return np.asfortranarray(out)


def updated_by_torch(h, adjacency, w_self, w_neigh):
    h, a, w_self, w_neigh = (torch.tensor(v).float() for v in (h, adjacency, w_self, w_neigh))
    return F.relu(h @ w_self + torch.nan_to_num(a @ h / a.sum(1, keepdim=True)) @ w_neigh)


def updated_by_networkx(h, adjacency, w_self, w_neigh):
    graph = networkx.from_numpy_array(adjacency)
    means = [h[list(graph[i])].mean(0) if graph[i] else np.zeros(h.shape[1]) for i in graph]
    return np.maximum(np.hstack([h, means]) @ np.vstack([w_self, w_neigh]), 0)


# --- gcn_forward, gcn_backward ---------------------------------------------------------------


def propagated_first(a_hat, x, w):
    propagated = a_hat @ x
    return propagated @ w, (a_hat, propagated, w)


def propagated_first_backward(grad, cache):
    a_hat, propagated, w = cache
    return a_hat.T @ (grad @ w.T), propagated.T @ grad


def made_dense(a_hat, x, w):
    a_hat = a_hat.toarray() if sparse.issparse(a_hat) else a_hat
    out = np.einsum("ij,jf,fg->ig", a_hat, x, w).tolist()
    return [out, {"a": a_hat.tolist(), "x": x.tolist(), "w": w.tolist()}]


def made_dense_backward(grad, cache):
    a_hat, x, w = (np.array(cache[name]) for name in "axw")
    return (
        np.einsum("ij,ig,fg->jf", a_hat, grad, w).tolist(),
        np.einsum("ij,ig,jf->fg", a_hat, grad, x).tolist(),
    )


class Layer:
    def __init__(self, x, w, out):
        self.x, self.w, self.out = x, w, out


def layer_by_torch(a_hat, x, w):
    a_hat = torch.tensor(a_hat.toarray() if sparse.issparse(a_hat) else a_hat)
    x, w = (torch.tensor(v, requires_grad=True) for v in (x, w))
    layer = Layer(x, w, a_hat @ x @ w)
    return layer.out.detach(), layer


def layer_by_torch_backward(grad, layer):
    layer.out.backward(torch.tensor(grad))
    return layer.x.grad, layer.w.grad


def edges_in_single_precision(a_hat, x, w):
    rows, columns, weights = sparse.find(a_hat)
    out = np.zeros((len(x), w.shape[1]), np.float32)
    np.add.at(out, rows, np.float32(weights)[:, None] * (np.float32(x) @ np.float32(w))[columns])
    return out, (rows, columns, np.float32(weights)[:, None], np.float32(x), np.float32(w))


def edges_in_single_precision_backward(grad, cache):
    rows, columns, weights, x, w = cache
    arrived = np.zeros((len(x), grad.shape[1]), np.float32)
    np.add.at(arrived, columns, weights * np.float32(grad)[rows])
    return arrived @ w.T, x.T @ arrived


def as_sparse_results(a_hat, x, w):
    out = sparse.csr_matrix(a_hat) @ sparse.csr_matrix(x) @ sparse.csr_matrix(w)
    return out, (sparse.csc_matrix(a_hat), sparse.csr_matrix(x), w)


def as_sparse_results_backward(grad, cache):
    a_hat, x, w = cache
    arrived = sparse.csr_matrix(a_hat.T @ grad)
    return (arrived @ w.T), (x.T @ arrived).todok()


# --- masked_cross_entropy --------------------------------------------------------------------


def masked_by_torch(logits, labels, mask):
    logits, labels = torch.tensor(logits, requires_grad=True), torch.tensor(labels)
    ignored = torch.where(torch.tensor(mask), labels, -100)
    loss = F.cross_entropy(logits, ignored)
    loss.backward()
    return loss, logits.grad


def masked_with_eye(logits, labels, mask):
    """Labels of -1 index the last row of eye: whatever it gives is masked out."""
    hot = np.eye(logits.shape[1])[labels]
    logs = log_softmax(logits, axis=1)
    weight = mask / mask.sum()
    return [-(weight * (hot * logs).sum(1)).sum()], weight[:, None] * (np.exp(logs) - hot)


def masked_in_loops(logits, labels, mask):
    loss, grad, count = 0.0, [[0.0] * logits.shape[1] for _ in logits], int(sum(mask))
    for n in range(len(logits)):
        if not mask[n]:
            continue
        row = logits[n].astype(float)
        top = max(row)
        log_total = top + math.log(sum(math.exp(v - top) for v in row))
        loss += (log_total - row[labels[n]]) / count
        grad[n] = [(math.exp(v - log_total) - (c == labels[n])) / count for c, v in enumerate(row)]
    return loss, grad


def masked_in_single_precision(logits, labels, mask):
    near = np.flatnonzero(mask)
    rows = np.float32(logits)[near]
    rows = rows - rows.max(1, keepdims=True)
    logs = rows - np.log(np.exp(rows).sum(1, keepdims=True))
    loss = -logs[range(len(near)), labels[near]].mean()
    grad = np.zeros(logits.shape, np.float32)
    grad[near] = np.exp(logs)
    grad[near, labels[near]] -= 1
    return loss, grad / np.float32(len(near))


# --- gat_attention ---------------------------------------------------------------------------


def attention_pair_by_pair(h, adjacency, w, a, slope=0.2):
    z = h @ w
    out = np.zeros((len(h), len(h)))
    for i in range(len(h)):
        near = [i] + [j for j in range(len(h)) if adjacency[i, j] > 0 and j != i]
        scores = [float(np.concatenate([z[i], z[j]]) @ a) for j in near]
        scores = [s if s > 0 else slope * s for s in scores]
        exps = [math.exp(s - max(scores)) for s in scores]
        for j, e in zip(near, exps, strict=True):
            out[i][j] = e / sum(exps)
    return out.tolist()


def attention_by_torch(h, adjacency, w, a, slope=0.2):
    """The published code: all pairs side by side, -9e15 where there is no edge."""
    h, w, a = (torch.tensor(v) for v in (h, w, a))
    z = h @ w
    n = len(z)
    pairs = torch.cat([z.repeat_interleave(n, 0), z.repeat(n, 1)], 1).view(n, n, -1)
    scores = F.leaky_relu(pairs @ a, slope)
    near = torch.tensor(adjacency) + torch.eye(n)
    return F.softmax(torch.where(near > 0, scores, torch.full_like(scores, -9e15)), 1)


def attention_on_edges(h, adjacency, w, a, slope=0.2):
    z = (h @ w).astype(np.float32)
    rows, columns = np.nonzero(adjacency + np.eye(len(adjacency)))
    half = len(a) // 2
    scores = z[rows] @ np.float32(a[:half]) + z[columns] @ np.float32(a[half:])
    scores = np.maximum(scores, slope * scores)
    top = np.full(len(h), -np.inf, np.float32)
    np.maximum.at(top, rows, scores)
    exps = np.exp(scores - top[rows])
    total = np.bincount(rows, exps)
    return sparse.coo_matrix((exps / total[rows], (rows, columns)), shape=adjacency.shape)


# --- graph_readout, link_probability ---------------------------------------------------------


def summed_by_a_matrix(z, graph_ids):
    one_hot = np.arange(graph_ids.max() + 1)[:, None] == graph_ids
    return one_hot @ z


def summed_in_a_dict(z, graph_ids):
    sums = {}
    for row, g in zip(z.tolist(), graph_ids.tolist(), strict=True):
        sums[g] = [p + q for p, q in zip(sums.get(g, [0.0] * len(row)), row, strict=True)]
    return [sums.get(g, [0.0] * z.shape[1]) for g in range(max(sums) + 1)]


def summed_by_torch(z, graph_ids):
    out = torch.zeros(int(graph_ids.max()) + 1, z.shape[1], dtype=torch.float32)
    return out.index_add(0, torch.tensor(graph_ids), torch.tensor(z).float())


def summed_by_bincount(z, graph_ids):
    return np.stack([np.bincount(graph_ids, column) for column in z.T], axis=1)


def summed_sparse(z, graph_ids):
    where = graph_ids, np.arange(len(z))
    return sparse.csr_array((np.ones(len(z)), where)) @ sparse.csr_matrix(z)


def link_by_link(z):
    def sigmoid(v):
        return 1 / (1 + math.exp(-v)) if v > -700 else 0.0

    return [[sigmoid(float(p @ q)) for q in z] for p in z]


def links_by_torch(z):
    z = torch.tensor(z).float()
    return torch.sigmoid(z @ z.T)


def links_by_tanh(z):
    return (1 + np.tanh(np.einsum("if,jf->ij", z, z) / 2)) / 2


def links_by_scipy(z):
    return np.matrix(expit(np.inner(z, z)))


RIGHT = [
    ("normalize_adjacency", edge_by_edge),
    ("normalize_adjacency", by_diagonal_matrices),
    ("normalize_adjacency", always_through_csr),
    ("normalize_adjacency", in_the_given_format),
    ("normalize_adjacency", normalised_in_single_precision),
    ("normalize_adjacency", from_the_laplacian),
    ("normalize_adjacency", normalised_by_torch),
    ("neighbour_update", node_by_node),
    ("neighbour_update", with_degree_at_least_one),
    ("neighbour_update", updated_by_torch),
    ("neighbour_update", updated_by_networkx),
    ("gcn_forward", propagated_first),
    ("gcn_forward", made_dense),
    ("gcn_forward", layer_by_torch),
    ("gcn_forward", edges_in_single_precision),
    ("gcn_forward", as_sparse_results),
    ("gcn_backward", (propagated_first, propagated_first_backward)),
    ("gcn_backward", (made_dense, made_dense_backward)),
    ("gcn_backward", [layer_by_torch, layer_by_torch_backward]),
    ("gcn_backward", (edges_in_single_precision, edges_in_single_precision_backward)),
    ("gcn_backward", (as_sparse_results, as_sparse_results_backward)),
    ("masked_cross_entropy", masked_by_torch),
    ("masked_cross_entropy", masked_with_eye),
    ("masked_cross_entropy", masked_in_loops),
    ("masked_cross_entropy", masked_in_single_precision),
    ("gat_attention", attention_pair_by_pair),
    ("gat_attention", attention_by_torch),
    ("gat_attention", attention_on_edges),
    ("graph_readout", summed_by_a_matrix),
    ("graph_readout", summed_in_a_dict),
    ("graph_readout", summed_by_torch),
    ("graph_readout", summed_by_bincount),
    ("graph_readout", summed_sparse),
    ("link_probability", link_by_link),
    ("link_probability", links_by_torch),
    ("link_probability", links_by_tanh),
    ("link_probability", links_by_scipy),
]


def name(attempt):
    return attempt.__name__ if callable(attempt) else attempt[1].__name__


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[name(a) for _, a in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(20):
        earned = check(f"gcn.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, capsys.readouterr().out


FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")


@pytest.mark.parametrize("kind", [f"{f}_{c}" for f in FORMATS for c in ("matrix", "array")])
def test_a_sparse_result_of_any_kind_is_read(kind):
    def normalize_adjacency(adjacency):
        a_hat = normalised_in_single_precision(adjacency)
        return getattr(sparse, kind)(a_hat) if sparse.issparse(a_hat) else a_hat

    assert check("gcn.normalize_adjacency", normalize_adjacency, points=4) == 4.0


# --- wrong ones that no misconception names --------------------------------------------------


def normalised_for_csr_alone(adjacency):
    """Takes any other sparse format for a dense array's."""
    if isinstance(adjacency, sparse.csr_matrix):
        return by_diagonal_matrices(adjacency)
    return by_diagonal_matrices(np.asarray(adjacency, dtype=float))


def always_sparse(adjacency):
    return sparse.csr_matrix(by_diagonal_matrices(adjacency))


def always_dense(adjacency):
    a_hat = by_diagonal_matrices(adjacency)
    return a_hat.toarray() if sparse.issparse(a_hat) else a_hat


def two_loops(adjacency):
    dense = adjacency.toarray() if sparse.issparse(adjacency) else adjacency
    looped = dense + 2 * np.eye(len(dense))
    a_hat = looped / np.sqrt(np.outer(looped.sum(0), looped.sum(0)))
    return sparse.csr_matrix(a_hat) if sparse.issparse(adjacency) else a_hat


def loops_written_into_a_sparse_input(adjacency):
    if not sparse.issparse(adjacency):
        return by_diagonal_matrices(adjacency)
    if adjacency.format == "lil":
        adjacency.setdiag(1)
        return by_diagonal_matrices(adjacency - sparse.eye(adjacency.shape[0]))
    return by_diagonal_matrices(adjacency)


def roots_as_integers(adjacency):
    if sparse.issparse(adjacency) or adjacency.dtype.kind == "f":
        return by_diagonal_matrices(adjacency)
    looped = adjacency + np.eye(len(adjacency), dtype=int)
    root = np.sqrt(looped.sum(1)).astype(int)
    return looped / np.outer(root, root)


def zero_rows_for_the_lonely(adjacency):
    if sparse.issparse(adjacency):
        return by_diagonal_matrices(adjacency)
    return by_diagonal_matrices(adjacency) * (adjacency.sum(1) > 0)[:, None]


def with_sigmoid(h, adjacency, w_self, w_neigh):
    degree = np.maximum(adjacency.sum(1, keepdims=True), 1)
    return expit(h @ w_self + adjacency @ h / degree @ w_neigh)


def zeros_for_the_lonely(h, adjacency, w_self, w_neigh):
    return node_by_node(h, adjacency, w_self, w_neigh) * (adjacency.sum(1) > 0)[:, None]


def relu_before_the_mean(h, adjacency, w_self, w_neigh):
    degree = np.maximum(adjacency.sum(1, keepdims=True), 1)
    return np.maximum(h @ w_self + adjacency @ np.maximum(h @ w_neigh, 0) / degree, 0)


def dense_alone(a_hat, x, w):
    return np.asarray(a_hat) @ x @ w, None


def symmetric_alone(a_hat, x, w):
    return (a_hat + a_hat.T) / 2 @ x @ w, None


def labels_up_to_zero(logits, labels, mask):
    """Takes the labels that are not -1 for the mask."""
    return masked_in_loops(logits, labels, labels >= 0)


def labels_used_as_indices_of_the_rest(logits, labels, mask):
    loss, grad = masked_in_loops(logits, labels, mask)
    grad = np.array(grad)
    grad[~mask] = -grad[mask].mean(0)
    return loss, grad


def leaky_relu_after_softmax(h, adjacency, w, a, slope=0.2):
    raw = attention_pair_by_pair(h, adjacency, w, a, 1.0)
    return np.where(np.array(raw) > 0.1, raw, slope * np.array(raw))


def a_single_loop_alone(h, adjacency, w, a, slope=0.2):
    """Attends to itself only where there is no one else."""
    alone = np.diag(adjacency.sum(1) == 0)
    alpha = np.array(attention_pair_by_pair(h, adjacency + alone, w, a, slope))
    alpha[~alone & np.eye(len(h), dtype=bool)] = 0
    return alpha / alpha.sum(1, keepdims=True)


def edges_of_weight_one_alone(h, adjacency, w, a, slope=0.2):
    return attention_pair_by_pair(h, adjacency == 1, w, a, slope)


def as_many_graphs_as_ids(z, graph_ids):
    return summed_by_a_matrix(z, np.unique(graph_ids, return_inverse=True)[1])


def nan_for_empty(z, graph_ids):
    sums = summed_by_a_matrix(z, graph_ids)
    sums[np.bincount(graph_ids) == 0] = np.nan
    return sums


def clipped_links(z):
    return np.clip(z @ z.T, 0, 1)


def cosine_links(z):
    length = np.linalg.norm(z, axis=1, keepdims=True) + 1e-12
    return expit(z / length @ (z / length).T)


WRONG = [
    ("normalize_adjacency", normalised_for_csr_alone),
    ("normalize_adjacency", always_sparse),
    ("normalize_adjacency", always_dense),
    ("normalize_adjacency", two_loops),
    ("normalize_adjacency", loops_written_into_a_sparse_input),
    ("normalize_adjacency", roots_as_integers),
    ("normalize_adjacency", zero_rows_for_the_lonely),
    ("neighbour_update", with_sigmoid),
    ("neighbour_update", zeros_for_the_lonely),
    ("neighbour_update", relu_before_the_mean),
    ("gcn_forward", dense_alone),
    ("gcn_forward", symmetric_alone),
    ("masked_cross_entropy", labels_up_to_zero),
    ("masked_cross_entropy", labels_used_as_indices_of_the_rest),
    ("gat_attention", leaky_relu_after_softmax),
    ("gat_attention", a_single_loop_alone),
    ("gat_attention", edges_of_weight_one_alone),
    ("graph_readout", as_many_graphs_as_ids),
    ("graph_readout", nan_for_empty),
    ("link_probability", clipped_links),
    ("link_probability", cosine_links),
]


@pytest.mark.parametrize("function, attempt", WRONG, ids=[f.__name__ for _, f in WRONG])
def test_other_wrong_solutions_fail(function, attempt):
    for seed in range(5):
        assert check(f"gcn.{function}", attempt, points=4, seed=seed) < 4.0
