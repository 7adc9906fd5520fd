"""How fast are the generated faces? 2,000 of 32×32 pixels, drawn and rated, on one thread.

Medians of process-CPU seconds, beside two products of 1024×1024 matrices, in turn, so that both
meet the same machine. Goal: 5,000 faces a second. Not collected by plain pytest:

    pytest tests/benchmarks/bench_faces.py -s
"""

import numpy as np
import pytest
from timing import milliseconds

from pytools.data import faces

ROUNDS, FACES = 5, 2_000
GOAL = 5_000  # faces a second, of 32×32 pixels


@pytest.mark.parametrize("side", [32, 48])
def test_faces(side, capsys):
    a, b = np.random.default_rng(0).random((2, 1024, 1024), dtype=np.float32)
    ways = {
        "faces": lambda: faces("train", side=side, size=FACES),
        "products": lambda: (a @ b, b @ a),
    }
    medians = milliseconds(ways, ROUNDS)
    rate = FACES / medians["faces"] * 1e3
    with capsys.disabled():
        print(f"\n{side}×{side} pixels: {rate:6.0f} faces a second", end="; ")
        print(f"{medians['faces']:.0f} ms, {medians['faces'] / medians['products']:.1f} × products")
        if side == 32:
            print(f"  goal {GOAL}: {'reached' if rate >= GOAL else 'missed'}")
