"""Broken submissions and ten honest ones in one batch: each has a word, none stops another."""

import html
import json
import os
import re
import shutil

import pytest
from classroom import CHECKS, course, nbgrader, submit
from nbformat.v4 import new_code_cell
from ten import RIGHT, TEN, assert_ten_untouched, hand_in_ten, results, scores

from pytools.cli import SOME_OPEN

pytestmark = pytest.mark.xdist_group("broken")  # graded once, by one worker

FIRST, SECOND = "backprop-graph_gradients", "backprop-matmul_backward"


# --- changed notebooks: student -> what was done to it, and what grading says ----------------


def named(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def edit_tests(notebook):
    for name in (FIRST, SECOND):
        named(notebook, name).source = "print('full marks')\n5.0"


def double_tests(notebook):
    notebook.cells += [named(notebook, FIRST), named(notebook, SECOND)]


def delete_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if "check(" not in cell.source]


def retype_tests(notebook):
    named(notebook, FIRST).cell_type = "markdown"
    named(notebook, SECOND).cell_type = "raw"


def reorder(notebook):
    notebook.cells.reverse()


def pay_more(notebook):
    named(notebook, FIRST).metadata.nbgrader.points = 1000


def schema(version):
    def edit(notebook):
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader.schema_version = version

    return edit


def same_ids(notebook):
    for cell in notebook.cells:
        cell.id = "same"


