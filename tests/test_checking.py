"""`check` as a student meets it: quiet when right, a reason when wrong, points in a graded cell."""

import json
import sys

import numpy as np
import pytest

from pytools import CheckFailed, check, checking, exercises, progress


def right(a, b):
    return np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))


def wrong(a, b):
    return np.max(np.abs(a - b))


@pytest.fixture(autouse=True)
def _no_failures_yet():
    checking._failures.clear()


def test_right_attempt_returns_none_and_prints_a_short_table(capsys):
    assert check("backprop.relative_error", right) is None
    out = capsys.readouterr().out
    assert "✓ backprop.relative_error: right" in out and len(out.splitlines()) <= 4


def test_wrong_attempt_raises_with_call_result_expected_and_finding():
    with pytest.raises(CheckFailed) as failure:
        check("backprop.relative_error", wrong)
    text = str(failure.value)
    for part in ("relative_error(a, b)", "Came back", "Expected", "Finding", "absolute error"):
        assert part in text
    assert isinstance(failure.value, AssertionError)
    assert failure.value.score.finding.name == "absolute_error"


def test_help_grows_with_failures_in_a_row_and_starts_again_after_a_pass():
    hint = "where does that enter?"

    def fail():
        with pytest.raises(CheckFailed) as failure:
            check("backprop.relative_error", wrong)
        return str(failure.value)

    first, second, third = fail(), fail(), fail()
    assert hint not in first and "Read again" not in first
    assert hint in second and "Read again" not in second
    assert hint in third and "section 2. Trust nothing" in third
    check("backprop.relative_error", right)
    assert hint not in fail()


def test_graded_cell_returns_points_and_shows_no_expected_value(capsys):
    earned = check("backprop.relative_error", wrong, points=4, seed=7)
    out = capsys.readouterr().out
    assert earned == 0.0 and isinstance(earned, float)
    assert "0 of 4 points" in out and "Expected" not in out
    assert check("backprop.relative_error", right, points=4, seed=7) == 4.0


def test_partial_credit_where_only_edge_cases_fail():
    def no_guard(a, b):
        return np.max(np.abs(a - b) / (np.abs(a) + np.abs(b)))

    assert 0 < check("backprop.relative_error", no_guard, points=4, seed=1) < 4


def test_validate_gets_the_reason_and_no_expected_value(monkeypatch):
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    with pytest.raises(CheckFailed, match="0 of 4 points") as failure:
        check("backprop.relative_error", wrong, points=4, seed=7)
    assert "Finding" in str(failure.value) and "Expected" not in str(failure.value)
    assert check("backprop.relative_error", right, points=4, seed=7) == 4.0


def test_expected_values_of_a_graded_cell_are_in_no_representation():
    exercise = exercises.get("backprop.relative_error")
    from pytools.exercise import collect
    from pytools.scoring import score
    from pytools.table import Table

    result = score(exercise, collect(exercise, wrong, 7), 7)
    expected = result.expected.split("= ")[1]
    shown = Table(result, 4.0, help_level=3)
    assert expected not in shown.text() and expected not in shown.html()
    assert expected in Table(result).text()


@pytest.mark.parametrize(
    "attempt, kind",
    [
        (lambda a, b: None, "none"),
        (lambda a, b: (1.0, 2.0), "shape"),
        (lambda a, b: "0.5", "numbers"),
        (lambda a, b: np.nan, "nan"),
        (lambda a, b: 1 / 0, "raised"),
        (lambda a, b: sys.exit(0), "raised"),
        (lambda a, b: 1j, "numbers"),
        (0.5, "callable"),
        (None, "callable"),
    ],
)
def test_general_findings(attempt, kind):
    with pytest.raises(CheckFailed) as failure:
        check("backprop.relative_error", attempt)
    assert failure.value.score.finding.name == kind


