"""Graph convolution, with its gradients, and a net of such layers for nodes or whole graphs.

Source: Kipf & Welling (2017), Semi-supervised classification with graph convolutional networks.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from pytools.scratch.graphs import Matrix, graph_readout
from pytools.scratch.linear import softmax_cross_entropy
from pytools.scratch.optimizers import adam

SMALL = 1_000_000  # multiplications: OpenBLAS does so many without first copying the factors


def gcn_forward(a_hat: Matrix, x: Matrix, w: np.ndarray) -> tuple[np.ndarray, Any]:
    """A graph convolution without its activation: Â x w.

    a_hat (N, N) dense or sparse, fast as CSR, need not be symmetric; x (N, F) dense or sparse;
    w (F, F') dense. Returns out (N, F') dense, and a cache for gcn_backward. x w comes first, so
    that a sparse Â meets F' columns and not F. Raises ValueError for shapes that do not fit.
    """
    a_hat, x, w = (v if sparse.issparse(v) else np.asarray(v) for v in (a_hat, x, w))
    fits = all(v.ndim == 2 for v in (a_hat, x, w)) and (
        a_hat.shape == (x.shape[0], x.shape[0]) and x.shape[1] == w.shape[0]
    )
    if not fits:
        raise ValueError(
            f"a_hat, x and w must be (N, N), (N, F) and (F, F'), "
            f"but have shapes {a_hat.shape}, {x.shape} and {w.shape}"
        )
    return a_hat @ tall_product(x, w), (a_hat, x, w)


def gcn_backward(
    grad: np.ndarray, cache: Any, input_grad: bool = True
) -> tuple[np.ndarray | None, np.ndarray]:
    """The gradients of gcn_forward.

    grad (N, F'): the gradient for out; cache: from the forward call. With g = Âᵀ grad they are
    grad_x = g wᵀ (N, F), dense also where x is sparse, and grad_w = xᵀ g (F, F'). Returns grad_x,
    None where input_grad is False (features are seldom learned), and grad_w. Raises ValueError
    where grad does not fit out.
    """
    a_hat, x, w = cache
    grad = np.asarray(grad)
    if grad.shape != (x.shape[0], w.shape[1]):
        raise ValueError(
            f"grad must have out's shape {(x.shape[0], w.shape[1])}, but has {grad.shape}"
        )
    arrived = a_hat.T @ grad
    return tall_product(arrived, w.T) if input_grad else None, inner_product(x, arrived)


def masked_cross_entropy(
    logits: np.ndarray, labels: np.ndarray, mask: np.ndarray
) -> tuple[float, np.ndarray]:
    """Softmax cross-entropy, mean over the nodes in the mask, and its gradient for the logits.

    logits (N, C); labels (N,), integers in [0, C) in the mask, anything outside (such as -1);
    mask (N,) booleans, at least one True. Returns the loss and grad (N, C), 0 outside the mask.
    Raises ValueError for shapes that do not fit, an empty mask, labels out of range in it.
    """
    logits, labels, mask = np.asarray(logits), np.asarray(labels), np.asarray(mask)
    if mask.shape != logits.shape[:1] or labels.shape != mask.shape or mask.dtype != bool:
        raise ValueError(
            f"labels and mask must hold an integer and a boolean for each of the {len(logits)} "
            f"rows of logits, but have shapes {labels.shape}, {mask.shape} and dtypes "
            f"{labels.dtype}, {mask.dtype}"
        )
    if not mask.any():
        raise ValueError("mask must be True for at least one node, but is False for all")
    loss, inside = softmax_cross_entropy(logits[mask], labels[mask])
    grad = np.zeros_like(logits, dtype=inside.dtype)
    grad[mask] = inside
    return loss, grad


class Gcn:
    """Graph convolutions with ReLU between them, dropout before each; for nodes, or whole graphs.

    sizes: features, hidden units …, classes. Weights (F, F') in `params`, Glorot & Bengio's
    (2010) uniform ones, drawn from rng in `dtype`. dropout: the share of the inputs of each layer
    that is dropped in training. Raises ValueError where it is not in [0, 1).
    """

    def __init__(
        self,
        sizes: list[int],
        rng: np.random.Generator,
        dropout: float = 0.5,
        dtype: type = np.float32,
    ) -> None:
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and less than 1, but is {dropout}")
        reaches = [np.sqrt(6 / (n_in + n_out)) for n_in, n_out in pairwise(sizes)]
        self.dropout = dropout
        self.params = [
            rng.uniform(-reach, reach, shape).astype(dtype)
            for reach, shape in zip(reaches, pairwise(sizes), strict=True)
        ]

    def logits(
        self,
        a_hat: Matrix,
        x: Matrix,
        graph_ids: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """A row of scores for each node, or for each graph where graph_ids is given.

        rng: in training, for dropout. What `gradients` needs is remembered until the next call.
        """
        self.caches, self.gates, self.graph_ids = [], [], graph_ids
        h = x
        for number, w in enumerate(self.params):
            keep = None
            if rng is not None and self.dropout > 0:
                h, keep = dropped(h, self.dropout, rng)
            out, cache = gcn_forward(a_hat, h, w)
            self.caches.append(cache)
            self.gates.append((keep, out > 0))
            h = np.maximum(out, 0) if number < len(self.params) - 1 else out
        return h if graph_ids is None else graph_readout(h, graph_ids)

    def gradients(self, grad: np.ndarray) -> list[np.ndarray]:
        """The gradients of params, from the one of the last logits."""
        if self.graph_ids is not None:
            grad = grad[self.graph_ids]
        grads = []
        for number in range(len(self.params) - 1, -1, -1):
            if number < len(self.params) - 1:
                keep = self.gates[number + 1][0]
                grad = grad * self.gates[number][1] * (1 if keep is None else keep)
            grad, grad_w = gcn_backward(grad, self.caches[number], input_grad=number > 0)
            grads.append(grad_w)
        return grads[::-1]


def train_gcn(
    net: Gcn,
    a_hat: Matrix,
    x: Matrix,
    labels: np.ndarray,
    mask: np.ndarray,
    epochs: int,
    rng: np.random.Generator,
    lr: float = 0.01,
    weight_decay: float = 5e-4,
    graph_ids: np.ndarray | None = None,
) -> Iterator[float]:
    """Train on the nodes in the mask, or graphs where graph_ids is given; yields each loss.

    Every epoch is one step of Adam on the whole graph. weight_decay · w is added to the gradient
    of the first layer alone, as Kipf & Welling (2017) do. net changes while one iterates; the loss
    is that of before the step, without the decay.
    """
    states: list[dict] = [{} for _ in net.params]
    for _ in range(epochs):
        loss, grad = masked_cross_entropy(net.logits(a_hat, x, graph_ids, rng), labels, mask)
        grads = net.gradients(grad)
        grads[0] += weight_decay * net.params[0]
        for number, (w, grad_w) in enumerate(zip(net.params, grads, strict=True)):
            net.params[number], states[number] = adam(w, grad_w, states[number], lr)
        yield loss


def dropped(h: Matrix, rate: float, rng: np.random.Generator) -> tuple[Matrix, np.ndarray]:
    """h with each entry 0 with probability rate, else divided by 1 - rate; and those factors.

    For a sparse h they belong to its stored entries, the others being 0 already.
    """
    values = h.data if sparse.issparse(h) else h
    keep = (rng.random(values.shape, dtype=np.float32) >= rate) / values.dtype.type(1 - rate)
    if not sparse.issparse(h):
        return h * keep, keep
    h = h.copy()
    h.data *= keep
    return h, keep


def tall_product(x: Matrix, w: np.ndarray) -> np.ndarray:
    """x w for x (N, F), dense or sparse, with many rows, and w (F, F'): a block of rows at a time.

    In one call BLAS copies x first and goes over the result twice, which takes longer than the
    multiplying where F or F' is small.
    """
    if sparse.issparse(x):
        return x @ w
    out = np.empty((len(x), w.shape[1]), np.result_type(x, w))
    w = np.ascontiguousarray(w)
    for rows in _blocks(len(x), w.size):
        np.matmul(x[rows], w, out=out[rows])
    return out


def inner_product(x: Matrix, y: np.ndarray) -> np.ndarray:
    """xᵀ y for x (N, F), dense or sparse, and y (N, F'), with many rows, in blocks as above."""
    if sparse.issparse(x):
        return x.T @ y
    out = np.zeros((y.shape[1], x.shape[1]), np.result_type(x, y))
    across = np.ascontiguousarray(y.T)
    for rows in _blocks(len(x), out.size):
        out += across[:, rows] @ x[rows]
    return out.T


def _blocks(n: int, each: int) -> list[slice]:
    """n rows of `each` multiplications in blocks of SMALL; all at once where that were too few."""
    rows = SMALL // max(each, 1)
    return [slice(k, k + rows) for k in range(0, n, rows)] if rows >= 16 else [slice(n)]
