"""A run that is killed is taken up again: the same gradebook as of a run that was not.

    RESUME_FULL=1 python -m pytest tests/grading/test_resume.py -s    # ten kills in a run of 60

The seed of the moments is printed; RESUME_SEED=… draws the same ones again.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import nbformat
import pytest
from cells import needs_sandbox
from classroom import (
    check_cell,
    course,
    mini_notebook,
    outcome,
    plan_of,
    right,
    submit,
    without_kernels,
    wrong,
)
from nbgrader.api import Gradebook

from pytools import build
from pytools.cli import SOME_OPEN
from pytools.grading import earlier, pool
from pytools.grading.course import Course
from pytools.grading.options import NONE, Options
from pytools.grading.results import FAILED, GRADED
from pytools.grading.run import grade, prepare

ANSWERS = right(mini_notebook())
OWN_FACTOR = ANSWERS | {"graph_gradients": wrong("backprop.graph_gradients", "own_factor")}


def hand_in(root, count):
    """Right, wrong, late, blank and broken submissions in turn."""
    for number in range(count):
        answers = (ANSWERS, OWN_FACTOR, ANSWERS, {}, ANSWERS)[number % 5]
        folder = submit(root, f"s{number:02}", answers)
        if number % 5 == 2:
            (folder / "timestamp.txt").write_text("2026-02-01 00:00:00 UTC")
        if number % 5 == 4:
            (folder / "mini.ipynb").write_text("{")
    with (root / "nbgrader_config.py").open("a") as config:
        config.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(f"sqlite:///{root}/gradebook.db", "backprop-to-captions") as gradebook:
        gradebook.update_or_create_assignment("mini", duedate="2026-01-01 12:00:00 UTC")


def killed(root, saved, later):
    """Kill `course grade` so many seconds after so many are saved; whether it was running."""
    program = [sys.executable, "-c", "from pytools.cli import main; main()", "grade", "mini"]
    process = subprocess.Popen(program, cwd=root, stdout=subprocess.DEVNULL)
    while process.poll() is None and count_saved(root) < saved:
        time.sleep(0.01)
    time.sleep(later)
    process.kill()
    return process.wait() == -signal.SIGKILL


def count_saved(root):
    return len(list(root.glob("reports/mini/results/*.json")))


@needs_sandbox
@pytest.mark.timeout(1800)
def test_killed_at_any_moment(mini, tmp_path):
    full = "RESUME_FULL" in os.environ
    size, kills = (60, 10) if full else (6, 2)
    seed = int(os.environ.get("RESUME_SEED") or time.time())
    print(f"RESUME_SEED={seed}")
    moments = random.Random(seed)
    hand_in(mini, size)
    whole = tmp_path / "whole"
    shutil.copytree(mini, whole)
    done = course(whole, "grade", "mini")
    assert done.returncode == SOME_OPEN, done.stderr
    expected = outcome(whole)
    broken = mini
    for number in range(kills):
        if full:  # each kill in a class of its own; otherwise one run is killed again and again
            broken = tmp_path / f"broken{number}"
            shutil.copytree(mini, broken)
        saved = moments.randrange(size if full else (number + 1) * size // kills)
        later = moments.uniform(0, 0.3 if saved else 6)  # nothing is saved in the first seconds
        running = killed(broken, saved, later)
        print(f"{later:.2f} s after {saved}: running {running}, {count_saved(broken)} saved")
        if full or number == kills - 1:
            assert course(broken, "grade", "mini").returncode == SOME_OPEN
            assert outcome(broken) == expected
            print("the same as of an unbroken run")


# --- what is not graded again -------------------------------------------------------------------


@pytest.fixture
def run(mini, monkeypatch):
    """Grade the class, without kernels; who was graded anew."""

    monkeypatch.setattr(pool, "execute", without_kernels)

    def run(students=("ada", "bob"), again=False, seconds=60):
        options = Options(sandbox=NONE, again=again, seconds=seconds)
        graded = grade(Course(), plan_of(mini), students, options)
        return [result.student for result, new in graded if new]

    submit(mini, "ada", ANSWERS)
    submit(mini, "bob", ANSWERS)
    assert sorted(run()) == ["ada", "bob"]
    assert run() == []
    return run


def test_again(run, mini):
    before = outcome(mini)
    assert sorted(run(again=True)) == ["ada", "bob"]
    assert outcome(mini) == before


def test_a_changed_submission(run, mini):
    shutil.rmtree(mini / "submitted/ada")
    submit(mini, "ada", OWN_FACTOR)
    assert run() == ["ada"] and run() == []
    (mini / "submitted/bob/mini/timestamp.txt").write_text("2026-02-01 00:00:00 UTC")
    assert run() == ["bob"] and run() == []


def test_a_changed_course_or_setting(run, mini, monkeypatch):
    assert sorted(run(seconds=30)) == ["ada", "bob"]
    monkeypatch.setattr(earlier, "version", lambda: "another")
    assert sorted(run(seconds=30)) == ["ada", "bob"]


def test_a_changed_release(run, mini):
    """Other points and another text: all are graded again, and a person's mark is looked at."""
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        gradebook.find_grade("backprop-matmul_backward", "mini", "mini", "bob").manual_score = 2.5
        gradebook.db.commit()
    notebook, paths = mini_notebook(), build.Paths(mini, "mini")
    notebook.cells[0].source = "# A second edition"
    notebook.cells[6] = check_cell("matmul_backward", 6)
    nbformat.write(notebook, paths.pair)
    build.release(paths, paths.release)
    prepare(Course(), "mini")
    assert sorted(run()) == ["ada", "bob"] and run() == []
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        ada, bob = (gradebook.find_submission("mini", name) for name in ("ada", "bob"))
        assert (ada.score, ada.max_score, ada.needs_manual_grade) == (8.0, 8.0, False)
        assert (bob.score, bob.max_score, bob.needs_manual_grade) == (4.5, 8.0, True)