def test_raised_error_shows_the_students_own_line():
    def attempt(a, b):
        return a @ np.ones(77)

    with pytest.raises(CheckFailed, match=r"ValueError.*return a @ np.ones\(77\)"):
        check("backprop.relative_error", attempt)


def test_blank_is_said_to_be_blank():
    def attempt(a, b):
        raise NotImplementedError

    with pytest.raises(CheckFailed, match="not written yet"):
        check("backprop.relative_error", attempt)


def test_what_the_attempt_prints_is_shown_with_the_failing_case_only(capsys):
    def attempt(a, b):
        print("my own trace")
        return wrong(a, b)

    with pytest.raises(CheckFailed) as failure:
        check("backprop.relative_error", attempt)
    assert str(failure.value).count("my own trace") == 1
    assert "my own trace" not in capsys.readouterr().out


class Equal:
    """Equal to everything, and nothing like an array."""

    __array_ufunc__ = None

    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0

    __hash__ = None


class Liar(np.ndarray):
    """An array that says that it is close to anything."""

    def __array_ufunc__(self, *args, **kwargs):
        return np.zeros(1)

    def __eq__(self, other):
        return True


def zeroes_its_input(x, y, z):
    for array in (x, y, z):
        array[:] = 0
    return 0.0, x, y, z


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x, y, z: Equal(),
        lambda x, y, z: (Equal(),) * 4,
        lambda x, y, z: (0.0, *(np.zeros(x.shape).view(Liar) for _ in range(3))),
        zeroes_its_input,
        lambda x, y, z: {"c": 1},
        lambda x, y, z: np.ma.masked_all((4, 2)),
    ],
)
def test_a_liar_earns_nothing(attempt):
    assert check("backprop.graph_gradients", attempt, points=4, seed=7) == 0.0


def test_patching_numpy_earns_nothing(monkeypatch):
    def attempt(x, y, z):
        for name in ("allclose", "isclose", "array_equal"):
            monkeypatch.setattr(np, name, lambda *a, **k: True)
        return 0.0, x, y, z

    assert check("backprop.graph_gradients", attempt, points=4, seed=7) == 0.0


def test_changed_input_and_unsteady_results_are_found():
    def changes(x, y, z):
        result = np.sum(x * y + z), y.copy(), x.copy(), np.ones_like(z)
        x += 1
        return result

    calls = []

    def unsteady(x, y, z):
        calls.append(1)
        return np.sum(x * y + z) + len(calls), y, x, np.ones_like(z)

    assert _finding(changes) == "changed"
    assert _finding(unsteady) in ("unsteady", "value")


def _finding(attempt):
    with pytest.raises(CheckFailed) as failure:
        check("backprop.graph_gradients", attempt)
    return failure.value.score.finding.name


def test_unknown_exercise_and_bad_points_are_named():
    with pytest.raises(exercises.UnknownExercise, match=r"Did you mean .backprop\.relative_error"):
        check("backprop.relativ_error", right)
    with pytest.raises(ValueError, match="points must be greater than 0, got -1"):
        check("backprop.relative_error", right, points=-1)


def test_board_shows_the_last_check_and_survives_a_cut_off_log():
    check("backprop.relative_error", right)
    with pytest.raises(CheckFailed):
        check("backprop.unbroadcast", lambda grad, shape: grad)
    with progress.log_file().open("a") as log:
        log.write('{"id": "backprop.unbr')
    board = progress.board()
    assert board.state["backprop.relative_error"] == "passed"
    assert board.state["backprop.unbroadcast"] == "tried"
    assert board.state["backprop.matmul_backward"] == "open"
    assert "✓ relative_error" in repr(board) and "relative_error" in board._repr_html_()


def test_log_holds_one_line_a_check_and_an_unwritable_one_stops_nothing(tmp_path, monkeypatch):
    check("backprop.relative_error", right)
    (line,) = progress.log_file().read_text().splitlines()
    assert json.loads(line)["finding"] is None
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("COURSE_HOME", str(blocked / "below"))
    check("backprop.relative_error", right)
