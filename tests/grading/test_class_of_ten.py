"""A class of ten hands in 01_backprop; it is graded by the real program, once for all tests."""

import csv
import html
import json
import re
import shutil

import nbformat
import pytest
from classroom import (
    REPOSITORY,
    course,
    gradebook_content,
    nbgrader,
    plan_of,
    right,
    submit,
    wrong,
)

from pytools import build, exercises
from pytools.cli import SOME_OPEN
from pytools.exercise import collect
from pytools.scoring import score

pytestmark = pytest.mark.xdist_group("class")  # graded once, by one worker

NAME = "01_backprop"
PAIR = build.Paths(REPOSITORY, NAME).pair
ANSWERS = right(nbformat.read(PAIR, as_version=4)) if PAIR.exists() else {}
HALF = ("graph_gradients", "numerical_gradient", "relative_error", "two_layer_loss")

# student -> the misconception they have, in which exercise, and what they earn in the end
MISTAKEN = {
    "cleo": ("graph_gradients", "own_factor", 18.0),
    "dora": ("numerical_gradient", "not_restored", 17.0),
    "emil": ("relative_error", "guard_forgotten", 19.2),  # right on ordinary cases
    "finn": ("unbroadcast", "first_copy_only", 17.0),
    "gina": ("matmul_backward", "transposes_forgotten", 17.0),
}
POINTS = {"ada": 20.0, "blank": 0.0, "half": 11.0, "forger": 0.0, "broken": None}
POINTS |= {student: points for student, (_, _, points) in MISTAKEN.items()}

FORGED = """\
import builtins
import numpy
import numpy as np
import pytools
import pytools.checking
import pytools.scoring


class Equal:
    __array_priority__ = 1e9
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self


numpy.allclose = numpy.array_equal = lambda *arguments, **options: True
check = pytools.check = pytools.checking.check = lambda *arguments, **options: 1e9
pytools.scoring.score = pytools.scoring.compare = lambda *arguments: None
builtins.abs = lambda value: 0.0


def {function}(*arguments, **options):
    print("all right, full marks")
    return Equal()
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course after `course grade`; `.said` is what the program printed."""
    root = tmp_path_factory.mktemp("class")
    paths, here = build.Paths(REPOSITORY, NAME), build.Paths(root, NAME)
    for source, target in ((paths.pair, here.pair), (paths.release, here.release)):
        target.parent.mkdir(parents=True)
        shutil.copy(source, target)
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    submit(root, "ada", ANSWERS, NAME)
    submit(root, "blank", {}, NAME)
    submit(root, "half", {function: ANSWERS[function] for function in HALF}, NAME)
    for student, (function, name, _) in MISTAKEN.items():
        source = wrong(f"backprop.{function}", name)
        submit(root, student, ANSWERS | {function: source}, NAME)
    forged = {function: FORGED.format(function=function) for function in ANSWERS}
    submit(root, "forger", forged, NAME)
    broken = submit(root, "broken", ANSWERS, NAME) / f"{NAME}.ipynb"
    broken.write_text(broken.read_text(encoding="utf-8")[:5000], encoding="utf-8")
    done = course(root, "grade", NAME)
    assert done.returncode == SOME_OPEN, done.stderr
    return root, done


def result(root, student):
    path = root / "reports" / NAME / "results" / f"{student}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_submission_has_a_line_and_its_marks(graded):
    root, done = graded
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    for student, points in POINTS.items():
        row = result(root, student)
        assert (row["points"], row["status"]) == (points, "failed" if points is None else "graded")
        assert ("no mark" if points is None else f"{points:g} of 20") in lines[student]
    assert "broken JSON" in lines["broken"] and re.search(r"line \d+, column \d+", lines["broken"])
    assert "10 submissions: 9 graded, 1 failed" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("student", MISTAKEN)
def test_misconceptions_are_found_by_name(graded, student):
    root, _ = graded
    function, name, _ = MISTAKEN[student]
    found = {m["exercise_id"]: m["finding"] for m in result(root, student)["marks"] if m["finding"]}
    assert found == {f"backprop.{function}": name}


def test_findings_of_the_others(graded):
    root, _ = graded
    assert all(mark["finding"] == "" for mark in result(root, "ada")["marks"])
    assert {mark["finding"] for mark in result(root, "blank")["marks"]} == {"blank"}
    assert {mark["points"] for mark in result(root, "forger")["marks"]} == {0.0}
    assert {mark["points"] for mark in result(root, "broken")["marks"]} == {None}


