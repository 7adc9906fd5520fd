"""Points from packed answers, and the trusted cell that nbgrader then reads."""

import numpy as np
import pytest
from classroom import answered, mini_notebook, plan_of, right, submit
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade

from pytools.exercise import Fault, Outcome
from pytools.grading import marking
from pytools.grading.marking import mark
from pytools.grading.preflight import preflight
from pytools.grading.results import FAILED, GRADED, REVIEW
from pytools.transport import pack

SUM, PRODUCT = "backprop-graph_gradients", "backprop-matmul_backward"


def right_sum(x, y, z):
    return np.sum(x * y + z), y, x, np.ones_like(z)


def right_product(grad, a, b):
    return grad @ b.T, a.T @ grad


def own_factor(x, y, z):
    print("<script>alert(1)</script>")
    return np.sum(x * y + z), x, y, np.ones_like(z)


@pytest.fixture
def give(mini):
    """Mark these functions; the result and the test cells by name."""

    def give(
        sum_=right_sum,
        product=right_product,
        change=lambda execution: None,
        failed="",
        again=frozenset(),
    ):
        plan = plan_of(mini)
        submission = preflight(submit(mini, "ada", right(mini_notebook())), plan)
        submission.failed, submission.again = failed, again
        execution = None
        if not failed:
            attempts = {"graph_gradients": sum_, "matmul_backward": product}
            execution = answered(plan, submission, attempts)
            change(execution)
        result, notebook = mark("ada", plan, submission, execution)
        return result, {cell.id: cell for cell in notebook.cells}

    return give


def grade_of(cell):
    """What nbgrader takes from the cell."""
    return determine_grade(cell)[0]


def test_right_answers(give):
    result, cells = give()
    assert (result.status, result.points, result.out_of) == (GRADED, 5.0, 5.0)
    assert [grade_of(cells[name]) for name in (SUM, PRODUCT)] == [2.0, 3.0]
    assert "2 of 2 points" in cells[SUM].outputs[0].data["text/html"]


def test_a_misconception_is_named_with_its_hint(give):
    result, cells = give(own_factor)
    assert [given.points for given in result.marks] == [0.0, 3.0]
    given = result.marks[0]
    assert given.finding == "own_factor" and given.hint.startswith("Move one entry of x")
    page = cells[SUM].outputs[0].data["text/html"]
    assert "own factor" in page and given.hint in page
    assert "Expected" not in page and "<script>" not in page and "&lt;script&gt;" in page
    assert grade_of(cells[SUM]) == 0.0


def test_the_least_of_all_checks_counts_and_hidden_cases_stay_hidden(give, mini):
    """Right for the seed that students see, wrong for the other."""
    seen = {x.tobytes() for x in seen_inputs(plan_of(mini))}

    def learnt_by_heart(x, y, z):
        return right_sum(x, y, z) if x.tobytes() in seen else own_factor(x, y, z)

    result, cells = give(learnt_by_heart)
    assert result.marks[0].points == 0.0
    page = cells[SUM].outputs[0].data["text/html"]
    assert "Finding" in page
    assert "Called" not in page and "Came back" not in page and "Printed" not in page


def seen_inputs(plan):
    from pytools import exercises

    check = plan.tests[0].checks[0]
    cases = exercises.get(check.exercise_id).cases(np.random.default_rng(check.seed))
    return [case.args[0] for case in cases]


def test_partial_credit(give):
    def not_for_one_dimension(x, y, z):
        return right_sum(x, y, z) if x.ndim > 1 else None

    result, cells = give(not_for_one_dimension)
    assert 0 < result.marks[0].points < 2
    assert grade_of(cells[SUM]) == result.marks[0].points


def test_hostile_texts_are_tamed(give):
    def change(execution):
        fault = Fault("raised", "\ud800\0" + "x" * 100_000, "ValueError")
        for number in range(2):
            execution.answers[SUM, number] = pack([Outcome(fault=fault)])

    result, cells = give(change=change)
    assert result.marks[0].points == 0.0
    assert len(result.marks[0].text) <= 1_000 and "\0" not in result.marks[0].text
    (str(cells[SUM].outputs) + result.marks[0].text).encode("utf-8")


def test_a_page_with_outputs_runs_nothing(give):
    """formgrader shows it with the rights of whoever grades."""
    script, picture = "<script>alert(1)</script>", {"alt": "a line", "width": "1 onload=alert(1)"}
    data = {"text/plain": "a figure", "image/png": "iVBO", "text/html": script}
    data |= {"application/javascript": "alert(1)", "image/svg+xml": script, "text/latex": script}

    def change(execution):
        shown = new_output("display_data", data=data, metadata={"image/png": picture})
        execution.notebook.cells[2].outputs = [shown]

    _, cells = give(change=change)
    (output,) = cells[f"{SUM}-solution"].outputs
    assert output.data == {"text/plain": "a figure", "image/png": "iVBO"}
    assert output.metadata == {"image/png": {"alt": "a line"}}


@pytest.mark.parametrize("attempt, status", [(own_factor, REVIEW), (right_sum, GRADED)])
def test_a_lost_mark_is_looked_at_where_a_left_out_cell_defines_the_same(give, attempt, status):
    result, _ = give(attempt, again={f"{SUM}-solution"})
    assert result.status == status
    assert ("which was left out, defines it again" in result.reason) == (status == REVIEW)


def test_missing_answers_are_looked_at(give):
    result, _ = give(change=lambda execution: execution.answers.pop((SUM, 1)))
    assert (result.status, result.marks[0].points) == (REVIEW, 0.0)
    assert result.marks[0].finding == "unreadable"


def test_an_undone_check_has_no_mark_and_no_free_points(give):
    """nbgrader gives a cell without output full points."""
    result, cells = give(change=lambda execution: execution.undone.update({SUM: "Stopped."}))
    assert (result.status, result.reason) == (REVIEW, "Stopped.")
    assert [given.points for given in result.marks] == [None, 3.0]
    assert grade_of(cells[SUM]) == 0


def test_a_failed_submission_has_no_marks(give):
    result, cells = give(failed="It is a poem.")
    assert (result.status, result.reason, result.points) == (FAILED, "It is a poem.", None)
    assert all(given.points is None for given in result.marks)
    assert [grade_of(cells[name]) for name in (SUM, PRODUCT)] == [0, 0]


def test_our_own_fault_is_nobodys_zero(give, monkeypatch):
    def broken(*arguments):
        raise ZeroDivisionError("scoring is broken")

    monkeypatch.setattr(marking, "score", broken)
    result, _ = give()
    assert result.status == REVIEW and "scoring is broken" in result.reason
    assert [given.points for given in result.marks] == [None, None]