def test_a_due_date_and_an_extension(run, mini):
    (mini / "submitted/ada/mini/timestamp.txt").write_text("2026-02-01 00:00:00 UTC")
    assert run() == ["ada"]
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        gradebook.update_or_create_assignment("mini", duedate=datetime(2026, 1, 1))
    assert sorted(run()) == ["ada", "bob"]
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        gradebook.find_submission("mini", "ada").extension = timedelta(days=60)
        gradebook.db.commit()
    assert run() == ["ada"] and run() == []


def test_a_gradebook_that_has_other_marks_or_none(run, mini):
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        gradebook.find_grade("backprop-matmul_backward", "mini", "mini", "ada").auto_score = 0.5
        gradebook.db.commit()
    assert run() == ["ada"] and run() == []
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        gradebook.remove_submission("mini", "bob")
    assert run() == ["bob"] and run() == []


def test_what_is_missing_or_unreadable(run, mini):
    (mini / "reports/mini/results/ada.json").write_text("{")
    assert run() == ["ada"]
    (mini / "autograded/bob/mini/mini.ipynb").unlink()
    assert run() == ["bob"] and run() == []


def test_a_person_s_mark_is_not_questioned(run, mini):
    """nbgrader flags a cell again when it is graded again; an unchanged one is not."""
    with Gradebook("sqlite:///gradebook.db", "backprop-to-captions") as gradebook:
        grade = gradebook.find_grade("backprop-matmul_backward", "mini", "mini", "ada")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        gradebook.db.commit()
    before = outcome(mini)
    assert run() == [] and outcome(mini) == before


def test_the_grader_s_own_fault_is_tried_again(run, mini, monkeypatch):
    from pytools.grading import run as module

    def broken(*arguments):
        raise ZeroDivisionError("marking is broken")

    marking = module.review.flags
    monkeypatch.setattr(module.review, "flags", broken)
    assert sorted(run(again=True)) == ["ada", "bob"]
    results = mini / "reports/mini/results"
    assert json.loads((results / "ada.json").read_text())["status"] == FAILED
    monkeypatch.setattr(module.review, "flags", marking)
    assert sorted(run()) == ["ada", "bob"]
    assert json.loads((results / "ada.json").read_text())["status"] == GRADED
