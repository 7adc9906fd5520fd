"""Whatever is handed in: rebuilt from the release, or refused with a reason that is understood."""

import json
import os

import pytest
from classroom import fill, mini_notebook, plan_of, right, submit
from nbformat.v4 import new_code_cell

from pytools.grading import preflight as module
from pytools.grading.preflight import preflight

ANSWERS = right(mini_notebook())
FIRST, SECOND = "backprop-graph_gradients-solution", "backprop-matmul_backward-solution"


@pytest.fixture
def hand_in(mini):
    """Hand in a right notebook after `edit`, and put it through preflight."""

    def run(edit=lambda notebook: None, answers=ANSWERS):
        return preflight(submit(mini, "ada", answers, edit=edit), plan_of(mini))

    return run


@pytest.fixture
def hand_in_file(mini):
    """Hand in these bytes as the notebook."""

    def run(data, name="mini.ipynb"):
        folder = mini / "submitted" / "ada" / "mini"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(data)
        return preflight(folder, plan_of(mini))

    return run


def cell(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def clean(submission):
    return not (submission.failed or submission.notes or submission.reviews)


# --- what is taken ---------------------------------------------------------------------------


def test_a_right_notebook_is_the_release_with_the_solutions(mini, hand_in):
    submission = hand_in()
    assert clean(submission)
    assert submission.notebook.cells == fill(plan_of(mini).released, ANSWERS).cells


def test_nothing_else_is_taken(hand_in):
    def edit(notebook):
        notebook.cells[1].source = "import os; os.remove('everything')"
        cell(notebook, FIRST).outputs = [{"output_type": "stream", "name": "stdout", "text": "hi"}]
        cell(notebook, FIRST).metadata.tags = ["demo"]
        notebook.metadata.author = "ada"

    submission = hand_in(edit)
    assert "everything" not in json.dumps(submission.notebook)
    assert not cell(submission.notebook, FIRST).outputs
    assert "tags" not in cell(submission.notebook, FIRST).metadata
    assert "author" not in submission.notebook.metadata


def test_what_is_no_json_number_and_ids_that_are_there_twice(hand_in):
    def edit(notebook):
        notebook.metadata.x = [float("nan"), float("inf")]
        for c in notebook.cells:
            c.id = "the same"

    assert clean(hand_in(edit))


def test_windows_line_ends_and_half_characters(hand_in):
    source = "def graph_gradients(x, y, z):\r\n    return '\ud800'"
    submission = hand_in(lambda n: cell(n, FIRST).update(source=source))
    assert cell(submission.notebook, FIRST).source.encode() == (
        b"def graph_gradients(x, y, z):\n    return '?'"
    )


# --- solution cells --------------------------------------------------------------------------


def test_a_missing_solution_cell_stays_a_stub_and_is_looked_at(hand_in):
    submission = hand_in(lambda n: n.cells.remove(cell(n, FIRST)))
    assert "NotImplementedError" in cell(submission.notebook, FIRST).source
    assert submission.reviews == {FIRST: f"The solution cell {FIRST!r} is missing."}
    assert cell(submission.notebook, SECOND).source == ANSWERS["matmul_backward"]


def double(notebook, source):
    original = cell(notebook, FIRST)
    twin = new_code_cell(source, metadata=original.metadata)
    notebook.cells.insert(notebook.cells.index(original) + 1, twin)


def test_the_same_solution_twice(hand_in):
    submission = hand_in(lambda n: double(n, ANSWERS["graph_gradients"] + "  \n"))
    assert not submission.reviews
    assert submission.notes == [
        f"Solution cells that are there more than once, and agree: {FIRST}."
    ]


def test_a_solution_and_its_stub(mini, hand_in):
    stub = cell(plan_of(mini).released, FIRST).source
    submission = hand_in(lambda n: double(n, stub))
    assert not submission.reviews
    assert cell(submission.notebook, FIRST).source == ANSWERS["graph_gradients"]


def test_two_different_solutions(hand_in):
    submission = hand_in(lambda n: double(n, "def graph_gradients(x, y, z): ..."))
    assert "with different content" in submission.reviews[FIRST]
    assert cell(submission.notebook, FIRST).source == "def graph_gradients(x, y, z): ..."


def test_stripped_metadata_is_found_by_the_function(hand_in):
    def edit(notebook):
        for c in notebook.cells:
            c.metadata.pop("nbgrader", None)

    submission = hand_in(edit)
    assert cell(submission.notebook, FIRST).source == ANSWERS["graph_gradients"]
    assert cell(submission.notebook, SECOND).source == ANSWERS["matmul_backward"]
    assert not submission.reviews and submission.left_out == 0
    assert submission.notes == [
        f"Solution cells without their name, found by their function: {FIRST}, {SECOND}.",
        "Test cells without their name, the released ones were used: "
        "backprop-graph_gradients, backprop-matmul_backward.",
    ]


def test_stripped_metadata_and_two_candidates(hand_in):
    def edit(notebook):
        double(notebook, "def graph_gradients(x, y, z): ...")
        for c in notebook.cells:
            if c.metadata.get("nbgrader", {}).get("grade_id") == FIRST:
                c.metadata = {}

    submission = hand_in(edit)
    assert list(submission.reviews) == [FIRST]
    assert "NotImplementedError" in cell(submission.notebook, FIRST).source


def test_a_solution_in_a_new_cell_below_its_stub(mini, hand_in):
    def edit(notebook):
        original = cell(notebook, FIRST)
        below = new_code_cell(original.source)
        notebook.cells.insert(notebook.cells.index(original) + 1, below)
        original.source = cell(plan_of(mini).released, FIRST).source

    submission = hand_in(edit)
    assert cell(submission.notebook, FIRST).source == ANSWERS["graph_gradients"]
    assert not submission.reviews and submission.left_out == 0
    assert submission.notes == [f"Solution cells left empty, found by their function: {FIRST}."]


def test_an_empty_solution_and_two_candidates(mini, hand_in):
    def edit(notebook):
        cell(notebook, FIRST).source = cell(plan_of(mini).released, FIRST).source
        for result in "xy":
            source = f"def graph_gradients(x, y, z):\n    return {result}"
            notebook.cells.append(new_code_cell(source))

    submission = hand_in(edit)
    assert "NotImplementedError" in cell(submission.notebook, FIRST).source
    assert submission.again == {FIRST}


def test_an_empty_solution_stays_empty(mini, hand_in):
    submission = hand_in(answers={})
    assert submission.notebook.cells == plan_of(mini).released.cells
    assert clean(submission) and not submission.again


def test_a_solution_turned_into_text(hand_in):
    def edit(notebook):
        cell(notebook, FIRST).cell_type = "markdown"

    submission = hand_in(edit)
    assert cell(submission.notebook, FIRST).cell_type == "code"
    assert submission.notes == [f"Solution cells of another type: {FIRST}."]


# --- test cells and others -------------------------------------------------------------------


def rename(c):
    c.metadata.nbgrader.grade_id = "mine"


CHANGES = {
    "edited": (lambda c: c.update(source="2.0"), "edited"),
    "retyped": (lambda c: c.update(cell_type="raw"), "of another type"),
    "renamed": (rename, "without their name"),
    "worth more": (lambda c: c.metadata.nbgrader.update(points=100), "with other points"),
    "an old schema": (lambda c: c.metadata.nbgrader.update(schema_version=1), None),
    "a coming schema": (lambda c: c.metadata.nbgrader.update(schema_version=99), None),
}


@pytest.mark.parametrize("change, said", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_test_cell_is_the_released_one_again(mini, hand_in, change, said):
    submission = hand_in(lambda n: change(cell(n, "backprop-graph_gradients")))
    assert submission.notebook.cells == fill(plan_of(mini).released, ANSWERS).cells
    assert not submission.reviews
    expected = [f"Test cells {said}, the released ones were used: backprop-graph_gradients."]
    assert submission.notes == (expected if said else [])


def test_a_missing_test_cell(mini, hand_in):
    submission = hand_in(lambda n: n.cells.remove(cell(n, "backprop-graph_gradients")))
    assert submission.notebook.cells == fill(plan_of(mini).released, ANSWERS).cells
    assert "Test cells missing" in submission.notes[0]


def test_reordered_cells(mini, hand_in):
    submission = hand_in(lambda n: n.cells.reverse())
    assert clean(submission)
    assert submission.notebook.cells == fill(plan_of(mini).released, ANSWERS).cells


def test_own_cells_are_left_out_and_counted(hand_in):
    def edit(notebook):
        notebook.cells += [new_code_cell("helper = 1"), new_code_cell("  "), notebook.cells[1]]

    submission = hand_in(edit)
    assert submission.left_out == 1
    assert submission.notes == ["Cells of the student's own that were left out: 1."]


def test_another_kernel(hand_in):
    submission = hand_in(lambda n: n.metadata.kernelspec.update(name="julia-1.10"))
    assert submission.notebook.metadata.kernelspec.name == "python3"
    assert submission.notes == ["It asks for the kernel 'julia-1.10'; python3 was used."]


# --- the file --------------------------------------------------------------------------------


def notebook_bytes(mini):
    submit(mini, "model", ANSWERS)
    return (mini / "submitted" / "model" / "mini" / "mini.ipynb").read_bytes()


def test_another_file_name(mini, hand_in_file):
    submission = hand_in_file(notebook_bytes(mini), "Hausaufgabe – Ä 1.ipynb")
    assert not submission.failed
    assert "is called Hausaufgabe – Ä 1.ipynb" in submission.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(mini, hand_in_file, encoding):
    submission = hand_in_file(notebook_bytes(mini).decode().encode(encoding))
    assert not submission.failed
    assert submission.notes == (
        ["The file was UTF-16 text, not UTF-8."] if encoding == "utf-16" else []
    )


def test_notebook_format_3(mini, hand_in_file):
    cells = [
        {"cell_type": "code", "language": "python", "outputs": [], "input": source, "metadata": {}}
        for source in ANSWERS.values()
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    submission = hand_in_file(json.dumps(old).encode())
    assert not submission.failed
    assert cell(submission.notebook, FIRST).source == ANSWERS["graph_gradients"]
    assert "The notebook had the old format 3." in submission.notes


BROKEN = {
    "empty": (b" \n", "is empty"),
    "cut off": (b'{\n "cells": [\n', "broken JSON (line 3, column 1: Expecting value)"),
    "not UTF-8": (b'{"cells": "\xe4"}', "not UTF-8 text (byte 11 is 0xe4)"),
    "a list": (b"[1, 2]", "not a notebook"),
    "no cells": (b'{"a": 1}', "not a notebook"),
    "cells of nothing": (b'{"cells": [1, null, {}, {"source": 3}]}', "is it another notebook?"),
    "odd metadata": (b'{"cells": [{"metadata": [1]}], "metadata": 3}', "another notebook?"),
    "another": (b'{"cells": [{"source": ["# Tea\\n", "x"]}]}', "It begins with '# Tea'"),
    "old and broken": (b'{"nbformat": 3, "worksheets": 7}', "old notebook format 3"),
    "UTF-16, cut off": (b"\xff\xfe{\x00\x00\xd8", "not UTF-16 text"),
    "a number without end": (b'{"cells": [], "a": ' + b"9" * 10_000 + b"}", "cannot be read"),
    "deep": (b'{"cells":' + b"[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize("data, said", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_no_notebook_of_this_course(mini, hand_in_file, data, said):
    submission = hand_in_file(data)
    assert said in submission.failed
    assert submission.notebook.cells == plan_of(mini).released.cells


def test_a_notebook_of_50_mb_is_not_even_read(mini, hand_in_file):
    folder = mini / "submitted" / "ada" / "mini"
    folder.mkdir(parents=True)
    with (folder / "mini.ipynb").open("wb") as file:
        file.truncate(50 * 2**20)
    said = preflight(folder, plan_of(mini)).failed
    assert said == (
        "mini.ipynb has 50 MB; the limit is 32 MB. Clear its outputs, save it and hand it in again."
    )


def test_20_mb_of_outputs_are_left_behind(hand_in):
    def edit(notebook):
        text = {"output_type": "stream", "name": "stdout", "text": ["0123456789\n"] * 1_800_000}
        cell(notebook, FIRST).outputs = [text]

    submission = hand_in(edit)
    assert clean(submission) and not cell(submission.notebook, FIRST).outputs


MANY = {
    "cells": (b'{"cells": [' + b"{}," * 5_000 + b"{}]}", "has 5,001 cells; the limit is 5,000"),
    "parts": (b'{"cells": [' + b"[]," * 2_000_000 + b"{}]}", "has more than 2,000,000 parts"),
}


@pytest.mark.parametrize("data, said", MANY.values(), ids=MANY.keys())
def test_little_text_that_would_take_much_memory(hand_in_file, data, said):
    assert said in hand_in_file(data).failed


def test_a_file_that_is_too_large(mini, hand_in_file, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    assert "the limit is" in hand_in_file(notebook_bytes(mini)).failed


def test_no_notebook_and_too_many(mini, hand_in_file):
    submission = hand_in_file(b"text", "notes.txt")
    assert submission.failed == "There is no mini.ipynb in the submission."
    for name in ("a.ipynb", "b.ipynb"):
        (mini / "submitted" / "ada" / "mini" / name).write_bytes(notebook_bytes_of(mini, name))
    submission = preflight(mini / "submitted" / "ada" / "mini", plan_of(mini))
    assert "several others: a.ipynb, b.ipynb" in submission.failed


def notebook_bytes_of(mini, student):
    return (submit(mini, student, ANSWERS) / "mini.ipynb").read_bytes()


def test_other_notebooks_beside_it(mini, hand_in_file):
    data = notebook_bytes(mini)
    folder = mini / "submitted" / "ada" / "mini"
    folder.mkdir(parents=True)
    for name in ("mini.ipynb", "a draft.ipynb", "._mini.ipynb"):
        (folder / name).write_bytes(data)
    submission = preflight(folder, plan_of(mini))
    assert submission.notes == ["There are other notebooks beside mini.ipynb: a draft.ipynb."]
    assert not submission.failed


LINKS = {
    "another student's file": ("mini.ipynb", "../../bob/mini/mini.ipynb", "is a link"),
    "a file outside": ("mini.ipynb", "../../../nbgrader_config.py", "is a link"),
    "nowhere": ("mini.ipynb", "nowhere.ipynb", "is a link"),
    "itself": ("mini.ipynb", "mini.ipynb", "is a link"),
    "a device": ("mini.ipynb", "/dev/zero", "is a link"),
    "another name": ("other.ipynb", "../../bob/mini/mini.ipynb", "other.ipynb is a link"),
    "another student's folder": ("", "../bob/mini", "mini is a link, not a folder of its own"),
    "a loop": ("", "mini", "mini is a link"),
}


@pytest.mark.parametrize("name, target, said", LINKS.values(), ids=LINKS.keys())
def test_a_link_is_not_followed(mini, name, target, said):
    submit(mini, "bob", ANSWERS)
    folder = mini / "submitted" / "eve" / "mini"
    (folder if name else folder.parent).mkdir(parents=True)
    (folder / name if name else folder).symlink_to(target)
    submission = preflight(folder, plan_of(mini))
    assert said in submission.failed
    assert submission.notebook.cells == plan_of(mini).released.cells


def test_a_student_who_is_a_link(mini):
    folder = submit(mini, "bob", ANSWERS)
    (mini / "submitted" / "eve").symlink_to("bob")
    said = preflight(mini / "submitted" / "eve" / "mini", plan_of(mini)).failed
    assert said == "eve is a link, not a folder of its own."
    assert clean(preflight(folder, plan_of(mini)))


def test_what_is_neither_file_nor_folder_where_it_should_be(mini):
    eve = mini / "submitted" / "eve"
    eve.mkdir(parents=True)
    (eve / "mini").write_text("here is my homework")
    assert (
        "is a file, not a folder with mini.ipynb" in preflight(eve / "mini", plan_of(mini)).failed
    )
    (eve / "mini").unlink()
    (eve / "mini" / "mini.ipynb").mkdir(parents=True)
    assert "Is a directory" in preflight(eve / "mini", plan_of(mini)).failed
    (eve / "mini" / "mini.ipynb").rmdir()
    os.mkfifo(eve / "mini" / "mini.ipynb")
    assert "is no plain file" in preflight(eve / "mini", plan_of(mini)).failed


def test_no_permission_to_read(mini, hand_in, monkeypatch):
    def refused(path, *rest):
        raise PermissionError(13, "Permission denied")

    folder = submit(mini, "bob", ANSWERS)
    plan = plan_of(mini)
    monkeypatch.setattr(module.os, "open", refused)
    submission = preflight(folder, plan)
    assert submission.failed == "mini.ipynb cannot be read: Permission denied."


@pytest.mark.parametrize("target", ["/dev/zero", "fifo"])
def test_a_time_that_is_no_file(mini, target):
    folder = submit(mini, "bob", ANSWERS)
    if target == "fifo":
        os.mkfifo(folder / "timestamp.txt")
    else:
        (folder / "timestamp.txt").symlink_to(target)
    submission = preflight(folder, plan_of(mini))
    assert submission.timestamp is None and not submission.failed
    assert "timestamp.txt cannot be read" in submission.notes[0]


def test_the_time_of_handing_in(mini, hand_in_file):
    folder = submit(mini, "bob", ANSWERS)
    (folder / "timestamp.txt").write_text("2026-02-01 13:00:00 America/New_York\n")
    assert str(preflight(folder, plan_of(mini)).timestamp) == "2026-02-01 18:00:00"
    (folder / "timestamp.txt").write_text("yesterday, honestly\n")
    submission = preflight(folder, plan_of(mini))
    assert submission.timestamp is None and not submission.failed
    assert "timestamp.txt cannot be read" in submission.notes[0]
