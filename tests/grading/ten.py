"""Ten honest students of the small course, and the proof that others did not touch them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from classroom import mini_notebook, right, submit, wrong

RIGHT = right(mini_notebook())
LOOPS = """\
def graph_gradients(x, y, z):
    total = 0.0
    for a, b, c in zip(x.ravel(), y.ravel(), z.ravel(), strict=True):
        total += a * b + c
    return total, y.copy(), x.copy(), np.ones(z.shape)"""
EINSUM = """\
def matmul_backward(grad, a, b):
    return np.einsum("...ij,...kj->...ik", grad, b), np.einsum("...ki,...kj->...ij", a, grad)"""
TYPO = "def graph_gradients(x, y, z) return x"
RAISES = "def matmul_backward(grad, a, b):\n    return grad @ b, a @ grad[:0]"
NOTHING = "def matmul_backward(grad, a, b):\n    grad @ b.T"

OWN = wrong("backprop.graph_gradients", "own_factor")
SCALAR = wrong("backprop.graph_gradients", "scalar_for_z")
PLAIN = wrong("backprop.matmul_backward", "transposes_forgotten")

# student: the two cells ('' for a blank one), the points and the findings they lead to
TEN = {
    "ada": (RIGHT["graph_gradients"], RIGHT["matmul_backward"], (2, 3), ("", "")),
    "bea": (LOOPS, EINSUM, (2, 3), ("", "")),
    "cem": (OWN, RIGHT["matmul_backward"], (0, 3), ("own_factor", "")),
    "dan": (SCALAR, RIGHT["matmul_backward"], (0, 3), ("scalar_for_z", "")),
    "eli": (RIGHT["graph_gradients"], PLAIN, (2, 0), ("", "transposes_forgotten")),
    "fay": ("", "", (0, 0), ("blank", "blank")),
    "gus": (RIGHT["graph_gradients"], "", (2, 0), ("", "blank")),
    "hal": (TYPO, EINSUM, (0, 3), ("raised", "")),
    "ida": (LOOPS, RAISES, (2, 0), ("", "raised")),
    "jon": (OWN, NOTHING, (0, 0), ("own_factor", "none")),
}


def hand_in_ten(root: Path) -> None:
    for student, (first, second, _, _) in TEN.items():
        answers = {"graph_gradients": first, "matmul_backward": second}
        submit(root, student, {name: source for name, source in answers.items() if source})


def results(root: Path) -> dict[str, dict]:
    """What grading left, by student."""
    paths = (root / "reports" / "mini" / "results").glob("*.json")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def scores(root: Path) -> dict[str, float | None]:
    """The gradebook's own sums; None for a submission without a mark."""
    query = """
        select student.id, sum(grade.auto_score) from student
        join submitted_assignment on submitted_assignment.student_id = student.id
        join submitted_notebook on submitted_notebook.assignment_id = submitted_assignment.id
        join grade on grade.notebook_id = submitted_notebook.id group by student.id"""
    database = sqlite3.connect(root / "gradebook.db")
    try:
        return dict(database.execute(query))
    finally:
        database.close()


def assert_ten_untouched(root: Path) -> None:
    """They have their status, points and findings, as if nobody else had handed in."""
    rows, sums = results(root), scores(root)
    for student, (_, _, points, findings) in TEN.items():
        row = rows[student]
        assert (row["status"], row["reason"]) == ("graded", ""), student
        assert tuple(mark["points"] for mark in row["marks"]) == points, student
        assert tuple(mark["finding"] for mark in row["marks"]) == findings, student
        assert row["flags"] == row["notes"] == [], student
        assert sums[student] == row["points"] == sum(points), student
