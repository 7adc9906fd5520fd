"""Graph layers: against definitions, torch and central differences; any numbering of the nodes."""

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from pytools.scratch import (
    Gcn,
    gat_attention,
    gat_backward,
    gat_forward,
    gcn,
    gcn_backward,
    gcn_forward,
    graph_readout,
    link_probability,
    masked_cross_entropy,
    neighbour_update,
    normalize_adjacency,
    numerical_gradient,
    train_gcn,
)

close = {"rtol": 1e-9, "atol": 1e-10}
properties = settings(max_examples=60, deadline=None)
few = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(*[st.integers(1, 6)] * 3)  # N, F, F'
FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")


def draw_graph(n, rng, weighted=False):
    """Symmetric, diagonal 0; sparse enough for isolated nodes and several parts."""
    edges = np.triu(rng.random((n, n)) < 1.5 / n, 1)
    half = np.where(edges, rng.uniform(0.2, 3.0, (n, n)) if weighted else 1.0, 0.0)
    return half + half.T


def draw_layer(shape, rng):
    """Â, not symmetric and with zeros in it; x; w; a gradient for out."""
    n, f, f_out = shape
    a_hat = np.where(rng.random((n, n)) < 0.5, 0.0, rng.standard_normal((n, n)))
    return a_hat, *(rng.standard_normal(s) for s in [(n, f), (f, f_out), (n, f_out)])


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def check_differences(f, x, grad):
    """Central differences are exact to about 1e-9 here, also where a gradient is next to 0."""
    np.testing.assert_allclose(grad, numerical_gradient(f, x), rtol=1e-5, atol=1e-7)


def tensors(*arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


# --- the adjacency ---------------------------------------------------------------------------


@given(n=st.integers(1, 9), seed=seeds, weighted=st.booleans())
@properties
def test_normalised_as_the_formula_says(n, seed, weighted):
    a = draw_graph(n, np.random.default_rng(seed), weighted)
    before = a.copy()
    a_hat = normalize_adjacency(a)
    degree = [1 + sum(row) for row in a]
    for i in range(n):
        for j in range(n):
            looped = a[i, j] + (i == j)
            assert a_hat[i, j] == pytest.approx(looped / np.sqrt(degree[i] * degree[j]))
    np.testing.assert_array_equal(a, before)
    values = np.linalg.eigvalsh(a_hat)
    assert values[0] > -1 and values[-1] == pytest.approx(1)


@pytest.mark.parametrize("kind", [f"{f}_{c}" for f in FORMATS for c in ("matrix", "array")])
def test_each_sparse_format_comes_back(kind):
    make = getattr(sparse, kind)
    for dtype in (np.float64, np.float32, np.int64):
        a = np.rint(2 * draw_graph(7, np.random.default_rng(3), True)).astype(dtype)
        sparse_in = make(a)
        a_hat = normalize_adjacency(sparse_in)
        assert type(a_hat) is make and a_hat.dtype == (a.dtype if dtype == np.float32 else float)
        np.testing.assert_allclose(a_hat.toarray(), normalize_adjacency(a), rtol=1e-6)
        np.testing.assert_array_equal(sparse_in.toarray(), a)


def test_loops_in_the_input_count_once_however_often_they_are_there():
    a = draw_graph(6, np.random.default_rng(0))
    rows, columns = np.nonzero(a)
    loops = np.arange(6)
    twice = [np.concatenate([ends, loops, loops]) for ends in (rows, columns)]
    for looped in (a + 2 * np.eye(6), sparse.coo_array((np.ones(len(twice[0])), twice))):
        np.testing.assert_allclose(dense(normalize_adjacency(looped)), normalize_adjacency(a))
    h, w = np.ones((6, 2)), np.ones((2, 2))
    np.testing.assert_allclose(
        neighbour_update(h, a + np.eye(6), w, w), neighbour_update(h, a, w, w)
    )


@pytest.mark.parametrize("make", [np.array, sparse.csr_array, sparse.coo_matrix])
def test_graphs_without_edges_or_nodes(make):
    assert normalize_adjacency(make(np.zeros((0, 0)))).shape == (0, 0)
    np.testing.assert_array_equal(dense(normalize_adjacency(make(np.zeros((4, 4))))), np.eye(4))
    for n in (0, 1, 3):
        a, x, w = make(np.zeros((n, n))), np.ones((n, 2)), np.array([[1.0, -1.0, 2.0]] * 2)
        np.testing.assert_array_equal(neighbour_update(x, a, w, w), np.maximum(x @ w, 0))
        np.testing.assert_array_equal(dense(gat_attention(x, a, w, np.ones(6))), np.eye(n))
        out, cache = gcn_forward(normalize_adjacency(a), x, w)
        np.testing.assert_array_equal(out, x @ w)
        grad_x, grad_w = gcn_backward(out, cache)
        assert grad_x.shape == (n, 2) and grad_w.shape == (2, 3)
        out, cache = gat_forward(x, a, w, np.ones(6))
        np.testing.assert_array_equal(gat_backward(out, cache)[0], out @ w.T)
    assert graph_readout(np.zeros((0, 3)), np.array([], int)).shape == (0, 3)


@given(shape=sizes, seed=seeds, make=st.sampled_from([np.array, sparse.csr_array]))
@properties
def test_neighbour_update_node_by_node(shape, seed, make):
    n, f, f_out = shape
    rng = np.random.default_rng(seed)
    a, h = draw_graph(n, rng), rng.standard_normal((n, f))
    w_self, w_neigh = rng.standard_normal((2, f, f_out))
    out = neighbour_update(h, make(a), w_self, w_neigh)
    for i in range(n):
        near = np.flatnonzero(a[i])
        expected = h[i] @ w_self + (h[near].mean(axis=0) @ w_neigh if near.size else 0)
        np.testing.assert_allclose(out[i], np.maximum(expected, 0), **close)


# --- the convolution -------------------------------------------------------------------------


@given(
    shape=sizes,
    seed=seeds,
    small=st.sampled_from([1, 40, 120, 10**6]),
    kinds=st.tuples(*[st.sampled_from([np.array, sparse.csr_array, sparse.coo_matrix])] * 2),
)
@properties
def test_convolution_against_torch(shape, seed, small, kinds):
    """Dense and sparse, in blocks of any size."""
    layer = draw_layer((7 * shape[0], *shape[1:]), np.random.default_rng(seed))
    a_hat, x, w, grad = layer
    before = [np.copy(v) for v in layer]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gcn, "SMALL", small)
        out, cache = gcn_forward(kinds[0](a_hat), kinds[1](x), w)
        ours = out, *gcn_backward(grad, cache)
        none, again = gcn_backward(grad, cache, input_grad=False)
    for mine, theirs in zip(ours, by_torch(*layer), strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, **close)
    assert none is None
    np.testing.assert_array_equal(again, ours[2])
    for a, b in zip(layer, before, strict=True):
        np.testing.assert_array_equal(a, b)


