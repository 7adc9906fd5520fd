"""The exercises of 06_gcn: how each is called, and on which cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from pytools.exercise import Case, Exercise, Unusable

Gcn = partial(Exercise, answers="pytools.exercises.answers.gcn")


# --- graphs to draw from ---------------------------------------------------------------------


def _graph(rng: np.random.Generator, n: int, weighted: bool = False) -> np.ndarray:
    """A symmetric (n, n), diagonal 0, no node isolated, degrees as different as they can be."""
    share = np.linspace(0.15, 0.85, n)
    upper = np.triu(rng.random((n, n)) < (share[:, None] + share) / 2, 1)
    ring = np.arange(n)
    upper[ring[:-1], ring[1:]] = True  # a path through all nodes
    upper[0, 2:] = False  # its first node has one neighbour
    weights = rng.uniform(0.3, 3.0, (n, n)) if weighted else np.ones((n, n))
    order = rng.permutation(n)
    half = np.where(upper, weights, 0.0)
    return (half + half.T)[np.ix_(order, order)]


def _isolated(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    """The graph with two more nodes in it that have no neighbour."""
    n = len(a) + 2
    kept = np.sort(rng.permutation(n)[: len(a)])
    out = np.zeros((n, n), a.dtype)
    out[np.ix_(kept, kept)] = a
    return out


def _two_parts(rng: np.random.Generator) -> np.ndarray:
    """Two graphs that nothing joins, in one."""
    a, b = _graph(rng, 4), _graph(rng, 5)
    order = rng.permutation(9)
    whole = np.block([[a, np.zeros((4, 5))], [np.zeros((5, 4)), b]])
    return whole[np.ix_(order, order)]


def _untouched(attempt: Callable, matrix: Any, *rest: Any) -> Any:
    """What the attempt returns, if it leaves a sparse matrix as it was."""
    if not sparse.issparse(matrix):
        return attempt(matrix, *rest)
    before, kind = matrix.toarray(), matrix.format
    result = attempt(matrix, *rest)
    if matrix.format != kind or not np.array_equal(before, matrix.toarray()):
        raise Unusable("changed", "It changed its sparse input.")
    return result


# --- normalize_adjacency ---------------------------------------------------------------------


def normalize_adjacency_cases(rng: np.random.Generator) -> list[Case]:
    small, weighted = _graph(rng, 4), _graph(rng, 6, weighted=True)
    return [
        Case((small,)),
        Case((_graph(rng, 9),)),
        Case((weighted,), note="edges with weights"),
        Case((sparse.csr_matrix(_graph(rng, 7)),), note="a sparse matrix"),
        Case((_isolated(rng, _graph(rng, 5)),), "edge", "nodes without neighbours"),
        Case((np.zeros((3, 3)),), "edge", "no edge at all"),
        Case((np.zeros((1, 1)),), "edge", "one node"),
        Case((_two_parts(rng),), "edge", "two parts that nothing joins"),
        Case((_graph(rng, 6).astype(np.int64),), "edge", "integers"),
        Case((np.rint(2 * _graph(rng, 6, weighted=True)).astype(np.int64),), "edge", "integers"),
        Case((sparse.csr_matrix(_graph(rng, 6).astype(np.int64)),), "edge", "sparse integers"),
        Case((sparse.coo_matrix(_isolated(rng, _graph(rng, 5))),), "edge", "sparse, isolated"),
        Case((sparse.lil_matrix(_graph(rng, 5)),), "edge", "the format lil"),
        Case((sparse.csc_array(_graph(rng, 5, weighted=True)),), "edge", "a sparse array"),
        Case((_graph(rng, 6, weighted=True).astype(np.float32),), "numerical", "float32"),
    ]


def run_normalize_adjacency(attempt: Callable, adjacency: Any) -> Any:
    """The matrix, and whether it is sparse, 1 or 0."""
    a_hat = _untouched(attempt, adjacency)
    if a_hat is None:
        return None
    return a_hat, int(sparse.issparse(a_hat))


# --- neighbour_update ------------------------------------------------------------------------


def neighbour_update_cases(rng: np.random.Generator) -> list[Case]:
    def draw(a: np.ndarray, f: int, f_out: int) -> tuple:
        return (
            rng.standard_normal((len(a), f)),
            a,
            rng.standard_normal((f, f_out)),
            rng.standard_normal((f, f_out)),
        )

    single = [part.astype(np.float32) for part in draw(_graph(rng, 7), 4, 3)]
    return [
        Case(draw(_graph(rng, 4), 2, 2)),
        Case(draw(_graph(rng, 8), 3, 5)),
        Case(draw(_graph(rng, 10), 6, 4)),
        Case(draw(_isolated(rng, _graph(rng, 5)), 3, 4), "edge", "nodes without neighbours"),
        Case(draw(np.zeros((4, 4)), 3, 5), "edge", "no edge at all"),
        Case(draw(_two_parts(rng), 3, 4), "edge", "two parts that nothing joins"),
        Case(draw(_graph(rng, 7).astype(np.int64), 3, 3), "edge", "an adjacency of integers"),
        Case(draw(_graph(rng, 6), 1, 1), "edge", "one feature"),
        Case(tuple(single), "numerical", "float32"),
    ]


# --- gcn_forward and gcn_backward ------------------------------------------------------------


def _layer(
    rng: np.random.Generator, n: int, f: int, f_out: int, kind: Callable = np.asarray
) -> tuple:
    """Â, not symmetric and with a third of its entries 0; x; w."""
    a_hat = np.where(rng.random((n, n)) < 1 / 3, 0.0, rng.uniform(0.1, 1.0, (n, n)))
    return kind(a_hat), rng.standard_normal((n, f)), rng.standard_normal((f, f_out))


def _symmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    """A normalised adjacency's looks: symmetric, no two rows alike."""
    a = _graph(rng, n, weighted=True) + np.eye(n)
    scale = 1 / np.sqrt(a.sum(axis=1))
    return scale[:, None] * a * scale


