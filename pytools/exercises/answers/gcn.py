"""What the checks of 06_gcn know: the references, and the wrong solutions people write."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.special import softmax

from pytools.exercise import Answer, Misconception
from pytools.scratch import gat, gcn, graphs
from pytools.scratch.linear import softmax_cross_entropy

# --- normalize_adjacency ---------------------------------------------------------------------


def _for_both_kinds(dense: Callable) -> Callable:
    """A wrong formula for dense matrices, which gives a sparse result for a sparse one."""

    def normalize_adjacency(adjacency):
        if sparse.issparse(adjacency):
            return sparse.csr_matrix(dense(adjacency.toarray()))
        return dense(adjacency)

    return normalize_adjacency


def _scaled(a: np.ndarray, degree: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(degree)
    return scale[:, None] * a * scale


def _looped(a: np.ndarray) -> np.ndarray:
    return a + np.eye(len(a))


no_loop = _for_both_kinds(lambda a: np.nan_to_num(_scaled(a, a.sum(axis=1)), posinf=0))
row_mean = _for_both_kinds(lambda a: _looped(a) / _looped(a).sum(axis=1, keepdims=True))
column_mean = _for_both_kinds(lambda a: _looped(a) / _looped(a).sum(axis=0))
degree_without_loop = _for_both_kinds(lambda a: _scaled(_looped(a), a.sum(axis=1)))
not_rooted = _for_both_kinds(lambda a: _scaled(_looped(a), _looped(a).sum(axis=1) ** 2))
one_side_only = _for_both_kinds(
    lambda a: _looped(a) / np.sqrt(_looped(a).sum(axis=1, keepdims=True))
)
multiplied_by_roots = _for_both_kinds(lambda a: _scaled(_looped(a), 1 / _looped(a).sum(axis=1)))
weights_ignored = _for_both_kinds(lambda a: graphs.normalize_adjacency((a > 0).astype(float)))
counts_edges = _for_both_kinds(lambda a: _scaled(_looped(a), np.sum(_looped(a) > 0, axis=1)))
loop_for_the_lonely = _for_both_kinds(
    lambda a: _scaled(a + np.diag(a.sum(axis=1) == 0), np.where(a.any(1), a.sum(axis=1), 1))
)


@_for_both_kinds
def whole_numbers(a):
    out = np.zeros_like(a)
    out[...] = _scaled(_looped(a), _looped(a).sum(axis=1))
    return out


def made_dense(adjacency):
    a_hat = graphs.normalize_adjacency(adjacency)
    return a_hat.toarray() if sparse.issparse(a_hat) else a_hat


def made_sparse(adjacency):
    return sparse.csr_matrix(graphs.normalize_adjacency(adjacency))


def loops_written_into_the_input(adjacency):
    if sparse.issparse(adjacency):
        return graphs.normalize_adjacency(adjacency)
    np.fill_diagonal(adjacency, 1)
    return _scaled(adjacency, adjacency.sum(axis=1))


# --- neighbour_update ------------------------------------------------------------------------


def _mean(h: np.ndarray, adjacency: np.ndarray) -> np.ndarray:
    degree = adjacency.sum(axis=1, keepdims=True)
    return adjacency @ h / np.where(degree > 0, degree, 1)


def sum_for_mean(h, adjacency, w_self, w_neigh):
    return np.maximum(h @ w_self + adjacency @ h @ w_neigh, 0)


def itself_among_the_neighbours(h, adjacency, w_self, w_neigh):
    return np.maximum(h @ w_self + _mean(h, adjacency + np.eye(len(h))) @ w_neigh, 0)


def degree_of_the_neighbour(h, adjacency, w_self, w_neigh):
    degree = adjacency.sum(axis=0)
    mean = adjacency / np.where(degree > 0, degree, 1) @ h
    return np.maximum(h @ w_self + mean @ w_neigh, 0)


def roots_of_both_degrees(h, adjacency, w_self, w_neigh):
    degree = np.sqrt(np.maximum(adjacency.sum(axis=1), 1))
    mean = adjacency / np.outer(degree, degree) @ h
    return np.maximum(h @ w_self + mean @ w_neigh, 0)


def without_itself(h, adjacency, w_self, w_neigh):
    return np.maximum(_mean(h, adjacency) @ w_neigh, 0)


def without_relu(h, adjacency, w_self, w_neigh):
    return h @ w_self + _mean(h, adjacency) @ w_neigh


def relu_on_each_term(h, adjacency, w_self, w_neigh):
    return np.maximum(h @ w_self, 0) + np.maximum(_mean(h, adjacency) @ w_neigh, 0)


def weights_exchanged(h, adjacency, w_self, w_neigh):
    return np.maximum(h @ w_neigh + _mean(h, adjacency) @ w_self, 0)


def divided_by_no_neighbours(h, adjacency, w_self, w_neigh):
    mean = adjacency @ h / adjacency.sum(axis=1, keepdims=True)
    return np.maximum(h @ w_self + mean @ w_neigh, 0)


def one_neighbour_too_many(h, adjacency, w_self, w_neigh):
    mean = adjacency @ h / (adjacency.sum(axis=1, keepdims=True) + 1)
    return np.maximum(h @ w_self + mean @ w_neigh, 0)


def divided_by_all_nodes(h, adjacency, w_self, w_neigh):
    return np.maximum(h @ w_self + adjacency @ h / len(h) @ w_neigh, 0)


def zeros_for_the_lonely(h, adjacency, w_self, w_neigh):
    met = adjacency.sum(axis=1, keepdims=True) > 0
    return np.where(met, neighbour_update(h, adjacency, w_self, w_neigh), 0)


def the_lonely_ask_themselves(h, adjacency, w_self, w_neigh):
    alone = adjacency.sum(axis=1) == 0
    return neighbour_update(h, adjacency + np.diag(alone), w_self, w_neigh)


def neighbour_update(h, adjacency, w_self, w_neigh):
    return np.maximum(h @ w_self + _mean(h, adjacency) @ w_neigh, 0)


# --- gcn_forward and gcn_backward ------------------------------------------------------------


def with_relu(a_hat, x, w):
    out, cache = gcn.gcn_forward(a_hat, x, w)
    return np.maximum(out, 0), cache


def neighbours_of_the_columns(a_hat, x, w):
    return gcn.gcn_forward(a_hat.T, x, w)


def not_propagated(a_hat, x, w):
    return x @ w, (a_hat, x, w)


def normalised_once_more(a_hat, x, w):
    a_hat = a_hat / a_hat.sum(axis=1).reshape(-1, 1)
    return a_hat @ x @ w, (a_hat, x, w)


def itself_once_more(a_hat, x, w):
    return a_hat @ x @ w + x @ w, (a_hat, x, w)


def _pair(backward: Callable) -> tuple[Callable, Callable]:
    return gcn.gcn_forward, backward


@_pair
def a_hat_not_transposed(grad, cache):
    a_hat, x, w = cache
    return a_hat @ grad @ w.T, x.T @ (a_hat @ grad)


@_pair
def not_transposed_for_x(grad, cache):
    a_hat, x, w = cache
    return a_hat @ grad @ w.T, x.T @ (a_hat.T @ grad)


@_pair
def not_transposed_for_w(grad, cache):
    a_hat, x, w = cache
    return a_hat.T @ grad @ w.T, x.T @ (a_hat @ grad)


@_pair
def not_sent_back(grad, cache):
    _, x, w = cache
    return grad @ w.T, x.T @ grad


@_pair
def w_without_neighbours(grad, cache):
    a_hat, x, w = cache
    return a_hat.T @ grad @ w.T, x.T @ grad


@_pair
def x_without_neighbours(grad, cache):
    a_hat, x, w = cache
    return grad @ w.T, x.T @ (a_hat.T @ grad)


@_pair
def mean_over_nodes(grad, cache):
    grad_x, grad_w = gcn.gcn_backward(grad, cache)
    return grad_x, grad_w / len(grad)


_last: dict[str, tuple] = {}


def _remembering_forward(a_hat, x, w):
    _last["call"] = (a_hat, x, w)
    return gcn.gcn_forward(a_hat, x, w)


def _of_the_last_call(grad, cache):
    return gcn.gcn_backward(grad, _last["call"])


# --- masked_cross_entropy --------------------------------------------------------------------


def mean_over_all(logits, labels, mask):
    loss, grad = gcn.masked_cross_entropy(logits, labels, mask)
    return loss * mask.mean(), grad * mask.mean()


def mask_forgotten(logits, labels, mask):
    return softmax_cross_entropy(logits, labels % logits.shape[1])  # -1 picks the last class


def known_labels_for_the_mask(logits, labels, mask):
    return gcn.masked_cross_entropy(logits, labels, labels >= 0)


def gradient_everywhere(logits, labels, mask):
    loss, _ = gcn.masked_cross_entropy(logits, labels, mask)
    _, grad = mask_forgotten(logits, labels, mask)
    return loss, grad / mask.mean()


def gradient_without_mask(logits, labels, mask):
    loss, _ = gcn.masked_cross_entropy(logits, labels, mask)
    return loss, mask_forgotten(logits, labels, mask)[1]


def probabilities_for_the_gradient(logits, labels, mask):
    loss, _ = gcn.masked_cross_entropy(logits, labels, mask)
    return loss, softmax(logits, axis=1) * mask[:, None] / mask.sum()


def gradient_of_the_sum(logits, labels, mask):
    loss, grad = gcn.masked_cross_entropy(logits, labels, mask)
    return loss, grad * mask.sum()


def summed(logits, labels, mask):
    loss, grad = gcn.masked_cross_entropy(logits, labels, mask)
    return loss * mask.sum(), grad * mask.sum()


def gradient_divided_by_all(logits, labels, mask):
    loss, grad = gcn.masked_cross_entropy(logits, labels, mask)
    return loss, grad * mask.mean()


def gradient_of_the_rows_inside(logits, labels, mask):
    return softmax_cross_entropy(logits[mask], labels[mask])


def _plain_cross_entropy(logits, labels, mask):
    """As the formula stands: for large logits infinite numbers are divided."""
    exps = np.exp(logits)
    probs = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(len(labels)), labels])[mask].mean()
    probs[np.arange(len(labels)), labels] -= 1
    return loss, np.where(mask[:, None], probs, 0) / mask.sum()


def logarithm_of_zero(logits, labels, mask):
    probs = softmax(logits, axis=1)
    rows = np.arange(len(labels))
    loss = -np.log(probs[rows, labels])[mask].mean()
    probs[rows, labels] -= 1
    return loss, np.where(mask[:, None], probs, 0) / mask.sum()


# --- gat_attention ---------------------------------------------------------------------------


def _leaky(scores, slope):
    return np.where(scores > 0, scores, slope * scores)


def _scores(h, w, a):
    z = h @ w
    half = z.shape[1]
    return (z @ a[:half])[:, None] + z @ a[half:]


def _around(adjacency, scores):
    """Softmax over the neighbours of each node and itself."""
    near = (adjacency > 0) | np.eye(len(adjacency), dtype=bool)
    return softmax(np.where(near, scores, -np.inf), axis=1)


def over_all_nodes(h, adjacency, w, a, slope=0.2):
    return softmax(_leaky(_scores(h, w, a), slope), axis=1)


def without_itself_in_attention(h, adjacency, w, a, slope=0.2):
    scores = np.where(adjacency > 0, _leaky(_scores(h, w, a), slope), -np.inf)
    return softmax(scores, axis=1)


def zero_for_strangers(h, adjacency, w, a, slope=0.2):
    near = (adjacency > 0) | np.eye(len(adjacency), dtype=bool)
    return softmax(np.where(near, _leaky(_scores(h, w, a), slope), 0), axis=1)


def masked_after_softmax(h, adjacency, w, a, slope=0.2):
    near = (adjacency > 0) | np.eye(len(adjacency), dtype=bool)
    return softmax(_leaky(_scores(h, w, a), slope), axis=1) * near


def no_leaky_relu(h, adjacency, w, a, slope=0.2):
    return _around(adjacency, _scores(h, w, a))


def relu_for_leaky_relu(h, adjacency, w, a, slope=0.2):
    return _around(adjacency, np.maximum(_scores(h, w, a), 0))


def leaky_relu_before_a(h, adjacency, w, a, slope=0.2):
    z = _leaky(h @ w, slope)
    half = z.shape[1]
    return _around(adjacency, (z @ a[:half])[:, None] + z @ a[half:])


def leaky_relu_on_each_half(h, adjacency, w, a, slope=0.2):
    z = h @ w
    asks, answers = z @ a[: z.shape[1]], z @ a[z.shape[1] :]
    return _around(adjacency, _leaky(asks, slope)[:, None] + _leaky(answers, slope))


def halves_exchanged(h, adjacency, w, a, slope=0.2):
    return _around(adjacency, _leaky(_scores(h, w, a).T, slope))


def columns_sum_to_one(h, adjacency, w, a, slope=0.2):
    near = (adjacency > 0) | np.eye(len(adjacency), dtype=bool)
    return softmax(np.where(near, _leaky(_scores(h, w, a), slope), -np.inf), axis=0)


def slope_fixed(h, adjacency, w, a, slope=0.2):
    return _around(adjacency, _leaky(_scores(h, w, a), 0.2))


def slope_of_a_hundredth(h, adjacency, w, a, slope=0.2):
    return _around(adjacency, _leaky(_scores(h, w, a), 0.01))


def weighted_by_the_edges(h, adjacency, w, a, slope=0.2):
    alpha = gat.gat_attention(h, adjacency, w, a, slope)
    alpha = alpha * (adjacency + np.eye(len(adjacency)))
    return alpha / alpha.sum(axis=1, keepdims=True)


def overflowing(h, adjacency, w, a, slope=0.2):
    near = (adjacency > 0) | np.eye(len(adjacency), dtype=bool)
    exps = np.where(near, np.exp(_leaky(_scores(h, w, a), slope)), 0)
    return exps / exps.sum(axis=1, keepdims=True)


def largest_of_strangers(h, adjacency, w, a, slope=0.2):
    """Takes off each row's largest score before the strangers leave: only zeros may remain."""
    near = (adjacency > 0) | np.eye(len(adjacency), dtype=bool)
    scores = _leaky(_scores(h, w, a), slope)
    exps = np.where(near, np.exp(scores - scores.max(axis=1, keepdims=True)), 0)
    return exps / exps.sum(axis=1, keepdims=True)


