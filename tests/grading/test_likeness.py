"""The same code under other names is found; the same idea in other code is not."""

import ast
import copy
import json

import pytest
from classroom import SUM, check_cell, solution_cell
from nbformat.v4 import new_notebook

from pytools.grading.likeness import SHORTEST, alike, fingerprint, read_notebooks

CODE = """\
def unbroadcast(grad, shape):
    # sum over what was stretched
    extra = grad.ndim - len(shape)
    for axis in range(extra):
        grad = grad.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad
"""
RENAMED = '''\
def unbroadcast(g: np.ndarray, s) -> np.ndarray:
    """My own work."""
    more = (g.ndim
            - len(s))
    for i in range(more):
        g = g.sum(axis=0)
    for i, n in enumerate(s):
        if n == 1: g = g.sum(axis=i, keepdims=True)
    return g
'''
CHANGES = {
    "another number": ("size == 1", "size == 2"),
    "another function": ("grad.sum(axis=0)", "grad.mean(axis=0)"),
    "names swapped": ("enumerate(shape)", "enumerate(grad)"),
    "another order": ("len(shape)", "0"),
    "one line more": ("    return grad", "    grad = grad + 0\n    return grad"),
}


def test_names_comments_and_layout_do_not_count():
    assert fingerprint(CODE)[0] == fingerprint(RENAMED)[0]
    assert fingerprint(CODE)[1] == 8


def test_arguments_of_its_own_functions_by_name():
    helper = "def half(x, y):\n    return x / y\n\n\nhalf(x=1, y=2)\n"
    other = "def part(a, b):\n    return a / b\n\n\npart(a=1, b=2)\n"
    assert fingerprint(CODE + helper) == fingerprint(CODE + other)
    assert fingerprint(CODE + helper) != fingerprint(CODE + other.replace("a=1, b=2", "b=1, a=2"))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_does_count(change):
    assert fingerprint(CODE.replace(*change))[0] != fingerprint(CODE)[0]


def test_short_cells_do_not_count():
    assert (
        fingerprint("def matmul_backward(grad, a, b):\n    return grad @ b.T, a.T @ grad") is None
    )
    assert fingerprint("") is None


@pytest.mark.parametrize(
    "source", ["def f(:", "x = '\0'", "-" * 50_000 + "1", "x = 1\n" * 50_000, "# only\n" * 99]
)
def test_what_is_no_code_or_too_much(source):
    assert fingerprint(source) is None


def test_what_the_release_gives_does_not_count():
    given = "\n".join(f"print({k})" for k in range(SHORTEST))
    assert fingerprint(given) is not None
    assert (
        fingerprint(given, [ast.dump(s, annotate_fields=False) for s in ast.parse(given).body])
        is None
    )


def notebook(first, second):
    cells = [solution_cell("unbroadcast", first), check_cell("unbroadcast", 2)]
    return new_notebook(cells=[*cells, solution_cell("two_layer_loss", second)])


STUB = "def unbroadcast(grad, shape):\n    raise NotImplementedError\n\n\ncheck('a', unbroadcast)"
OTHER = CODE.replace("unbroadcast", "two_layer_loss")
FIRST, SECOND = "backprop-unbroadcast-solution", "backprop-two_layer_loss-solution"


def test_groups_of_a_class():
    checked = f"{RENAMED}\n\ncheck('a', unbroadcast)\n"
    group = {
        "ada": notebook(CODE, SUM),
        "bob": notebook(STUB, SUM),
        "cleo": notebook(RENAMED, OTHER),
        "dora": notebook(checked, OTHER.replace("grad", "upstream")),
        "emil": notebook(CODE.replace("size == 1", "1 == size"), "def two_layer_loss(:"),
        "finn": notebook(STUB, OTHER),
    }
    rows = alike(notebook(STUB, SUM), group)
    assert [(row.students, row.cells, row.lines) for row in rows] == [
        (["ada", "cleo", "dora"], [FIRST], 8),
        (["cleo", "dora", "finn"], [SECOND], 8),
    ]


def test_two_who_share_everything_are_one_row():
    rows = alike(notebook(STUB, SUM), dict.fromkeys(("ada", "bob"), notebook(CODE, OTHER)))
    assert [(row.students, row.cells, row.lines) for row in rows] == [
        (["ada", "bob"], [FIRST, SECOND], 16)
    ]


def test_nobody_is_changed():
    group = {name: notebook(CODE, OTHER) for name in ("ada", "bob")}
    before = copy.deepcopy(group)
    alike(notebook(STUB, SUM), group)
    assert group == before


def test_notebooks_that_are_missing_or_broken_are_left_out(tmp_path):
    (tmp_path / "ada.ipynb").write_text(json.dumps(notebook(CODE, OTHER)))
    (tmp_path / "bob.ipynb").write_text("{")
    paths = {name: tmp_path / f"{name}.ipynb" for name in ("ada", "bob", "cleo")}
    assert list(read_notebooks(paths)) == ["ada"]