def by_torch(a_hat, x, w, grad):
    """out, grad_x, grad_w."""
    x, w = tensors(x, w)
    out = torch.tensor(a_hat) @ x @ w
    out.backward(torch.tensor(grad))
    return out.detach().numpy(), x.grad.numpy(), w.grad.numpy()


@given(shape=sizes, seed=seeds)
@few
def test_convolution_against_central_differences(shape, seed):
    a_hat, x, w, grad = draw_layer(shape, np.random.default_rng(seed))
    grad_x, grad_w = gcn_backward(grad, gcn_forward(a_hat, x, w)[1])
    check_differences(lambda v: np.sum(grad * gcn_forward(a_hat, v, w)[0]), x, grad_x)
    check_differences(lambda v: np.sum(grad * gcn_forward(a_hat, x, v)[0]), w, grad_w)


@pytest.mark.parametrize("make", [np.array, sparse.csr_array])
def test_convolution_keeps_float32(make):
    a_hat, x, w, grad = (
        v.astype(np.float32) for v in draw_layer((9, 4, 3), np.random.default_rng())
    )
    out, cache = gcn_forward(make(a_hat), make(x), w)
    assert {v.dtype for v in (out, *gcn_backward(grad, cache))} == {np.dtype(np.float32)}


@given(n=st.integers(1, 12), c=st.integers(1, 5), scale=st.sampled_from([1, 1e4]), seed=seeds)
@properties
def test_masked_loss_against_torch(n, c, scale, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random(n) < 0.5
    mask[rng.integers(n)] = True
    labels = np.where(mask, rng.integers(0, c, n), -1)
    logits = scale * rng.standard_normal((n, c))
    loss, grad = masked_cross_entropy(logits, labels, mask)
    (twin,) = tensors(logits)
    expected = F.cross_entropy(twin, torch.tensor(labels), ignore_index=-1)
    expected.backward()
    assert loss == pytest.approx(expected.item())
    np.testing.assert_allclose(grad, twin.grad.numpy(), **close)
    assert not grad[~mask].any()
    if scale == 1:
        check_differences(lambda v: masked_cross_entropy(v, labels, mask)[0], logits, grad)


# --- a net of them ---------------------------------------------------------------------------


def draw_problem(seed, graphs=None):
    """A net in float64, and Â, x, labels, mask, graph_ids to train it on."""
    rng = np.random.default_rng(seed)
    a_hat = normalize_adjacency(sparse.csr_array(draw_graph(12, rng)))
    ids = None if graphs is None else rng.permutation(np.arange(12) % graphs)
    count = graphs or 12
    labels, mask = rng.integers(0, 3, count), np.arange(count) % 3 > 0
    net = Gcn([5, 6, 4, 3], rng, dropout=0.5, dtype=np.float64)
    return net, a_hat, rng.standard_normal((12, 5)), labels, mask, ids


def logits_by_torch(a_hat, x, params, ids):
    a_hat, h = torch.tensor(a_hat.toarray()), torch.tensor(x)
    for number, w in enumerate(params):
        h = a_hat @ (F.relu(h) if number else h) @ w
    if ids is None:
        return h
    return torch.zeros(max(ids) + 1, 3, dtype=h.dtype).index_add(0, torch.tensor(ids), h)


@pytest.mark.parametrize("graphs", [None, 4])
def test_net_against_torch(graphs):
    for seed in range(5):
        net, a_hat, x, labels, mask, ids = draw_problem(seed, graphs)
        twins = tensors(*net.params)
        theirs = logits_by_torch(a_hat, x, twins, ids)
        ours = net.logits(a_hat, x, ids)
        np.testing.assert_allclose(ours, theirs.detach().numpy(), **close)
        np.testing.assert_allclose(net.logits(a_hat, sparse.csr_array(x), ids), ours, **close)
        F.cross_entropy(theirs[mask], torch.tensor(labels[mask])).backward()
        grads = net.gradients(masked_cross_entropy(ours, labels, mask)[1])
        for mine, twin in zip(grads, twins, strict=True):
            np.testing.assert_allclose(mine, twin.grad.numpy(), **close)


@pytest.mark.parametrize("make", [np.array, sparse.csr_array])
@pytest.mark.parametrize("graphs", [None, 4])
def test_net_with_dropout_against_central_differences(graphs, make):
    """The same generator drops the same entries."""
    net, a_hat, x, labels, mask, ids = draw_problem(7, graphs)

    def loss():
        logits = net.logits(a_hat, make(x), ids, np.random.default_rng(5))
        return masked_cross_entropy(logits, labels, mask)

    grads = net.gradients(loss()[1])
    for number, grad in enumerate(grads):

        def of(w, number=number):
            net.params[number] = w
            return loss()[0]

        check_differences(of, net.params[number], grad)


def test_training_against_torch():
    """Adam on everything, weight decay on the first layer alone."""
    net, a_hat, x, labels, mask, _ = draw_problem(1)
    net.dropout = 0.0
    twins = tensors(*net.params)
    groups = [{"params": twins[:1], "weight_decay": 0.1}, {"params": twins[1:]}]
    optimizer = torch.optim.Adam(groups, lr=0.05)
    rng = np.random.default_rng(0)
    losses = list(train_gcn(net, a_hat, x, labels, mask, 10, rng, lr=0.05, weight_decay=0.1))
    for mine in losses:
        logits = logits_by_torch(a_hat, x, twins, None)
        loss = F.cross_entropy(logits[mask], torch.tensor(labels[mask]))
        assert mine == pytest.approx(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for mine, twin in zip(net.params, twins, strict=True):
        np.testing.assert_allclose(mine, twin.detach().numpy(), rtol=1e-6)
    assert losses[-1] < losses[0]


def test_dropout_keeps_the_mean_and_scales_what_stays():
    rng = np.random.default_rng(0)
    for h in (np.ones((300, 100), np.float32), sparse.csr_array(np.ones((300, 100), np.float32))):
        thinned, keep = gcn.dropped(h, 0.8, rng)
        assert thinned.dtype == np.float32 and type(thinned) is type(h)
        assert set(np.unique(dense(thinned))) == {np.float32(0), np.float32(1) / np.float32(0.2)}
        np.testing.assert_array_equal(dense(thinned).ravel(), np.ravel(keep))
        assert dense(thinned).mean() == pytest.approx(1, abs=0.06)
        assert dense(h).min() == 1


def test_memory_grows_with_the_edges_and_no_faster():
    """A square array of the larger graph alone would take ten times as much."""
    bytes_per_edge = []
    for nodes in (2_000, 20_000):
        rng = np.random.default_rng(0)
        ends = rng.integers(0, nodes, (2, 10 * nodes))
        graph = sparse.csr_array((np.ones(10 * nodes), ends), shape=(nodes, nodes))
        graph = graph.maximum(graph.T)
        net, x = Gcn([16, 8, 4], rng), rng.random((nodes, 16), dtype=np.float32)
        labels, mask = rng.integers(0, 4, nodes), np.ones(nodes, dtype=bool)
        tracemalloc.start()
        list(train_gcn(net, normalize_adjacency(graph), x, labels, mask, 1, rng))
        bytes_per_edge.append(tracemalloc.get_traced_memory()[1] / graph.nnz)
        tracemalloc.stop()
    assert bytes_per_edge[1] < 1.2 * bytes_per_edge[0]


# --- attention -------------------------------------------------------------------------------


def draw_head(shape, rng):
    """h, adjacency, w, a, and a gradient for out."""
    n, f, f_out = shape
    arrays = (rng.standard_normal(s) for s in [(n, f), (f, f_out), 2 * f_out, (n, f_out)])
    h, w, a, grad = arrays
    return h, draw_graph(n, rng, True), w, a, grad


def attention_by_torch(h, adjacency, w, a, slope):
    """Pair by pair, as the equation stands."""
    z = h @ w
    n = len(z)
    near = torch.tensor(adjacency + np.eye(n)) > 0
    pairs = torch.stack([torch.cat([z[i], z[j]]) for i in range(n) for j in range(n)])
    scores = F.leaky_relu(pairs @ a, slope).reshape(n, n)
    return torch.softmax(scores.masked_fill(~near, -torch.inf), dim=1), z


@given(
    shape=sizes, seed=seeds, slope=st.sampled_from([0.0, 0.2, 0.9]), scale=st.sampled_from([1, 1e4])
)
@properties
def test_attention_against_torch(shape, seed, slope, scale):
    h, adjacency, w, a, grad = draw_head(shape, np.random.default_rng(seed))
    a = scale * a
    twins = tensors(h, w, a)
    theirs, z = attention_by_torch(twins[0], adjacency, *twins[1:], slope)
    alpha = gat_attention(h, adjacency, w, a, slope)
    np.testing.assert_allclose(alpha, theirs.detach().numpy(), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(alpha.sum(axis=1), 1)
    assert not alpha[(adjacency == 0) & ~np.eye(len(h), dtype=bool)].any()
    few_edges = gat_attention(h, sparse.coo_array(adjacency), w, a, slope)
    assert few_edges.format == "csr" and few_edges.nnz == np.count_nonzero(adjacency) + len(h)
    np.testing.assert_array_equal(few_edges.toarray(), alpha)

    out, cache = gat_forward(h, adjacency, w, a, slope)
    np.testing.assert_allclose(out, alpha @ (h @ w), **close)
    (theirs @ z).backward(torch.tensor(grad))
    for mine, twin in zip(gat_backward(grad, cache), twins, strict=True):
        np.testing.assert_allclose(mine, twin.grad.numpy(), rtol=1e-6, atol=1e-9 * scale)


@given(shape=sizes, seed=seeds)
@few
def test_attention_against_central_differences(shape, seed):
    """slope 1 has no kink that a small step could cross; the kink itself: torch, above."""
    h, adjacency, w, a, grad = draw_head(shape, np.random.default_rng(seed))

    def loss(h, w, a):
        return np.sum(grad * gat_forward(h, adjacency, w, a, 1.0)[0])

    grads = gat_backward(grad, gat_forward(h, adjacency, w, a, 1.0)[1])
    check_differences(lambda v: loss(v, w, a), h, grads[0])
    check_differences(lambda v: loss(h, v, a), w, grads[1])
    check_differences(lambda v: loss(h, w, v), a, grads[2])


# --- whole graphs and links ------------------------------------------------------------------


@given(n=st.integers(1, 20), graphs=st.integers(1, 8), seed=seeds)
@properties
def test_readout_against_torch(n, graphs, seed):
    rng = np.random.default_rng(seed)
    z, ids = rng.standard_normal((n, 3)), rng.integers(0, graphs, n)
    expected = torch.zeros(max(ids) + 1, 3, dtype=torch.float64)
    expected = expected.index_add(0, torch.tensor(ids), torch.tensor(z)).numpy()
    for kind in (np.int64, np.uint8):
        np.testing.assert_allclose(graph_readout(z, ids.astype(kind)), expected, **close)


def test_readout_of_as_many_graphs_as_a_byte_can_count():
    assert graph_readout(np.ones((2, 1)), np.array([3, 255], np.uint8)).shape == (256, 1)


@given(n=st.integers(1, 6), scale=st.sampled_from([1, 100]), seed=seeds)
@properties
def test_links_against_torch(n, scale, seed):
    z = scale * np.random.default_rng(seed).standard_normal((n, 3))
    expected = torch.sigmoid(torch.tensor(z) @ torch.tensor(z).T)
    np.testing.assert_allclose(link_probability(z), expected.numpy(), **close)


# --- any numbering of the nodes --------------------------------------------------------------


@given(shape=sizes, seed=seeds)
@properties
def test_layers_are_permutation_equivariant(shape, seed):
    rng = np.random.default_rng(seed)
    h, adjacency, w, a, grad = draw_head(shape, rng)
    w_neigh, new = rng.standard_normal(w.shape), rng.permutation(len(h))
    renumbered = adjacency[np.ix_(new, new)]

    a_hat = normalize_adjacency(adjacency)
    np.testing.assert_allclose(normalize_adjacency(renumbered), a_hat[np.ix_(new, new)], **close)
    np.testing.assert_allclose(
        neighbour_update(h[new], renumbered, w, w_neigh),
        neighbour_update(h, adjacency, w, w_neigh)[new],
        **close,
    )
    out, cache = gcn_forward(a_hat, h, w)
    out_new, cache_new = gcn_forward(normalize_adjacency(renumbered), h[new], w)
    np.testing.assert_allclose(out_new, out[new], **close)
    grad_x, grad_w = gcn_backward(grad, cache)
    grad_x_new, grad_w_new = gcn_backward(grad[new], cache_new)
    np.testing.assert_allclose(grad_x_new, grad_x[new], **close)
    np.testing.assert_allclose(grad_w_new, grad_w, **close)

    alpha = gat_attention(h, adjacency, w, a)
    alpha_new = gat_attention(h[new], renumbered, w, a)
    np.testing.assert_allclose(alpha_new, alpha[np.ix_(new, new)], **close)
    out, cache = gat_forward(h, adjacency, w, a)
    out_new, cache_new = gat_forward(h[new], renumbered, w, a)
    np.testing.assert_allclose(out_new, out[new], **close)
    grads, grads_new = gat_backward(grad, cache), gat_backward(grad[new], cache_new)
    np.testing.assert_allclose(grads_new[0], grads[0][new], **close)
    np.testing.assert_allclose(grads_new[1], grads[1], **close)
    np.testing.assert_allclose(grads_new[2], grads[2], **close)


@given(seed=seeds)
@few
def test_a_net_answers_for_a_graph_however_its_nodes_are_numbered(seed):
    net, a_hat, x, _, _, ids = draw_problem(seed, graphs=3)
    new = np.random.default_rng(seed).permutation(12)
    nodes, graphs = net.logits(a_hat, x), net.logits(a_hat, x, ids)
    a_hat = a_hat[new][:, new]
    np.testing.assert_allclose(net.logits(a_hat, x[new]), nodes[new], **close)
    np.testing.assert_allclose(net.logits(a_hat, x[new], ids[new]), graphs, **close)


def test_parts_that_nothing_joins_do_not_see_each_other():
    rng = np.random.default_rng(2)
    parts = [draw_graph(n, rng) for n in (4, 5)]
    whole = sparse.block_diag(parts, format="csr")
    net, x = Gcn([3, 4, 2], rng, dtype=np.float64), rng.standard_normal((9, 3))
    together = net.logits(normalize_adjacency(whole), x)
    alone = [
        net.logits(normalize_adjacency(a), x[s])
        for a, s in zip(parts, ([*range(4)], [*range(4, 9)]), strict=True)
    ]
    np.testing.assert_allclose(together, np.vstack(alone), **close)


# --- bad input -------------------------------------------------------------------------------

A, X, W = np.ones((3, 3)) - np.eye(3), np.ones((3, 4)), np.ones((4, 2))
ONE_WAY = np.array([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]])
LABELS, MASK = np.array([0, 1, -1]), np.array([True, True, False])
SPOILT = {
    "not square": (lambda: normalize_adjacency(A[:2]), r"adjacency must be \(N, N\), .*\(2, 3\)"),
    "one axis": (lambda: normalize_adjacency(A[0]), r"adjacency must be \(N, N\), .*\(3,\)"),
    "asymmetric": (
        lambda: normalize_adjacency(ONE_WAY),
        r"adjacency must be symmetric, but \[0, 1\] is 1 and \[1, 0\] is 0: for a directed graph",
    ),
    "asymmetric and sparse": (
        lambda: normalize_adjacency(sparse.lil_matrix(ONE_WAY)),
        r"adjacency must be symmetric, but \[\d, \d\] is",
    ),
    "negative": (lambda: normalize_adjacency(-A), "adjacency must hold finite weights of 0 or"),
    "NaN": (lambda: normalize_adjacency(A * np.nan), "adjacency must hold finite weights"),
    "infinite and sparse": (
        lambda: normalize_adjacency(sparse.csr_array(A / np.zeros(1))),
        "adjacency must hold finite weights",
    ),
    "complex": (lambda: normalize_adjacency(A * 1j), "adjacency must hold real .*complex128"),
    "text": (lambda: normalize_adjacency([["a"]]), "adjacency must hold real numbers"),
    "rows": (
        lambda: neighbour_update(X[:2], A, W, W),
        r"h must be \(3, F\), one row a node, .*\(2, 4\)",
    ),
    "w_neigh": (
        lambda: neighbour_update(X, A, W, W[:, :1]),
        r"w_neigh must be \(4, F'\), as wide as the other, but has shape \(4, 1\)",
    ),
    "neighbours one way": (lambda: neighbour_update(X, ONE_WAY, W, W), "adjacency must be symm"),
    "layer": (
        lambda: gcn_forward(A, X.T, W),
        r"must be \(N, N\), \(N, F\) and \(F, F'\), but .*\(3, 3\), \(4, 3\) and \(4, 2\)",
    ),
    "a sparse layer": (lambda: gcn_forward(sparse.csr_array(A), X, W.T), "but have shapes"),
    "gradient": (
        lambda: gcn_backward(X, gcn_forward(A, X, W)[1]),
        r"grad must have out's shape \(3, 2\), but has \(3, 4\)",
    ),
    "no one known": (
        lambda: masked_cross_entropy(X, LABELS, np.zeros(3, bool)),
        "mask must be True for at least one node, but is False for all",
    ),
    "mask of numbers": (
        lambda: masked_cross_entropy(X, LABELS, MASK.astype(int)),
        "labels and mask must hold .* of the 3 rows .* int64, int64",
    ),
    "mask too short": (lambda: masked_cross_entropy(X, LABELS, MASK[:2]), r"\(3,\), \(2,\)"),
    "unknown label": (
        lambda: masked_cross_entropy(X, LABELS, ~MASK),
        "labels must be 0 to 3, .* reach from -1 to -1",
    ),
    "attention's w": (
        lambda: gat_attention(X, A, W[:3], np.ones(4)),
        r"w and a must be \(4, F'\) and \(2F',\), but have shapes \(3, 2\), \(4,\)",
    ),
    "attention's a": (lambda: gat_attention(X, A, W, np.ones(2)), r"\(4, 2\), \(2,\)"),
    "attention one way": (lambda: gat_attention(X, ONE_WAY, W, np.ones(4)), "must be symmetric"),
    "attention's gradient": (
        lambda: gat_backward(X, gat_forward(X, A, W, np.ones(4))[1]),
        r"grad must have out's shape \(3, 2\), but has \(3, 4\)",
    ),
    "ids": (lambda: graph_readout(X, np.array([0, 1])), r"graph_ids must be 3 integers.*\(2,\)"),
    "half a graph": (lambda: graph_readout(X, np.ones(3)), "graph_ids must be .* float64"),
    "a graph below 0": (
        lambda: graph_readout(X, np.array([0, -1, 2])),
        "graph_ids must be 0 or more, but one is -1",
    ),
    "no axes": (lambda: graph_readout(X[0], np.zeros(4, int)), r"z must be \(N, F\), .*\(4,\)"),
    "links of NaN": (lambda: link_probability(X * np.nan), "z must be finite"),
    "dropout": (
        lambda: Gcn([4, 2], np.random.default_rng(), dropout=1.0),
        "dropout must be at least 0 and less than 1, but is 1.0",
    ),
}


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_named(name):
    call, message = SPOILT[name]
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