# --- graph_readout and link_probability ------------------------------------------------------


def mean_readout(z, graph_ids):
    counts = np.bincount(graph_ids)
    return graphs.graph_readout(z, graph_ids) / np.maximum(counts, 1)[:, None]


def max_readout(z, graph_ids):
    return np.array(
        [np.max(z[graph_ids == g], axis=0, initial=-np.inf) for g in range(graph_ids.max() + 1)]
    )


def last_node_stays(z, graph_ids):
    out = np.zeros((graph_ids.max() + 1, z.shape[1]))
    out[graph_ids] += z  # with an id twice, the last one wins
    return out


def ids_taken_as_sorted(z, graph_ids):
    counts = np.bincount(graph_ids)
    ends = np.cumsum(counts)
    return np.array([z[end - n : end].sum(axis=0) for end, n in zip(ends, counts, strict=True)])


def empty_graphs_left_out(z, graph_ids):
    return np.array([z[graph_ids == g].sum(axis=0) for g in np.unique(graph_ids)])


def distinct_ids_counted(z, graph_ids):
    return np.array([z[graph_ids == g].sum(axis=0) for g in range(len(np.unique(graph_ids)))])


def one_sum_for_all(z, graph_ids):
    return np.tile(z.sum(axis=0), (graph_ids.max() + 1, 1))