def test_nbgrader_exports_the_same_marks(graded):
    root, _ = graded
    assert nbgrader(root, "export").returncode == 0
    with (root / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {student: points or 0.0 for student, points in POINTS.items()}


def test_grading_again_changes_nothing(graded):
    root, done = graded
    before = gradebook_content(root)
    files = {p: p.read_bytes() for p in root.glob("reports/**/*.json")}
    again = course(root, "grade", NAME, "--workers", "3")
    assert again.returncode == SOME_OPEN
    assert gradebook_content(root) == before
    assert {p: p.read_bytes() for p in root.glob("reports/**/*.json")} == files
    assert sorted(again.stdout.splitlines()[:-1]) == sorted(done.stdout.splitlines()[:-1])


def test_the_report_of_the_class(graded):
    root, _ = graded
    done = course(root, "report", NAME)
    assert done.returncode == 0, done.stderr
    page = html.unescape((root / "reports" / NAME / "index.html").read_text(encoding="utf-8"))
    for student, (function, name, _) in MISTAKEN.items():
        found = exercises.get(f"backprop.{function}").misconceptions
        hint = next(m.hint for m in found if m.name == name)
        assert student in page and function in page and hint in page
        assert name.replace("_", " ") in page
    assert "broken JSON" in page
    with (root / "reports" / NAME / "scores.csv").open() as file:
        scores = {row["student"]: row["points"] for row in csv.DictReader(file)}
    assert scores == {s: "" if points is None else str(points) for s, points in POINTS.items()}


@pytest.fixture(scope="module")
def feedback(graded):
    """What each student is given back: the page, and its text without marks of HTML."""
    root, _ = graded
    done = nbgrader(root, "generate_feedback", NAME)
    assert done.returncode == 0, done.stderr
    pages = {}
    for path in sorted(root.glob(f"feedback/*/{NAME}/*.html")):
        page = path.read_text(encoding="utf-8")
        bare = re.sub(r"(?s)<(style|script).*?</\1>|<[^>]*>", "", page)
        pages[path.parts[-3]] = html.unescape(bare)
    return pages


def test_feedback_shows_the_same_marks(feedback):
    assert set(feedback) == set(POINTS)
    for student, points in POINTS.items():
        assert f"(Score: {points or 0.0} / 20.0)" in feedback[student]
    assert "could not" not in feedback["ada"]
    assert "broken JSON" in feedback["broken"]


def test_feedback_has_the_finding_and_the_hint(feedback):
    for student, (function, name, _) in MISTAKEN.items():
        found = exercises.get(f"backprop.{function}").misconceptions
        hint = next(m.hint for m in found if m.name == name)
        assert feedback[student].count(hint) == 2  # in the table and in the comment
        assert name.replace("_", " ") in feedback[student]


def test_feedback_leaks_nothing(graded, feedback):
    """No hidden test, no solution line and no expected value, in anybody's page."""
    root, _ = graded
    plan = plan_of(root, NAME)
    solutions = {
        function: {line.strip() for line in source.splitlines()}
        for function, source in ANSWERS.items()
    }
    for cell in plan.released.cells:
        for lines in solutions.values():
            lines -= {line.strip() for line in cell.source.splitlines()}
    for student, page in feedback.items():
        assert "HIDDEN" not in page and "Expected" not in page, student
        for test in plan.tests:
            assert test.hidden
            for check in test.hidden:
                assert not re.search(rf"\b{check.seed}\b", page), student
    for student in ("blank", "forger", "broken"):
        for line in set().union(*solutions.values()):
            assert len(line) < 12 or line not in feedback[student], line
    told = [expected_values(plan, student) for student in MISTAKEN]
    assert sum(len(values) > 0 for values in told) >= 3
    for student, values in zip(MISTAKEN, told, strict=True):
        bare = feedback[student].replace(" ", "")
        assert not [value for value in values if value in bare], student


def expected_values(plan, student):
    """The values that `check` would show to this student while working, as text."""
    function, name, _ = MISTAKEN[student]
    exercise = exercises.get(f"backprop.{function}")
    attempt = next(m.wrong for m in exercise.misconceptions if m.name == name)
    test = next(test for test in plan.tests if test.exercise_id == exercise.id)
    verdicts = [score(exercise, collect(exercise, attempt, c.seed), c.seed) for c in test.checks]
    texts = [verdict.expected.replace(" ", "") for verdict in verdicts]
    return [text for text in texts if len(text) > 10]  # a name and some digits, not a bare 0


def test_what_the_forger_printed_is_not_in_the_test_cells(graded):
    root, _ = graded
    path = root / "autograded" / "forger" / NAME / f"{NAME}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            shown, number = cell.outputs
            assert "0 of" in shown.data["text/plain"] and number.data["text/plain"] == "0.0"
