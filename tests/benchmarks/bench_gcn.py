"""How fast is a graph convolution, and does its cost grow as the edges do? float32, one thread.

A layer of Cora's size against torch on the CPU, forward and backward, in turn; medians of
process-CPU seconds. The ratio is NumPy's time over torch's. Then one epoch of a net of two layers
on random graphs of growing size: seconds, and the most memory it took. Not collected by plain
pytest:

    pytest tests/benchmarks/bench_gcn.py -s
"""

import tracemalloc
import warnings
from collections.abc import Callable
from statistics import median
from time import process_time

import numpy as np
import torch
from scipy import sparse
from timing import milliseconds, one_thread

from pytools.scratch import Gcn, gcn_backward, gcn_forward, normalize_adjacency, train_gcn

NODES, EDGES, WORDS, UNITS = 2708, 5278, 1433, 16  # Cora, and the first layer of the usual net
NONZERO = 49_216  # words that occur
ROUNDS, CALLS = 20, 5  # of each way, CALLS in a row: as in training, the layer meets itself again
SIZES = 10_000, 30_000, 100_000


def random_graph(nodes: int, edges: int, rng: np.random.Generator) -> sparse.csr_array:
    ends = rng.integers(0, nodes, (2, edges))
    one_way = sparse.csr_array((np.ones(edges, np.float32), ends), shape=(nodes, nodes))
    return ((one_way + one_way.T) > 0).astype(np.float32).tocsr()


def torch_csr(matrix: sparse.csr_array) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its CSR is in beta
        return torch.sparse_csr_tensor(matrix.indptr, matrix.indices, matrix.data, matrix.shape)


def test_layer(capsys):
    rng = np.random.default_rng(0)
    a_hat = normalize_adjacency(random_graph(NODES, EDGES, rng))
    x, w, grad = (
        rng.standard_normal(shape, np.float32)
        for shape in [(NODES, WORDS), (WORDS, UNITS), (NODES, UNITS)]
    )
    density = NONZERO / NODES / WORDS
    words = sparse.random_array((NODES, WORDS), density=density, format="csr", rng=rng)
    words = words.astype(np.float32)

    torch_x, torch_words = torch.tensor(x, requires_grad=True), torch.tensor(words.toarray())
    torch_w, torch_grad = torch.tensor(w, requires_grad=True), torch.tensor(grad)
    csr, sparse_words = torch_csr(a_hat), torch_csr(words)
    coo = csr.to_sparse_coo().coalesce()

    def by_numpy(features: np.ndarray | sparse.csr_array, input_grad: bool) -> Callable:
        def layer():
            out, cache = gcn_forward(a_hat, features, w)
            return out, *gcn_backward(grad, cache, input_grad)

        return layer

    def by_torch(a: torch.Tensor, features: torch.Tensor, input_grad: bool) -> Callable:
        wanted = [features, torch_w] if input_grad else [torch_w]

        def layer():
            out = a @ (features @ torch_w)
            return out.detach(), *torch.autograd.grad(out, wanted, torch_grad)

        return layer

    ways = {
        "dense": by_numpy(x, True),
        "sparse": by_numpy(words, False),
        "torch coo": by_torch(coo, torch_x, True),
        "torch csr": by_torch(csr, torch_x, True),
        "torch without grad_x": by_torch(csr, torch_words, False),
        "torch sparse": by_torch(csr, sparse_words, False),
    }
    with one_thread():
        for ours, theirs in [("dense", "torch coo"), ("sparse", "torch without grad_x")]:
            results = [part for part in ways[ours]() if part is not None]
            for mine, other in zip(results, ways[theirs](), strict=True):
                assert np.abs(mine - other.numpy()).max() < 1e-4 * np.abs(mine).max()
    ms = milliseconds(ways, ROUNDS, CALLS)
    rows = [
        ("all gradients, torch's COO", "dense", "torch coo", (0.65, 0.55)),
        ("all gradients, torch's CSR", "dense", "torch csr", (0.65, 0.55)),
        ("sparse words; torch: all dense", "sparse", "torch coo", (0.1,)),
        ("sparse words; torch: no grad_x", "sparse", "torch without grad_x", ()),
        ("sparse words; torch: sparse too", "sparse", "torch sparse", ()),
    ]
    with capsys.disabled():
        print(f"\nGraph convolution, {NODES} nodes, nnz {a_hat.nnz:,}, {WORDS} → {UNITS}, ms")
        print(f"  {'':34}{'NumPy':>9}{'torch':>9}{'ratio':>9}   goal, stretch")
        for name, ours, theirs, goals in rows:
            numbers = f"{ms[ours]:9.2f}{ms[theirs]:9.2f}{ms[ours] / ms[theirs]:9.2f}"
            print(f"  {name:34}{numbers}   {', '.join(map(str, goals))}")


def epoch(nodes: int) -> tuple[int, float, float]:
    """Edges, process-CPU seconds and the peak of memory, in MB, of one epoch and all before it."""
    rng = np.random.default_rng(0)
    graph = random_graph(nodes, 10 * nodes, rng)
    x, labels = rng.standard_normal((nodes, 64), np.float32), rng.integers(0, 7, nodes)
    net = Gcn([64, 16, 7], rng)
    everyone = np.ones(nodes, dtype=bool)

    def run() -> None:
        list(train_gcn(net, normalize_adjacency(graph), x, labels, everyone, 1, rng))

    seconds = []
    for _ in range(5):
        start = process_time()
        run()
        seconds.append(process_time() - start)
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return graph.nnz // 2, median(seconds), peak


def test_large_graphs(capsys):
    with one_thread():
        rows = {nodes: epoch(nodes) for nodes in SIZES}
    with capsys.disabled():
        print("\nNormalise, then one epoch of two layers, 64 → 16 → 7")
        print(f"  {'nodes':>9}{'edges':>11}{'s':>8}{'µs an edge':>12}{'MB':>8}{'B an edge':>11}")
        for nodes, (edges, seconds, peak) in rows.items():
            each = f"{1e6 * seconds / edges:12.2f}{peak:8.0f}{1e6 * peak / edges:11.0f}"
            print(f"  {nodes:9,}{edges:11,}{seconds:8.2f}{each}")
