"""Notebooks in real kernels: answers come home, and what goes wrong is said of the right cell."""

import os
import pickle
import sys
import time

import pytest
from classroom import fill, mini_notebook, plan_of, right, submit
from nbformat.v4 import new_code_cell

from pytools.grading import execute as module
from pytools.grading import options
from pytools.grading.execute import execute
from pytools.grading.marking import mark
from pytools.grading.options import NONE, WARM, Options
from pytools.grading.pool import Threads
from pytools.grading.preflight import preflight
from pytools.grading.results import FAILED, GRADED, REVIEW
from pytools.grading.sandbox import walls
from pytools.grading.sandbox.limits import Limits
from pytools.transport import unpack

ANSWERS = right(mini_notebook())
SUM, PRODUCT = "backprop-graph_gradients", "backprop-matmul_backward"
RIGHT_SUM = ANSWERS["graph_gradients"]


@pytest.fixture(params=[WARM, NONE])
def sandbox(request):
    if request.param != NONE and walls.available():
        pytest.skip(walls.available())
    return request.param


@pytest.fixture
def run(mini, sandbox):
    """Run a notebook with these solution cells; the execution and the result of marking it."""

    def run(seconds=30, edit=lambda notebook: None, **answers):
        plan = plan_of(mini)
        submission = preflight(submit(mini, "ada", ANSWERS | answers, edit=edit), plan)
        execution = execute(submission.notebook, plan, Options(seconds=seconds, sandbox=sandbox))
        result, notebook = mark("ada", plan, submission, execution)
        return execution, result, notebook

    return run


def points(result):
    return [given.points for given in result.marks]


def test_answers_and_outputs_come_home(run):
    execution, result, notebook = run(graph_gradients=f"{RIGHT_SUM}\nprint('so far')")
    assert (result.status, points(result)) == (GRADED, [2.0, 3.0])
    assert len(execution.answers) == 4
    assert all(unpack(data) for data in execution.answers.values())
    printed = next(c for c in notebook.cells if c.id == f"{SUM}-solution").outputs
    assert printed[0].text == "so far\n"
    assert pickle.loads(pickle.dumps(execution)) == execution
    # neither the demo nor what follows the last test was run: both raise
    assert not any(o.output_type == "error" for c in notebook.cells for o in c.get("outputs", []))
    # a trace of how answers leave the kernel would say where, and with which hidden seed
    assert "9001" not in str(notebook) and "answers" not in str(notebook)


def test_the_kernel_is_this_python_in_an_empty_folder(run):
    say = "import os, sys; print(sys.executable, os.listdir(), os.environ['COURSE_HOME'])"
    _, _, notebook = run(graph_gradients=f"{say}\n{RIGHT_SUM}")
    cell = next(c for c in notebook.cells if c.id == f"{SUM}-solution")
    executable, listing, home = cell.outputs[0].text.split()
    assert executable == sys.executable and listing == "[]"
    assert home.endswith("home") and home != os.path.expanduser("~")


def test_a_display_that_is_updated(run):
    """As progress bars do, in the cell itself and from a later one."""
    goes = "import time\nfor go in range(3):\n    print(go, flush=True)\n    time.sleep(0.3)\n"
    first = f"{goes}shown = display('begun', display_id='bar')\nshown.update('half')"
    _, result, notebook = run(
        graph_gradients=f"{RIGHT_SUM}\n{first}",
        matmul_backward=f"{ANSWERS['matmul_backward']}\nshown.update('done')",
    )
    assert result.status == GRADED and result.points == 5.0
    cell = next(c for c in notebook.cells if c.id == f"{SUM}-solution")
    printed, *shown = cell.outputs
    assert printed.text == "0\n1\n2\n"
    assert [output.data["text/plain"] for output in shown] == ["'done'"]


def test_checks_while_working_are_silent(run):
    """They would show expected values, and need the answers that a sandbox does not have."""
    shown = (
        f"{RIGHT_SUM.replace('y, x', 'x, y')}\n\ncheck('backprop.graph_gradients', graph_gradients)"
    )
    _, result, notebook = run(graph_gradients=shown)
    assert points(result) == [0.0, 3.0]
    assert not next(c for c in notebook.cells if c.id == f"{SUM}-solution").outputs


