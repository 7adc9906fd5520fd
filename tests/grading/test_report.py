"""The report counts what the results say, and shows what students wrote as text."""

import csv
import io

import pytest
from classroom import mini_notebook, plan_of, right, submit

from pytools import exercises
from pytools.errors import CourseError
from pytools.grading import report
from pytools.grading.course import Course
from pytools.grading.likeness import Alike
from pytools.grading.results import FAILED, GRADED, REVIEW, Mark, Result, read_results, write_result

HINT = exercises.get("backprop.graph_gradients").misconceptions[0].hint


def result(student, first, second, status=GRADED, **more):
    """A result with these points in two exercises; 0.0 comes with a finding."""
    finding = {"finding": "own_factor", "text": "grad_x is wrong.", "hint": HINT}
    ids = ("backprop.graph_gradients", "backprop.matmul_backward")
    marks = []
    for exercise_id, points, out_of in zip(ids, (first, second), (2.0, 3.0), strict=True):
        name = exercise_id.replace(".", "-")
        known = finding if points == 0 else {}
        marks.append(Mark(name, f"{name}-solution", exercise_id, points, out_of, **known))
    return Result(student, "mini", status, marks=marks, **more)


def wrong(student, name, text):
    row = result(student, 1.2, 3.0)
    row.marks[0].finding, row.marks[0].text = name, text
    return row


CLASS = [
    result("ada", 2.0, 3.0),
    result("bob", 0.0, 3.0),
    result("eve", 0.0, 3.0, notes=["A cell was left out."], flags=["matmul: it uses <b>."]),
    result("kay", None, 3.0, REVIEW, reason="Stopped after 60 s."),
    result("lea", None, None, FAILED, reason="It is a poem."),
    wrong("<i>max</i>", "raised", "ValueError: <script>alert(1)</script>"),
    wrong("=cmd()", "raised", "ValueError: 2"),
]


def test_exercises_are_counted():
    first, second = report.exercises(CLASS)
    assert (first.full, first.partial, first.none, first.unmarked) == (1, 2, 2, 1)
    assert first.mean == pytest.approx((2 + 0 + 0 + 1.2 + 1.2) / 5)
    assert (second.full, second.unmarked) == (6, 0)


def test_findings_are_counted():
    common, other = report.findings(CLASS)
    assert (common.name, common.hint, common.students) == ("own_factor", HINT, ["bob", "eve"])
    assert (other.name, other.hint, other.students) == ("raised", "", ["<i>max</i>", "=cmd()"])


def test_the_histogram_holds_everybody():
    bars = report.histogram([0, 1.99, 2, 5, 5, 5], 5.0)
    assert [bar.label for bar in bars] == ["0–1", "1–2", "2–3", "3–4", "4–5"]
    assert [bar.count for bar in bars] == [1, 1, 1, 0, 3]
    assert len(report.histogram([0.3 * k for k in range(60)], 20.0)) == 10
    assert report.histogram([], 5.0) == []


def test_the_page(mini):
    page = report.render("mini", CLASS)
    assert "It is a poem." in page and "A cell was left out." in page
    assert "own factor" in page
    assert "<script>" not in page and "&lt;script&gt;alert(1)" in page
    assert "<i>max</i>" not in page and "&lt;i&gt;max" in page
    assert "http" not in page  # one file, nothing to fetch


def test_a_flag_is_beside_the_status():
    page = report.render("mini", CLASS)
    assert "matmul: it uses &lt;b&gt;." in page and "<dt>flagged</dt><dd>1</dd>" in page
    unflagged = report.render("mini", CLASS[:2])
    assert "flagged" not in unflagged and "costs no points" not in unflagged


@pytest.mark.parametrize("kernels", ["warm", "cold", ""])
def test_a_sandbox_is_nothing_to_speak_of(kernels):
    rows = [result("ada", 2.0, 3.0, sandbox=kernels)]
    assert "sandbox" not in report.render("mini", rows)


def test_no_sandbox_is_said_first_and_loudly():
    rows = [result(name, 2.0, 3.0, sandbox="none") for name in ("ada", "bob")]
    page = report.render("mini", rows)
    assert page.index("Graded without a sandbox") < page.index("<h2>Points</h2>")
    assert "All submissions ran with the rights of the person who graded" in page
    mixed = report.render("mini", [*rows, result("cleo", 2.0, 3.0, sandbox="warm")])
    assert "2 of 3 submissions ran" in mixed and mixed.count(">no sandbox<") == 2


