"""How fast are the nearest neighbours? 10,000 test rows, 10,000 training rows, 784 entries, k = 5.

Against one matrix product of that size, which every exact method with 'l2' needs, in turn on one
thread; medians of process-CPU seconds. Goal: 1.5 times the product, at most 1 GB held. Not
collected by plain pytest:

    pytest tests/benchmarks/bench_knn.py -s
"""

import tracemalloc

import numpy as np
import pytest
from timing import milliseconds

from pytools.scratch import knn_predict

ROWS, PIXELS, K = 10_000, 784, 5
ROUNDS = 3
MAY_HOLD = 1e9  # bytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_knn(dtype):
    rng = np.random.default_rng(0)
    train_x, test_x = (rng.random((ROWS, PIXELS), dtype=dtype) for _ in range(2))
    train_y = rng.integers(0, 10, ROWS)

    ways = {
        "product": lambda: test_x @ train_x.T,
        "kNN": lambda: knn_predict(train_x, train_y, test_x, K, "l2"),
    }
    medians = milliseconds(ways, ROUNDS)
    tracemalloc.start()
    ways["kNN"]()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    print(f"\n{np.dtype(dtype).name}: CPU time, median of {ROUNDS}; kNN holds {most / 1e6:.0f} MB")
    for name, time in medians.items():
        print(f"  {name:8} {time / 1e3:6.2f} s  {time / medians['product']:5.2f} × product")
    assert most <= MAY_HOLD
