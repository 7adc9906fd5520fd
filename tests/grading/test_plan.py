"""The plan says which checks are due; a wrong source is refused by the name of its cell."""

import pickle

import nbformat
import pytest
from classroom import SUM, check_cell, mini_notebook, plan_of, solution_cell
from nbformat.v4 import new_notebook

from pytools import build
from pytools.errors import CourseError
from pytools.grading import rooms
from pytools.grading.plan import Check, read_plan


def test_it_knows_cells_points_and_checks(mini):
    plan = plan_of(mini)
    assert plan.solutions == (
        "backprop-graph_gradients-solution",
        "backprop-matmul_backward-solution",
    )
    first, second = plan.tests
    assert (first.exercise_id, first.points) == ("backprop.graph_gradients", 2.0)
    assert (second.exercise_id, second.points) == ("backprop.matmul_backward", 3.0)
    assert first.solution_id == "backprop-graph_gradients-solution"
    seen, hidden = first.checks
    assert seen == Check("backprop.graph_gradients", "graph_gradients", 2.0, 1)
    assert (hidden.seed, first.hidden) == (9001, (hidden,))


def test_it_can_be_sent_to_another_process(mini):
    plan = plan_of(mini)
    assert pickle.loads(pickle.dumps(plan)) == plan


WRONG = {
    "no check": ("x = 1", "line 1 is not a call check"),
    "nothing": ("# nothing", "calls no check"),
    "a result kept": ("y = check('backprop.graph_gradients', f, points=2, seed=1)", "not a call"),
    "no seed": ("check('backprop.graph_gradients', f, points=2)", "needs points and seed"),
    "no points": ("check('backprop.graph_gradients', f, seed=1)", "needs points and seed"),
    "a computed seed": (
        "check('backprop.graph_gradients', f, points=2, seed=1 + 1)",
        "needs points and seed",
    ),
    "other points": ("check('backprop.graph_gradients', f, points=3, seed=1)", "gives 3 points"),
    "another exercise": ("check('backprop.unbroadcast', f, points=2, seed=1)", "is of"),
    "no Python": ("check(", "not Python"),
}


@pytest.mark.parametrize("source, said", WRONG.values(), ids=WRONG.keys())
def test_wrong_test_cells(mini, source, said):
    notebook = new_notebook(
        cells=[solution_cell("graph_gradients", SUM), check_cell("graph_gradients", 2, source)]
    )
    paths = build.Paths(mini, "mini")
    nbformat.write(notebook, paths.pair)
    with pytest.raises(CourseError, match="test cell 'backprop-graph_gradients'") as error:
        read_plan("mini", paths.pair, paths.release)
    assert said in str(error.value)


def test_an_exercise_that_does_not_exist(mini):
    notebook = new_notebook(
        cells=[solution_cell("graph_gradient", SUM), check_cell("graph_gradient", 2)]
    )
    nbformat.write(notebook, build.Paths(mini, "mini").pair)
    with pytest.raises(CourseError, match=r"Did you mean 'backprop\.graph_gradients'"):
        plan_of(mini)


def test_a_release_that_is_out_of_step(mini):
    notebook = mini_notebook()
    notebook.cells[3].metadata.nbgrader.points = 5
    notebook.cells[3].source = notebook.cells[3].source.replace("points=2", "points=5")
    nbformat.write(notebook, build.Paths(mini, "mini").pair)
    with pytest.raises(CourseError, match="course build mini"):
        plan_of(mini)


def test_a_release_that_is_missing(mini):
    build.Paths(mini, "mini").release.unlink()
    with pytest.raises(CourseError, match=r"mini\.ipynb is missing"):
        plan_of(mini)


@pytest.mark.parametrize(
    "uses, absent",
    {
        "scratch.relu(x)": ("exercises/answers", "models"),
        "models.Graph(x)": ("exercises/answers", "scratch"),
        "pass": ("exercises/answers", "scratch", "models"),
    }.items(),
)
def test_rooms_that_give_solutions_away_are_absent_where_they_are_not_used(uses, absent):
    assert (
        rooms.unused(["%matplotlib inline", "from pytools import models, scratch", uses]) == absent
    )


@pytest.mark.parametrize(
    "line", ["from pytools.models.huber import huber_loss", "import pytools.models.huber as h"]
)
def test_a_room_is_used_where_a_module_of_it_is_imported(line):
    """What stands in its place has no modules: the import itself would fail."""
    assert rooms.unused([line]) == ("exercises/answers", "scratch")
    assert "models" in rooms.unused(["from pytools.models import huber_loss"])


def test_a_notebook_without_test_cells(mini):
    notebook = new_notebook(cells=[solution_cell("graph_gradients", SUM)])
    nbformat.write(notebook, build.Paths(mini, "mini").pair)
    with pytest.raises(CourseError, match="nothing to grade"):
        plan_of(mini)