def test_equal_code():
    rows = [Alike(["<i>max</i>", "=cmd()"], ["backprop-matmul_backward-solution"], 12)]
    page = report.render("mini", CLASS, rows * (report.MOST + 3))
    assert "<code>matmul_backward</code>" in page and "&lt;i&gt;max&lt;/i&gt; · =cmd()" in page
    assert "The 3 groups with the fewest lines" in page
    assert "Equal code" not in report.render("mini", CLASS)
    table = list(csv.DictReader(io.StringIO(report.alike_csv(rows))))
    assert [row["student"] for row in table] == ["<i>max</i>", "'=cmd()"]
    assert {(row["group"], row["lines"], row["exercises"]) for row in table} == {
        ("1", "12", "matmul_backward")
    }


LONG = """\
def graph_gradients(x, y, z):
    total = 0.0
    for index in np.ndindex(x.shape):
        total = total + x[index] * y[index] + z[index]
    return total, y.copy(), x.copy(), np.ones(z.shape)
"""


def test_the_files_of_a_class(mini):
    """Equal code comes from the graded notebooks; those that are not there do not matter."""
    answers = right(mini_notebook())
    for row in CLASS[:5]:
        write_result(mini / f"reports/mini/results/{row.student}.json", row)
    for student in ("ada", "bob"):
        source = LONG.replace("total", student)
        folder = submit(mini, student, answers | {"graph_gradients": source})
        target = mini / "autograded" / student / "mini"
        target.parent.mkdir(parents=True)
        folder.rename(target)
    written = report.write_report(Course(), "mini")
    assert written == [
        f"reports/mini/{n}" for n in ("index.html", "scores.csv", "findings.csv", "alike.csv")
    ]
    table = (mini / "reports/mini/alike.csv").read_text().splitlines()
    assert table[1:] == ["1,ada,5,graph_gradients", "1,bob,5,graph_gradients"]
    assert "ada · bob" in (mini / "reports/mini/index.html").read_text()


@pytest.mark.parametrize("size", [1, 2])
def test_a_page_for_few(size):
    page = report.render("mini", CLASS[:size])
    assert ("<svg" in page) == (size > 1)


def test_a_page_without_any_mark():
    page = report.render("mini", [CLASS[4]])
    assert "nobody has a mark" in page and "<svg" not in page and "median" not in page


def test_tables_for_a_spreadsheet():
    scores = list(csv.DictReader(io.StringIO(report.scores_csv(CLASS))))
    assert [row["points"] for row in scores] == ["5.0", "3.0", "3.0", "3.0", "", "4.2", "4.2"]
    assert scores[3]["backprop.graph_gradients"] == ""
    assert [row["flags"] for row in scores if row["flags"]] == ["matmul: it uses <b>."]
    assert scores[6]["student"] == "'=cmd()"  # no formula
    found = list(csv.DictReader(io.StringIO(report.findings_csv(CLASS))))
    assert [row["finding"] for row in found] == ["own_factor", "own_factor", "raised", "raised"]
    assert [row["misconception"] for row in found] == ["yes", "yes", "no", "no"]


def test_results_are_read_as_they_were_written(tmp_path):
    for row in CLASS:
        write_result(tmp_path / f"{row.student.replace('/', '-')}.json", row)
    assert sorted(read_results(tmp_path), key=lambda r: r.student) == sorted(
        CLASS, key=lambda r: r.student
    )


def test_nothing_graded(mini):
    with pytest.raises(CourseError, match=r"Nothing of mini .* course grade mini"):
        report.write_report(Course(), "mini")
    with pytest.raises(CourseError, match="There is no assignment 'maxi'"):
        report.write_report(Course(), "maxi")


def test_a_result_that_cannot_be_read(mini):
    path = mini / "reports" / "mini" / "results" / "ada.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"student": "ada"}')
    with pytest.raises(CourseError, match=r"ada\.json cannot be read.*grade 'ada' again"):
        report.write_report(Course(), "mini")


def test_plan_and_report_agree_on_the_exercises(mini):
    assert [test.exercise_id for test in plan_of(mini).tests] == [
        mark.exercise_id for mark in CLASS[0].marks
    ]