def test_a_syntax_error_costs_its_own_exercise(run):
    _, result, _ = run(graph_gradients="def graph_gradients(x, y, z) return x")
    assert (result.status, points(result)) == (GRADED, [0.0, 3.0])
    assert result.marks[0].finding == "raised"
    assert "name 'graph_gradients' is not defined" in result.marks[0].text
    assert "Its own cell stopped with SyntaxError" in result.marks[0].text


def test_a_name_from_a_cell_that_was_left_out(run):
    def edit(notebook):
        notebook.cells.insert(2, dict(notebook.cells[1], id="own", source="def my_sum(a): ..."))

    _, result, _ = run(
        edit=edit, graph_gradients="def graph_gradients(x, y, z):\n    return my_sum(x)"
    )
    assert result.status == REVIEW
    assert "were left out" in result.reason
    assert [bool(given.review) for given in result.marks] == [True, False]


def test_cells_that_do_not_end_are_stopped(run):
    """One at the top level, after a right answer; one inside a check."""
    execution, result, _ = run(
        seconds=3,
        graph_gradients=f"{RIGHT_SUM}\nwhile True:\n    pass",
        matmul_backward="def matmul_backward(grad, a, b):\n    while True:\n        pass",
    )
    assert execution.stopped == [f"Stopped after 3 s: the cell '{SUM}-solution'."]
    assert execution.undone == {PRODUCT: f"Stopped after 3 s: the cell {PRODUCT!r}."}
    assert (result.status, points(result)) == (REVIEW, [2.0, None])
    assert result.reason == execution.undone[PRODUCT]
    assert execution.stopped[0] in result.notes


def test_a_notebook_that_takes_too_long_in_all(run, monkeypatch):
    """Each cell is in time, all of them are not: what was answered before counts."""
    monkeypatch.setattr(options, "NOTEBOOK", 1)
    _, result, _ = run(
        seconds=4,
        graph_gradients=f"{RIGHT_SUM}\nimport time\ntime.sleep(2.5)",
        matmul_backward=f"{ANSWERS['matmul_backward']}\ntime.sleep(2.5)",
    )
    assert (result.status, points(result)) == (REVIEW, [2.0, None])
    stopped = f"Stopped after 4 s in all, in the cell '{PRODUCT}-solution'."
    assert result.reason.startswith(f"Not reached: {stopped}")


@pytest.mark.skipif(bool(walls.available()), reason=walls.available())
def test_more_than_its_share(mini, monkeypatch):
    """The kernel is ended, and the student told of which limit, and where."""
    monkeypatch.setattr(Options, "limits", Limits(processor=4))
    plan = plan_of(mini)
    answers = ANSWERS | {"matmul_backward": "while True:\n    pass"}
    submission = preflight(submit(mini, "ada", answers), plan)
    result, _ = mark("ada", plan, submission, execute(submission.notebook, plan, Options()))
    assert result.status == FAILED
    said = "It used more than 4 seconds of processor time."
    assert result.reason == f"{said} Stopped in the cell '{PRODUCT}-solution'."


def test_a_cell_that_cannot_be_stopped(run, monkeypatch):
    monkeypatch.setattr(module, "GRACE_SECONDS", 1)
    stubborn = """\
while True:
    try:
        while True:
            pass
    except KeyboardInterrupt:
        pass"""
    execution, result, _ = run(seconds=3, matmul_backward=stubborn)
    assert (result.status, points(result)) == (REVIEW, [2.0, None])
    assert "could not be stopped" in execution.undone[PRODUCT]


def test_a_kernel_that_dies(run):
    execution, result, _ = run(matmul_backward="import os; os._exit(3)")
    assert execution.died == f"The kernel died in the cell '{PRODUCT}-solution'."
    assert (result.status, result.reason) == (FAILED, execution.died)
    assert points(result) == [None, None] and result.points is None