def gcn_forward_cases(rng: np.random.Generator) -> list[Case]:
    layer = partial(_layer, rng)
    _, x, w = layer(4, 3, 2)
    single = [part.astype(np.float32) for part in layer(7, 5, 3)]
    return [
        Case((_symmetric(rng, 4), x, w)),
        Case(layer(6, 4, 3), note="Â is not symmetric"),
        Case(layer(8, 3, 6), note="more features out than in"),
        Case(layer(7, 4, 3, sparse.csr_matrix), note="Â is sparse"),
        Case(layer(5, 5, 5), "edge", "all sides equal"),
        Case(layer(1, 3, 2), "edge", "one node"),
        Case(layer(6, 1, 1), "edge", "one feature"),
        Case(layer(6, 3, 2, sparse.coo_matrix), "edge", "Â in the format coo"),
        Case(layer(6, 3, 4, sparse.csc_array), "edge", "Â is a sparse array"),
        Case(tuple(single), "numerical", "float32"),
    ]


def run_gcn_forward(attempt: Callable, *args: Any) -> Any:
    """out alone: the cache is the attempt's own business."""
    return _out_and_cache(_untouched(attempt, *args))[0]


def _out_and_cache(result: Any) -> tuple[Any, Any]:
    if result is None:
        raise Unusable("none", "The forward pass returned None: is a return statement missing?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unusable("count", "The forward pass did not return two results, out and cache.")
    return result[0], result[1]


def gcn_backward_cases(rng: np.random.Generator) -> list[Case]:
    def case(group: str, note: str, layer: tuple) -> Case:
        grad = rng.standard_normal((layer[1].shape[0], layer[2].shape[1]))
        return Case((grad.astype(layer[1].dtype), *layer), group, note)

    layer = partial(_layer, rng)
    _, x, w = layer(4, 3, 2)
    single = tuple(part.astype(np.float32) for part in layer(7, 5, 3))
    return [
        case("ordinary", "", (_symmetric(rng, 4), x, w)),
        case("ordinary", "Â is not symmetric", layer(6, 4, 3)),
        case("ordinary", "more features out than in", layer(8, 3, 6)),
        case("ordinary", "Â is sparse", layer(7, 4, 3, sparse.csr_matrix)),
        case("edge", "all sides equal", layer(5, 5, 5)),
        case("edge", "one node", layer(1, 3, 2)),
        case("edge", "one feature", layer(6, 1, 1)),
        case("edge", "Â in the format coo", layer(6, 3, 2, sparse.coo_matrix)),
        case("edge", "Â is a sparse array", layer(6, 3, 4, sparse.csc_array)),
        case("numerical", "float32", single),
    ]


def run_gcn_backward(
    pair: tuple, grad: np.ndarray, a_hat: Any, x: np.ndarray, w: np.ndarray
) -> Any:
    """Forward, another forward, then the way back of the first: only its cache helps."""
    forward, backward = pair

    def both(a_hat: Any) -> Any:
        _, cache = _out_and_cache(forward(a_hat, x, w))
        forward(a_hat, 1 - x, w + 1)
        return backward(grad, cache)

    return _untouched(both, a_hat)


# --- masked_cross_entropy --------------------------------------------------------------------


def masked_cross_entropy_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, c: int, inside: int, outside: int | None = None, scale: float = 1.0) -> tuple:
        """n nodes, c classes, `inside` of the nodes in the mask; labels outside: any, or given."""
        mask = rng.permutation(np.arange(n) < inside)
        labels = rng.integers(0, c, n)
        if outside is not None:
            labels[~mask] = outside
        return scale * rng.standard_normal((n, c)), labels, mask

    large, labels, mask = draw(6, 4, 3, -1)
    levels = np.array([[1e4], [-1e4], [0.0], [5e3], [-5e3], [9e3]])
    hopeless = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 0.0], [0.0, -1e4, 1e4]])
    hopeless += rng.standard_normal((3, 3))
    single, single_labels, single_mask = draw(7, 3, 4, -1)
    return [
        Case(draw(4, 3, 2)),
        Case(draw(12, 5, 5)),
        Case(draw(15, 4, 6, scale=3.0)),
        Case(draw(10, 4, 4, -1), note="labels outside the mask are -1"),
        Case(draw(8, 3, 8), "edge", "all nodes in the mask"),
        Case(draw(9, 4, 1, -1), "edge", "one node in the mask"),
        Case(draw(6, 6, 3, -1), "edge", "as many classes as nodes"),
        Case((large + 1e4, labels, mask), "numerical", "logits near 10000"),
        Case((large - 1e4, labels, mask), "numerical", "logits near -10000"),
        Case((large + levels, labels, mask), "numerical", "each row at a height of its own"),
        Case(
            (hopeless, np.array([2, 0, -1]), np.array([True, True, False])),
            "numerical",
            "the right label has the least logit",
        ),
        Case((single.astype(np.float32), single_labels, single_mask), "numerical", "float32"),
    ]


