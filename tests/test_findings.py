"""What a finding says of the numbers alone, and that it says no more than they show."""

import numpy as np
import pytest

from pytools import CheckFailed, check
from pytools.findings import show, value_finding


def finding(got, want):
    return value_finding("r", {"r": np.asarray(got)}, {"r": np.asarray(want)})


def test_transposed_is_said_of_a_transposed_result():
    square = np.random.default_rng(0).standard_normal((4, 4))
    assert finding(square.T, square).name == "transposed"


def test_transposed_is_not_said_of_a_nearly_right_symmetric_result():
    a = np.random.default_rng(0).standard_normal((4, 4))
    symmetric = a + a.T
    assert finding(symmetric * (1 + 3e-5), symmetric).name == "value"
    noisy = symmetric + 3e-5 * np.random.default_rng(1).standard_normal((4, 4))
    assert finding(noisy, symmetric).name == "value"


def test_a_factor_is_said_of_a_loss_and_of_an_array_but_not_of_a_share():
    assert finding(4 * 0.7312845, 0.7312845).name == "factor"
    assert finding([0.25, 0.5], [1.0, 2.0]).name == "factor"
    assert finding([3], [9]).name == "value"  # ids
    assert finding([1e-310, 2e-310], [1.0, 2.0]).name == "value"  # 1 / ratio is no number
    assert finding(1.0, 0.25).name == finding(3 / 7, 1 / 7).name == "value"


@pytest.mark.parametrize(("got", "want"), [(1.0, np.inf), (np.inf, 1.0), (1.0, np.nan)])
def test_infinite_numbers_have_a_finding_too(got, want):
    assert finding(got, want).name in ("value", "nan")


def test_zero_has_no_sign():
    assert show(np.array([-0.0, 1.0])) == "[0., 1.]"


def test_one_whole_number_ends_without_a_point():
    assert show(np.array(1.0), "n = ") == "n = 1"
    assert show(np.array(0.5)) == "0.5" and show(np.array([1.0, 2.0])) == "[1., 2.]"


def said(exercise_id, attempt):
    with pytest.raises(CheckFailed) as failure:
        check(exercise_id, attempt)
    return failure.value.score.finding.text


def test_the_number_of_results_is_what_is_wrong_with_a_tuple_or_a_dict():
    assert "2 results, not one" in said("backprop.relative_error", lambda a, b: (a, b[:1]))
    text = said("backprop.matmul_backward", lambda grad, a, b: {"grad_a": a, "grad_b": b})
    assert "one dict, not 2 results" in text


def test_a_wrong_result_that_differs_from_call_to_call_is_said_to():
    calls = []

    def attempt(a, b):
        calls.append(0)
        return float(len(calls))

    assert "two different results" in said("backprop.relative_error", attempt)


def hint(exercise_id, attempt, seed):
    for _ in range(2):  # the hint comes with the second failure
        with pytest.raises(CheckFailed) as failure:
            check(exercise_id, attempt, seed=seed)
    return failure.value.score.finding.hint


def test_paper_is_for_small_cases():
    small = hint("backprop.relative_error", lambda a, b: 0.123, 0)
    assert "on paper" in small

    def wrong_where_large(h):
        return np.mean(np.all(h <= 0, axis=0)) + 0.013 * (h.size > 20)

    assert "small case" in hint("classifiers.dead_relu_fraction", wrong_where_large, 0)


def test_nan_hint_speaks_of_infinity():
    text = hint("backprop.relative_error", lambda a, b: np.nan, 0)
    assert "∞ − ∞" in text and "∞ · 0" in text
