"""What leaves a kernel: plain arrays without pickle, read back with suspicion."""

import io
import json
import sys
import zipfile

import numpy as np
import pytest

from pytools import exercises
from pytools.exercise import Fault, Outcome, Unusable, collect, flatten
from pytools.scoring import score
from pytools.transport import pack, unpack


def test_pack_and_unpack_give_the_same_outcomes():
    outcomes = [
        Outcome({"a": np.arange(6.0).reshape(2, 3), "b": np.float32(1.5)}, printed="hello"),
        Outcome(fault=Fault("raised", "ValueError: no", "ValueError"), changed=("x",)),
        Outcome({"a": np.array([np.nan, np.inf])}, unsteady=True),
    ]
    back = unpack(pack(outcomes))
    for before, after in zip(outcomes, back, strict=True):
        assert before.fault == after.fault and before.changed == after.changed
        assert before.unsteady == after.unsteady and before.printed == after.printed
        for name, array in before.arrays.items():
            np.testing.assert_array_equal(array, after.arrays[name])
            assert np.asarray(array).dtype == after.arrays[name].dtype


@pytest.mark.parametrize("exercise_id", exercises.ids())
def test_score_is_the_same_through_the_file(exercise_id):
    exercise = exercises.get(exercise_id)
    for attempt in [exercise.reference, *(m.wrong for m in exercise.misconceptions)]:
        outcomes = collect(exercise, attempt, 5)
        direct, through = score(exercise, outcomes, 5), score(exercise, unpack(pack(outcomes)), 5)
        assert direct == through


def _npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", b"\0" * 10**7)
    return buffer.getvalue()


def _endless_header() -> bytes:
    """A few bytes, which written out as text would fill any memory."""
    buffer, entry = io.BytesIO(), io.BytesIO()
    about = {"descr": "|S0", "fortran_order": False, "shape": (2,) * 32}
    np.lib.format.write_array_header_1_0(entry, about)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("header.npy", entry.getvalue())
    return buffer.getvalue()


ROW = {"names": ["a"], "fault": None, "changed": [], "unsteady": False, "printed": ""}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a zip file",
        _npz(other=np.zeros(3)),
        _npz(header=np.array("[{]")),
        _npz(header=np.array(json.dumps([ROW]))),
        _npz(header=np.array(json.dumps([ROW])), **{"0.a": np.array(["text"])}),
        _npz(header=np.array(json.dumps({"names": 1}))),
        _npz(header=np.array(json.dumps([{**ROW, "names": ["a"] * 2}])), **{"0.a": np.zeros(3)}),
        _bomb(),
        _endless_header(),
    ],
)
def test_odd_bytes_are_a_value_error(data):
    with pytest.raises(ValueError, match="not a readable answer"):
        unpack(data)


def test_pickled_objects_are_refused():
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="not a readable answer"):
        unpack(buffer.getvalue())


def test_forged_outcomes_earn_nothing():
    """Whatever a patched collect sends, only right arrays for this seed count."""
    exercise = exercises.get("backprop.topological_order")
    for order in (np.array([np.nan]), np.zeros((3, 3)), np.array([]), np.full(6, -1)):
        outcomes = [Outcome({"order": order})] * 8
        assert score(exercise, outcomes, 1).points(4) == 0.0
    assert score(exercise, [], 1).points(4) == 0.0
    right_for_another_seed = collect(exercise, exercise.reference, 2)
    assert score(exercise, right_for_another_seed, 1).points(4) == 0.0


def test_collecting_needs_no_answers(monkeypatch):
    """The sandbox leaves the folder of references and wrong solutions out."""
    exercise = exercises.get("backprop.relative_error")
    monkeypatch.setitem(sys.modules, exercise.answers, None)
    outcomes = collect(exercise, lambda a, b: 0.0, 1)
    assert outcomes[0].arrays["error"] == 0.0
    with pytest.raises(ImportError):
        _ = exercise.reference


def test_every_case_gets_fresh_arguments():
    """An attempt that ruins its arguments ruins no later case and no reference."""
    exercise = exercises.get("backprop.matmul_backward")

    def attempt(grad, a, b):
        result = grad @ b.T, a.T @ grad
        for array in (grad, a, b):
            array[:] = np.nan
        return result

    result = score(exercise, collect(exercise, attempt, 1), 1)
    assert result.finding.name == "changed"


def test_a_row_of_two_numbers_stands_for_two_results():
    both = flatten(np.array([1.0, 2.0]), ("cer", "wer"))
    assert (both["cer"], both["wer"]) == (1.0, 2.0)
    with pytest.raises(Unusable, match="one ndarray, not 2 results"):
        flatten(np.ones((2, 3)), ("cer", "wer"))