# --- gat_attention ---------------------------------------------------------------------------

NOT_GIVEN = "not given"  # stands for a slope that the call leaves out


def gat_attention_cases(rng: np.random.Generator) -> list[Case]:
    def draw(a: np.ndarray, f: int, f_out: int, slope: float | str = 0.2, scale: float = 1.0):
        """h, adjacency, w, a, slope; scores of both signs, none near 0, and the spread of about 1.

        scale: how much larger the scores are.
        """
        while True:
            h, w = rng.standard_normal((len(a), f)), rng.standard_normal((f, f_out))
            vector = rng.uniform(0.5, 1.5, 2 * f_out) * rng.choice([-1.0, 1.0], 2 * f_out)
            parts = h @ w @ vector.reshape(2, f_out).T
            scores = parts[:, :1] + parts[:, 1]
            vector *= scale / np.std(scores) if scores.size > 1 else scale
            near_0 = np.min(np.abs(scores)) < 1e-3 * np.std(scores)
            signs = np.mean(scores > 0)
            if len(a) < 3 or (not near_0 and 0.2 < signs < 0.8):
                return h, a, w, vector, slope

    single = [v.astype(np.float32) for v in draw(_graph(rng, 6), 3, 4)[:4]]
    steep = float(np.round(rng.uniform(0.5, 0.8), 2))
    return [
        Case(draw(_graph(rng, 4), 2, 2)),
        Case(draw(_graph(rng, 7), 3, 4)),
        Case(draw(_graph(rng, 9), 5, 3, float(np.round(rng.uniform(0.05, 0.1), 3)))),
        Case(draw(_graph(rng, 8), 4, 4, steep)),
        Case(draw(_isolated(rng, _graph(rng, 5)), 3, 4), "edge", "nodes without neighbours"),
        Case(draw(np.zeros((4, 4)), 3, 2), "edge", "no edge at all"),
        Case(draw(_two_parts(rng), 3, 4), "edge", "two parts that nothing joins"),
        Case(draw(_graph(rng, 6).astype(np.int64), 3, 2), "edge", "an adjacency of integers"),
        Case(draw(_graph(rng, 6, weighted=True), 3, 2), "edge", "edges with weights"),
        Case(draw(_graph(rng, 6), 3, 1), "edge", "one feature after w"),
        Case(draw(np.zeros((1, 1)), 3, 2), "edge", "one node"),
        Case(draw(_graph(rng, 6), 3, 4, NOT_GIVEN), "edge", "called without a slope"),
        Case(draw(_two_parts(rng), 3, 2, 0.2, 1e4), "numerical", "scores near 10000"),
        Case((*single, 0.2), "numerical", "float32"),
    ]


