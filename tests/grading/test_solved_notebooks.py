"""Each notebook of the course, solved as its source solves it, earns full marks in the sandbox.

Its kernel does without the rooms of pytools that the plan leaves out. A cell that needs one of them
all the same, or a module of pytools that does, would cost every student their points.
"""

import nbformat
import pytest
from cells import needs_sandbox
from classroom import REPOSITORY, fill, plan_of, right

from pytools import build
from pytools.grading.execute import execute
from pytools.grading.marking import mark
from pytools.grading.options import Options
from pytools.grading.preflight import Submission
from pytools.grading.results import GRADED

pytestmark = [needs_sandbox, pytest.mark.xdist_group("solved notebooks")]  # one warm template

NAMES = [name for name in build.notebook_names(REPOSITORY) if name != "00_start_here"]  # no tests


@pytest.mark.parametrize("name", NAMES)
def test_a_solved_notebook_earns_full_marks(name):
    plan = plan_of(REPOSITORY, name)
    answers = right(nbformat.read(build.Paths(REPOSITORY, name).pair, as_version=4))
    submission = Submission(fill(plan.released, answers))
    execution = execute(submission.notebook, plan, Options())
    assert [*errors(execution.notebook)] == []
    result, _ = mark("ada", plan, submission, execution)
    assert (result.status, result.reason, result.notes) == (GRADED, "", [])
    assert [given.points for given in result.marks] == [test.points for test in plan.tests]


def errors(notebook):
    """What cells stopped with, those that hold nothing to be marked among them."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"{cell.id}: {output.ename}: {output.evalue}"
