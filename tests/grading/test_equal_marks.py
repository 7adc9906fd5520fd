"""However a class is graded, warm, cold, on a cluster or without a sandbox, its marks are equal."""

import signal
from dataclasses import replace

import pytest
from cells import needs_sandbox
from classroom import mini_notebook, outcome, plan_of, right, submit, wrong
from dask_cluster import cluster

from pytools.grading.course import Course
from pytools.grading.options import COLD, NONE, WARM, Options
from pytools.grading.run import grade

pytestmark = [needs_sandbox, pytest.mark.xdist_group("cluster")]

ANSWERS = right(mini_notebook())
SUM = ANSWERS["graph_gradients"]
SLOW = {"graph_gradients": f"import time; time.sleep(0.5)\n{SUM}"}
CLASS = {
    "ada": SLOW,
    "bob": {"graph_gradients": wrong("backprop.graph_gradients", "own_factor")},
    "cleo": {"graph_gradients": "def graph_gradients(x, y, z) return x"},
    "dora": {"matmul_backward": "import os; os._exit(3)"},
    "emil": SLOW | {"matmul_backward": "def matmul_backward(grad, a, b):\n    return 'many', 1"},
    "finn": SLOW | {"matmul_backward": "def matmul_backward(grad, a, b):\n    1 / 0"},
}
POINTS = [5.0, 3.0, 3.0, None, 2.0, 2.0]


def test_marks_are_equal(mini, tmp_path):
    """On the cluster one of two workers is killed half-way."""
    pytest.importorskip("distributed")
    for student, answers in CLASS.items():
        submit(mini, student, ANSWERS | answers)
    found = {way: graded(Options(sandbox=way, workers=2)) for way in (WARM, COLD, NONE)}
    with cluster(tmp_path) as dask:
        first, second = dask.worker(), dask.worker()
        found["cluster"] = graded(Options(scheduler=dask.address), first.kill)
        assert first.wait() == -signal.SIGKILL and second.poll() is None
    results, _ = found[WARM]
    assert [results[student].points for student in CLASS] == POINTS
    for way in found:
        assert found[way] == found[WARM], way


def graded(options, after_two=lambda: None):
    """Results and gradebook, but for what says how they were come by."""
    results = {}
    for result, new in grade(
        Course(), plan_of(Course().root), list(CLASS), replace(options, again=True)
    ):
        assert new
        results[result.student] = replace(result, sandbox="", digest="")
        if len(results) == 2:
            after_two()
    return results, outcome(Course().root)["grades"]