def run_gat_attention(attempt: Callable, *args: Any) -> Any:
    *arrays, slope = args
    return attempt(*arrays) if slope == NOT_GIVEN else attempt(*args)


# --- graph_readout and link_probability ------------------------------------------------------


def graph_readout_cases(rng: np.random.Generator) -> list[Case]:
    def draw(f: int, sizes: Sequence[int], shuffled: bool = True) -> tuple:
        """Rows of nodes and their graphs; sizes: how many nodes each graph has."""
        ids = np.repeat(np.arange(len(sizes)), sizes)
        ids = rng.permutation(ids) if shuffled else ids
        return rng.standard_normal((len(ids), f)), ids

    single, single_ids = draw(4, [3, 5, 2])
    return [
        Case(draw(2, [2, 3], shuffled=False)),
        Case(draw(3, [4, 2, 5])),
        Case(draw(5, [1, 6, 3, 2])),
        Case(draw(3, [3, 0, 2, 4]), "edge", "a graph without nodes"),
        Case(draw(2, [0, 0, 3, 2]), "edge", "the first graphs have no nodes"),
        Case(draw(4, [5]), "edge", "one graph"),
        Case(draw(1, [2, 1, 3]), "edge", "one feature"),
        Case(draw(3, [1, 1, 1, 1]), "edge", "one node each"),
        Case((single.astype(np.float32), single_ids), "numerical", "float32"),
    ]


def link_probability_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, f: int, scale: float = 1.0) -> tuple[np.ndarray]:
        return (scale * rng.standard_normal((n, f)),)

    signs = rng.permutation([1.0, 1.0, -1.0, -1.0, 1.0])
    far = 100 * signs[:, None] * rng.uniform(0.9, 1.0, (5, 1))
    return [
        Case(draw(3, 2)),
        Case(draw(6, 4)),
        Case(draw(8, 3)),
        Case(draw(4, 4), "edge", "as many features as nodes"),
        Case(draw(1, 3), "edge", "one node"),
        Case(draw(5, 1), "edge", "one feature"),
        Case((np.zeros((3, 2)),), "edge", "all zeros"),
        Case((far,), "numerical", "products near 10000 and -10000"),
        Case((draw(5, 3)[0].astype(np.float32),), "numerical", "float32"),
    ]


EXERCISES = [
    Gcn(
        id="gcn.neighbour_update",
        inputs=("h", "adjacency", "w_self", "w_neigh"),
        outputs=("h_next",),
        cases=neighbour_update_cases,
        section="1. Ask the neighbours",
    ),
    Gcn(
        id="gcn.normalize_adjacency",
        inputs=("adjacency",),
        outputs=("a_hat", "sparse (1) or dense (0)"),
        cases=normalize_adjacency_cases,
        run=run_normalize_adjacency,
        section="2. One matrix for all neighbours",
    ),
    Gcn(
        id="gcn.gcn_forward",
        inputs=("a_hat", "x", "w"),
        outputs=("out",),
        cases=gcn_forward_cases,
        run=run_gcn_forward,
        section="3. The layer and its way back",
    ),
    Gcn(
        id="gcn.gcn_backward",
        inputs=("grad", "a_hat", "x", "w"),
        outputs=("grad_x", "grad_w"),
        cases=gcn_backward_cases,
        run=run_gcn_backward,
        parts=2,
        section="3. The layer and its way back",
    ),
    Gcn(
        id="gcn.masked_cross_entropy",
        inputs=("logits", "labels", "mask"),
        outputs=("loss", "grad"),
        cases=masked_cross_entropy_cases,
        section="4. Two labels, thirty-four members",
    ),
    Gcn(
        id="gcn.gat_attention",
        inputs=("h", "adjacency", "w", "a", "slope"),
        outputs=("alpha",),
        cases=gat_attention_cases,
        run=run_gat_attention,
        section="6. Attention",
    ),
    Gcn(
        id="gcn.graph_readout",
        inputs=("z", "graph_ids"),
        outputs=("sums",),
        cases=graph_readout_cases,
        section="7. One answer for a whole graph",
    ),
    Gcn(
        id="gcn.link_probability",
        inputs=("z",),
        outputs=("p",),
        cases=link_probability_cases,
        section="8. Which links are missing?",
    ),
]