def strip(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


def not_a_number(notebook):
    notebook.metadata.loss = float("nan")
    named(notebook, FIRST).metadata.nbgrader.points = float("inf")


def large_outputs(notebook):
    text = {"output_type": "stream", "name": "stdout", "text": "0123456789\n" * 1_800_000}
    named(notebook, f"{FIRST}-solution").outputs = [text]


def two_solutions(notebook):
    original = named(notebook, f"{FIRST}-solution")
    notebook.cells.append(new_code_cell("def graph_gradients(*a): ...", metadata=original.metadata))


def no_solution(notebook):
    notebook.cells.remove(named(notebook, f"{SECOND}-solution"))


USED = "the released ones were used"
CHANGED = {
    "edited": (edit_tests, 5, f"Test cells edited, {USED}: {FIRST}, {SECOND}."),
    "doubled": (double_tests, 5, f"Test cells there more than once, {USED}: {FIRST}, {SECOND}."),
    "deleted": (delete_tests, 5, f"Test cells missing, {USED}: {FIRST}, {SECOND}."),
    "retyped": (retype_tests, 5, f"Test cells of another type, {USED}: {FIRST}, {SECOND}."),
    "reordered": (reorder, 5, ""),
    "paid": (pay_more, 5, f"Test cells with other points, {USED}: {FIRST}."),
    "schema 1": (schema(1), 5, ""),
    "schema 99": (schema(99), 5, ""),
    "ids": (same_ids, 5, ""),
    "stripped": (strip, 5, "Solution cells without their name, found by their function"),
    "NaN": (not_a_number, 5, f"Test cells with other points, {USED}: {FIRST}."),
    "outputs": (large_outputs, 5, ""),
    "twice": (two_solutions, 3, "is there 2 times, with different content"),
    "forgotten": (no_solution, 2, f"The solution cell '{SECOND}-solution' is missing."),
}
LOOKED_AT = ("twice", "forgotten")


# --- folders and files: student -> how it is made, and why it cannot be graded ---------------


def good(root):
    return (root / "submitted" / "ada" / "mini" / "mini.ipynb").read_bytes()


def bytes_of(data):
    def make(root, folder):
        folder.mkdir()
        (folder / "mini.ipynb").write_bytes(data)

    return make


def large(root, folder):
    folder.mkdir()
    with (folder / "mini.ipynb").open("wb") as file:
        file.truncate(50 * 2**20)


def link(target):
    def make(root, folder):
        folder.mkdir()
        (folder / "mini.ipynb").symlink_to(str(target).format(root=root))

    return make


def folder_link(target):
    return lambda root, folder: folder.symlink_to(target)


def two(root, folder):
    folder.mkdir()
    for name in ("first.ipynb", "second.ipynb"):
        (folder / name).write_bytes(good(root))


def a_file(root, folder):
    folder.write_text("here it is")


def a_folder(root, folder):
    (folder / "mini.ipynb").mkdir(parents=True)


def a_pipe(root, folder):
    folder.mkdir()
    os.mkfifo(folder / "mini.ipynb")


def old_format(root, folder):
    cell = {"cell_type": "code", "language": "python", "outputs": [], "metadata": {}}
    cells = [{**cell, "input": source} for source in RIGHT.values()]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    bytes_of(json.dumps(old).encode())(root, folder)


def utf16(root, folder):
    bytes_of(good(root).decode().encode("utf-16"))(root, folder)


def with_bom(root, folder):
    bytes_of(good(root).decode().encode("utf-8-sig"))(root, folder)


def another_name(root, folder):
    folder.mkdir()
    (folder / "Übung 1 – 最終 (2).ipynb").write_bytes(good(root))


UNUSABLE = {
    "no UTF-8": (bytes_of(b'{"cells": "\xe4"}'), "is not UTF-8 text (byte 11 is 0xe4)"),
    "large": (large, "has 50 MB; the limit is 32 MB. Clear its outputs"),
    "link out": (link("{root}/nbgrader_config.py"), "mini.ipynb is a link, not a file"),
    "link to ada": (link("../../ada/mini/mini.ipynb"), "mini.ipynb is a link, not a file"),
    "dangling": (link("nowhere"), "mini.ipynb is a link, not a file"),
    "as ada": (folder_link("../ada/mini"), "mini is a link, not a folder of its own"),
    "loop": (folder_link("mini"), "mini is a link, not a folder of its own"),
    "two": (two, "no mini.ipynb, and several others: first.ipynb, second.ipynb"),
    "empty": (bytes_of(b""), "mini.ipynb is empty"),
    "no cells": (bytes_of(b'{"cells": []}'), "No solution cell of mini is in it"),
    "cut off": (bytes_of(b'{\n "cells": [\n'), "broken JSON (line 3, column 1"),
    "deep": (bytes_of(b'{"cells":' + b"[" * 100_000), "it is nested too deeply"),
    "a file": (a_file, "mini is a file, not a folder with mini.ipynb in it"),
    "a folder": (a_folder, "mini.ipynb cannot be read: Is a directory"),
    "a pipe": (a_pipe, "mini.ipynb cannot be read: it is no plain file"),
}
USABLE = {
    "format 3": (old_format, "The notebook had the old format 3."),
    "UTF-16": (utf16, "The file was UTF-16 text, not UTF-8."),
    "BOM": (with_bom, ""),
    "Zoë Ångström 最": (another_name, "The notebook is called Übung 1 – 最終 (2).ipynb"),
}


# --- the batch -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(mini_template, tmp_path_factory):
    """The course after one `course grade` of everybody; `.said` is what the program printed."""
    root = tmp_path_factory.mktemp("broken") / "course"
    shutil.copytree(mini_template, root)
    hand_in_ten(root)
    for student, (edit, _, _) in CHANGED.items():
        submit(root, student, RIGHT, edit=edit)
    for student, (make, _) in (UNUSABLE | USABLE).items():
        (root / "submitted" / student).mkdir()
        make(root, root / "submitted" / student / "mini")
    done = course(root, "grade", "mini")
    assert done.returncode == SOME_OPEN, done.stderr
    return root, done


def test_the_ten_are_untouched(graded):
    assert_ten_untouched(graded[0])


def test_everybody_has_one_line_and_nothing_else_is_said(graded):
    root, done = graded
    everybody = {*TEN, *CHANGED, *UNUSABLE, *USABLE}
    assert set(results(root)) == everybody
    assert len(done.stdout.splitlines()) == len(everybody) + 1
    assert done.stderr == "" and "Traceback" not in done.stdout
    graded_ones = len(everybody) - len(UNUSABLE) - len(LOOKED_AT)
    counts = f"{graded_ones} graded, {len(LOOKED_AT)} needs review, {len(UNUSABLE)} failed"
    assert counts in done.stdout


@pytest.mark.parametrize("student", CHANGED)
def test_a_changed_notebook_is_put_right(graded, student):
    _, points, said = CHANGED[student]
    row = results(graded[0])[student]
    assert row["status"] == ("needs review" if student in LOOKED_AT else "graded")
    assert row["points"] == scores(graded[0])[student] == points
    words = " ".join([row["reason"], *row["notes"]])
    assert said in words if said else not words


@pytest.mark.parametrize("student", UNUSABLE)
def test_what_cannot_be_graded_has_a_reason_and_no_mark(graded, student):
    row = results(graded[0])[student]
    assert row["status"] == "failed" and UNUSABLE[student][1] in row["reason"]
    assert row["points"] is None and scores(graded[0])[student] is None
    assert "Error" not in row["reason"] and str(graded[0]) not in row["reason"]


@pytest.mark.parametrize("student", USABLE)
def test_an_odd_file_is_graded_all_the_same(graded, student):
    row = results(graded[0])[student]
    said = USABLE[student][1]
    assert (row["status"], row["points"]) == ("graded", 5.0)
    assert said in " ".join(row["notes"]) if said else not row["notes"]


def test_a_file_that_may_not_be_read(graded, mini):
    """A batch of its own, since root may read everything."""
    if not os.geteuid():
        pytest.skip("root may read everything")
    path = submit(mini, "kim", RIGHT) / "mini.ipynb"
    path.chmod(0)
    assert course(mini, "grade", "mini").returncode == SOME_OPEN
    assert "mini.ipynb cannot be read: Permission denied." in results(mini)["kim"]["reason"]


# --- feedback --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def feedback(graded):
    """What each student is given back, as text."""
    root, _ = graded
    done = nbgrader(root, "generate_feedback", "mini")
    assert done.returncode == 0, done.stderr
    pages = {}
    for path in root.glob("feedback/*/mini/mini.html"):
        page = path.read_text(encoding="utf-8")
        bare = re.sub(r"(?s)<(style|script).*?</\1>|<[^>]*>", "", page)
        pages[path.parts[-3]] = html.unescape(bare)
    return pages


def test_feedback_says_of_each_exercise_points_finding_and_hint(graded, feedback):
    rows = results(graded[0])
    assert set(feedback) == set(rows)
    hints = 0
    for student, page in feedback.items():
        for mark in rows[student]["marks"]:
            if mark["points"] is None:
                assert rows[student]["reason"] in page, student
                continue
            assert f"{mark['points']:g} of {mark['out_of']:g} points" in page, student
            assert mark["text"] in page and mark["hint"] in page, student
            hints += bool(mark["hint"])
    assert hints >= 4


def test_feedback_has_nothing_of_the_grader(feedback):
    """No hidden test or seed, no line of a solution that is not the student's own, no trace."""
    hidden = [line for line in CHECKS.splitlines() if "HIDDEN" in line] + ["9001", "seed=9"]
    solution = [RIGHT[name].splitlines()[-1].strip() for name in RIGHT]
    internal = [
        "Traceback",
        "pytools/grading",
        "_inside",
        ".npz",
        "/tmp",
        "site-packages",
        "Expected",
    ]
    for student, page in feedback.items():
        for text in (*hidden, *internal):
            assert text not in page, (student, text)
    for student in ("fay", *UNUSABLE):
        for line in solution:
            assert line not in feedback[student], student