def test_a_run_that_is_broken_off(mini, sandbox):
    """What still runs is ended, not waited for; what was waiting is not begun."""
    plan = plan_of(mini)
    answers = ANSWERS | {"graph_gradients": "import time\ntime.sleep(600)"}
    submission = preflight(submit(mini, "ada", answers), plan)
    pool = Threads(plan, Options(workers=1, seconds=600, sandbox=sandbox))
    running, waiting = pool.submit(submission.notebook), pool.submit(submission.notebook)
    while not module._running:
        time.sleep(0.05)
    pool.close()
    assert running.result().died and waiting.cancelled()


FORGERY = """\
import builtins, glob, os, sys
import numpy, pytools, pytools.exercise, pytools.scoring, pytools.grading.inside as inside
from IPython.display import display, HTML

class Always(numpy.ndarray):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    def __array_function__(self, *rest): return True
    def __array_ufunc__(self, *rest, **more): return True

class Equal:
    __eq__ = __le__ = __lt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = __iter__ = lambda self, *other: self
    __next__ = lambda self: self

numpy.allclose = numpy.array_equal = lambda *rest, **more: True
pytools.check = lambda *rest, **more: 2.0
pytools.scoring.score = lambda *rest: None
pytools.scoring.close = lambda *rest: True
answer = inside.answer

def forged(path, *rest):
    answer(path, *rest)
    display(HTML("<b>2 of 2 points</b>"))
    print("full marks")
    return 2.0

inside.answer = forged

def graph_gradients(x, y, z):
    return Equal(), x.view(Always), Equal(), Equal()

def matmul_backward(grad, a, b):
    return numpy.zeros((2, 2)).view(Always), Equal()
"""


def test_a_patched_kernel_earns_nothing(run):
    """What the kernel prints, shows or returns in a test cell does not survive."""
    _, result, notebook = run(graph_gradients=FORGERY, matmul_backward="check = None")
    assert points(result) == [0.0, 0.0]
    for cell in notebook.cells:
        if cell.get("id") in (SUM, PRODUCT):
            assert "2 of 2" not in str(cell.outputs) and "full marks" not in str(cell.outputs)
            assert cell.outputs[-1].data["text/plain"] == "0.0"


SPOILED = """\
import os, sys
from pathlib import Path
import pytools.grading.inside as inside

def spoil(path, *rest):
    name = Path(path).name
    if "0.npz" in name:
        os.mkfifo(path)
    else:
        os.symlink("/dev/zero", path)

inside.answer = spoil
"""


def test_answers_that_are_no_files(run):
    """Reading them would never end; they are found unreadable, and a person looks."""
    _, result, _ = run(matmul_backward=SPOILED)
    assert points(result) == [2.0, 0.0]
    assert result.marks[1].finding == "unreadable"
    assert result.status == REVIEW


def test_answers_that_fill_the_grader_s_memory(run, monkeypatch):
    """Each would be small enough, all together are not: the last one is not read."""
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    write = "open(path, 'wb').write(bytes(60_000))"
    source = f"import pytools.grading.inside as inside\ninside.answer = lambda path, *r: {write}"
    execution, result, _ = run(matmul_backward=source)
    assert list(execution.answers) == [(SUM, 0), (SUM, 1), (PRODUCT, 0)]
    assert (result.status, points(result)) == (REVIEW, [2.0, 0.0])


def test_a_released_cell_without_code(mini, sandbox):
    plan = plan_of(mini)
    notebook = fill(plan.released, ANSWERS)
    notebook.cells.insert(2, new_code_cell(""))
    execution = execute(notebook, plan, Options(seconds=30, sandbox=sandbox))
    assert len(execution.answers) == 4 and not execution.died


def test_garbage_for_answers(run):
    write = "open(path, 'wb').write(b'PK\\x03\\x04 nothing')"
    source = f"import pytools.grading.inside as inside\ninside.answer = lambda path, *r: {write}"
    _, result, _ = run(matmul_backward=source)
    assert points(result) == [2.0, 0.0]
    assert result.marks[1].finding == "unreadable"