def one_graph_too_few(z, graph_ids):
    return graphs.graph_readout(z, graph_ids)[:-1]


def products_without_sigmoid(z):
    return z @ z.T


def softmax_over_nodes(z):
    return softmax(z @ z.T, axis=1)


def distance_for_product(z):
    return 1 / (1 + np.exp(np.sum((z[:, None] - z) ** 2, axis=2)))


def features_for_nodes(z):
    return graphs.link_probability(z.T)


def sigmoid_before_product(z):
    p = 1 / (1 + np.exp(-z))
    return p @ p.T


def infinite_over_infinite(z):
    exps = np.exp(z @ z.T)
    return exps / (1 + exps)


def sign_turned(z):
    return 1 - graphs.link_probability(z)


def lengths_taken_out(z):
    return graphs.link_probability(z / np.linalg.norm(z, axis=1, keepdims=True))


def no_link_to_itself(z):
    p = graphs.link_probability(z)
    np.fill_diagonal(p, 0)
    return p


ANSWERS = {
    "normalize_adjacency": Answer(
        graphs.normalize_adjacency,
        [
            Misconception(
                "no_loop",
                "Take a node with one neighbour: what is left of its own features?",
                no_loop,
            ),
            Misconception(
                "row_mean",
                "Is your result symmetric? Â shares the degree between both ends of an edge.",
                row_mean,
            ),
            Misconception(
                "column_mean",
                "Is your result symmetric? Â shares the degree between both ends of an edge.",
                column_mean,
            ),
            Misconception(
                "degree_without_loop",
                "The tilde in the formula: of which matrix are these the row sums?",
                degree_without_loop,
            ),
            Misconception(
                "not_rooted",
                "Which power of the degree stands on each side?",
                not_rooted,
            ),
            Misconception(
                "one_side_only",
                "Is your result symmetric? How many roots stand under an entry of Â?",
                one_side_only,
            ),
            Misconception(
                "multiplied_by_roots",
                "An edge counts less where its ends have many. Does yours count more?",
                multiplied_by_roots,
            ),
            Misconception(
                "weights_ignored",
                "Two edges of different weight: do they come out alike?",
                weights_ignored,
            ),
            Misconception(
                "counts_edges",
                "Two nodes with three edges each: is their degree equal if the weights differ?",
                counts_edges,
            ),
            Misconception(
                "loop_for_the_lonely",
                "Which nodes get a loop: only those without neighbours?",
                loop_for_the_lonely,
            ),
            Misconception(
                "whole_numbers",
                "Give it an adjacency of integers. What dtype has the array you write into?",
                whole_numbers,
            ),
            Misconception(
                "made_dense",
                "A graph of 100,000 nodes comes in sparse. How much memory would your result take?",
                made_dense,
            ),
            Misconception(
                "made_sparse",
                "Which kind does a dense matrix come back as?",
                made_sparse,
            ),
            Misconception(
                "loops_written_into_the_input",
                "Look at the adjacency after the call. Whose array got the loops?",
                loops_written_into_the_input,
            ),
        ],
    ),
    "neighbour_update": Answer(
        graphs.neighbour_update,
        [
            Misconception(
                "sum_for_mean",
                "What happens to a node with a hundred neighbours? Where does the degree come in?",
                sum_for_mean,
            ),
            Misconception(
                "itself_among_the_neighbours",
                "Is a node its own neighbour here? It has a term of its own.",
                itself_among_the_neighbours,
            ),
            Misconception(
                "one_neighbour_too_many",
                "A node with one neighbour: by which number is that row divided?",
                one_neighbour_too_many,
            ),
            Misconception(
                "divided_by_all_nodes",
                "The mean of three numbers: does it depend on how many others there are?",
                divided_by_all_nodes,
            ),
            Misconception(
                "degree_of_the_neighbour",
                "Each node takes a mean: whose number of neighbours does it divide by?",
                degree_of_the_neighbour,
            ),
            Misconception(
                "roots_of_both_degrees",
                "That is the normalisation of the next section. Here each node takes a plain mean.",
                roots_of_both_degrees,
            ),
            Misconception(
                "without_itself",
                "Where does the node's own row come in?",
                without_itself,
            ),
            Misconception(
                "without_relu",
                "Can your result fall below 0? Should it?",
                without_relu,
            ),
            Misconception(
                "relu_on_each_term",
                "Where does the bracket of the ReLU open, and where does it close?",
                relu_on_each_term,
            ),
            Misconception(
                "weights_exchanged",
                "Which of the two matrices is for the node itself?",
                weights_exchanged,
            ),
            Misconception(
                "divided_by_no_neighbours",
                "A node without neighbours: what do you divide by?",
                divided_by_no_neighbours,
            ),
            Misconception(
                "zeros_for_the_lonely",
                "A node without neighbours: which of its two terms is 0, and which is not?",
                zeros_for_the_lonely,
            ),
            Misconception(
                "the_lonely_ask_themselves",
                "A node without neighbours: how many terms does its sum over them have?",
                the_lonely_ask_themselves,
            ),
        ],
    ),
    "gcn_forward": Answer(
        gcn.gcn_forward,
        [
            Misconception(
                "with_relu",
                "Is the activation part of this layer?",
                with_relu,
            ),
            Misconception(
                "neighbours_of_the_columns",
                "Row i of the result: does it need row i or column i of Â?",
                neighbours_of_the_columns,
            ),
            Misconception(
                "not_propagated",
                "Where do the neighbours come in?",
                not_propagated,
            ),
            Misconception(
                "normalised_once_more",
                "Â comes in normalised already. What is left to do with it?",
                normalised_once_more,
            ),
            Misconception(
                "itself_once_more",
                "The diagonal of Â holds a loop already. What is left to add?",
                itself_once_more,
            ),
        ],
    ),
    "gcn_backward": Answer(
        (gcn.gcn_forward, gcn.gcn_backward),
        [
            Misconception(
                "a_hat_not_transposed",
                "Node j fed node i with the weight in row i, column j. Which way does the gradient "
                "of i go, when Â is not symmetric?",
                a_hat_not_transposed,
            ),
            Misconception(
                "not_transposed_for_x",
                "The gradient goes back along the edges: is that the same Â for both results?",
                not_transposed_for_x,
            ),
            Misconception(
                "not_transposed_for_w",
                "The gradient goes back along the edges: is that the same Â for both results?",
                not_transposed_for_w,
            ),
            Misconception(
                "not_sent_back",
                "The layer has two products. Through which of them does your gradient go back?",
                not_sent_back,
            ),
            Misconception(
                "w_without_neighbours",
                "What did the layer multiply by w, seen from the result: x, or x after Â?",
                w_without_neighbours,
            ),
            Misconception(
                "x_without_neighbours",
                "A node's features reach its neighbours too. Do their gradients come back to it?",
                x_without_neighbours,
            ),
            Misconception(
                "mean_over_nodes",
                "Is a mean taken in the forward pass?",
                mean_over_nodes,
            ),
            Misconception(
                "memory_of_the_last_call",
                "Between forward and backward another forward may run. What does the cache hold?",
                (_remembering_forward, _of_the_last_call),
            ),
        ],
    ),
    "masked_cross_entropy": Answer(
        gcn.masked_cross_entropy,
        [
            Misconception(
                "mean_over_all",
                "Over how many nodes is the mean taken?",
                mean_over_all,
            ),
            Misconception(
                "mask_forgotten",
                "What may the loss not know about the nodes outside the mask?",
                mask_forgotten,
            ),
            Misconception(
                "known_labels_for_the_mask",
                "A node has a label, but the mask leaves it out. Does yours leave it out?",
                known_labels_for_the_mask,
            ),
            Misconception(
                "gradient_everywhere",
                "Does the loss change when the logits of a node outside the mask change?",
                gradient_everywhere,
            ),
            Misconception(
                "gradient_without_mask",
                "Which rows of the gradient are 0? By which number are the others divided?",
                gradient_without_mask,
            ),
            Misconception(
                "probabilities_for_the_gradient",
                "A node that is given its right label with certainty: should its gradient be 0?",
                probabilities_for_the_gradient,
            ),
            Misconception(
                "summed",
                "Is it the sum over the nodes in the mask, or their mean?",
                summed,
            ),
            Misconception(
                "gradient_of_the_sum",
                "The loss is a mean. What does that do to its gradient?",
                gradient_of_the_sum,
            ),
            Misconception(
                "gradient_divided_by_all",
                "Over how many nodes is the mean taken? Is it the same number in the gradient?",
                gradient_divided_by_all,
            ),
            Misconception(
                "gradient_of_the_rows_inside",
                "How many rows have the logits, and how many has your gradient?",
                gradient_of_the_rows_inside,
            ),
            Misconception(
                "overflow",
                "What is e to the power of 10000? Which number can you take off a row first?",
                _plain_cross_entropy,
            ),
            Misconception(
                "logarithm_of_zero",
                "A probability can be rounded to 0. Can you get its logarithm without it?",
                logarithm_of_zero,
            ),
        ],
    ),
    "gat_attention": Answer(
        gat.gat_attention,
        [
            Misconception(
                "over_all_nodes",
                "Whom may a node attend to? Where does the adjacency come in?",
                over_all_nodes,
            ),
            Misconception(
                "without_itself",
                "May a node attend to itself? The adjacency has zeros on its diagonal.",
                without_itself_in_attention,
            ),
            Misconception(
                "zero_for_strangers",
                "Which score becomes 0 in a softmax? It is not the score 0.",
                zero_for_strangers,
            ),
            Misconception(
                "masked_after_softmax",
                "What is the sum of each row? Among whom is the attention shared out?",
                masked_after_softmax,
            ),
            Misconception(
                "no_leaky_relu",
                "What happens to a score before the softmax? Without it, who asks makes no "
                "difference.",
                no_leaky_relu,
            ),
            Misconception(
                "relu_for_leaky_relu",
                "What becomes of a score below 0?",
                relu_for_leaky_relu,
            ),
            Misconception(
                "leaky_relu_before_a",
                "What is the LeakyReLU applied to: the features, or the one number of a pair?",
                leaky_relu_before_a,
            ),
            Misconception(
                "leaky_relu_on_each_half",
                "Is the LeakyReLU of a sum the sum of two LeakyReLUs?",
                leaky_relu_on_each_half,
            ),
            Misconception(
                "halves_exchanged",
                "Which half of a belongs to the node that asks, and which to its neighbour?",
                halves_exchanged,
            ),
            Misconception(
                "columns_sum_to_one",
                "Who shares out attention: the node of the row, or that of the column?",
                columns_sum_to_one,
            ),
            Misconception(
                "slope_fixed",
                "What is the argument slope for?",
                slope_fixed,
            ),
            Misconception(
                "slope_of_a_hundredth",
                "By how much do you multiply a score below 0? The call says it.",
                slope_of_a_hundredth,
            ),
            Misconception(
                "weighted_by_the_edges",
                "Does the formula look at how heavy an edge is, or only at whether it is there?",
                weighted_by_the_edges,
            ),
            Misconception(
                "largest_of_strangers",
                "Whose largest score do you take off: that of all nodes, or of those attended to?",
                largest_of_strangers,
            ),
            Misconception(
                "overflow",
                "What is e to the power of 10000? Which number can you take off a row first?",
                overflowing,
            ),
        ],
    ),
    "graph_readout": Answer(
        graphs.graph_readout,
        [
            Misconception(
                "mean_readout",
                "Sum or mean: should a graph of ten equal nodes give another row than one of two?",
                mean_readout,
            ),
            Misconception(
                "max_readout",
                "Do you add up the nodes, or keep the largest?",
                max_readout,
            ),
            Misconception(
                "last_node_stays",
                "An index that occurs twice in one indexed assignment: how often is it added to?",
                last_node_stays,
            ),
            Misconception(
                "ids_taken_as_sorted",
                "Do the nodes of a graph always stand one after the other?",
                ids_taken_as_sorted,
            ),
            Misconception(
                "empty_graphs_left_out",
                "Which row belongs to a graph that has no nodes?",
                empty_graphs_left_out,
            ),
            Misconception(
                "distinct_ids_counted",
                "With the ids 0, 2 and 3: how many graphs are there, and what has graph 1?",
                distinct_ids_counted,
            ),
            Misconception(
                "one_sum_for_all",
                "Which nodes belong to which graph?",
                one_sum_for_all,
            ),
            Misconception(
                "one_graph_too_few",
                "Graphs are counted from 0. How many are there when the largest id is 3?",
                one_graph_too_few,
            ),
        ],
    ),
    "link_probability": Answer(
        graphs.link_probability,
        [
            Misconception(
                "products_without_sigmoid",
                "Can a probability be 3, or -1?",
                products_without_sigmoid,
            ),
            Misconception(
                "softmax_over_nodes",
                "Is each link a question of its own, or do the links of a node share out one?",
                softmax_over_nodes,
            ),
            Misconception(
                "distance_for_product",
                "What does the formula compare two nodes by: their distance, or their product?",
                distance_for_product,
            ),
            Misconception(
                "features_for_nodes",
                "How many nodes are there? Which shape has the result?",
                features_for_nodes,
            ),
            Misconception(
                "sigmoid_before_product",
                "What is the sigmoid taken of: each feature, or the product of two nodes?",
                sigmoid_before_product,
            ),
            Misconception(
                "sign_turned",
                "Two nodes that point the same way: is a link between them likely in yours?",
                sign_turned,
            ),
            Misconception(
                "lengths_taken_out",
                "The formula takes the product as it is. What does the length of a row change?",
                lengths_taken_out,
            ),
            Misconception(
                "no_link_to_itself",
                "The formula holds for all pairs. Also for i and i?",
                no_link_to_itself,
            ),
            Misconception(
                "infinite_over_infinite",
                "Which value has your fraction when the product of two nodes is 10000?",
                infinite_over_infinite,
            ),
        ],
    ),
}
