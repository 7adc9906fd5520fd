"""nbgrader's gradebook holds what was marked, however often, and says why it cannot."""

import sqlite3
from datetime import datetime

import nbformat
import pytest
from classroom import (
    answered,
    gradebook_content,
    mini_notebook,
    nbgrader,
    plan_of,
    right,
    submit,
)
from filelock import FileLock
from nbgrader.api import Gradebook

from pytools import build, exercises
from pytools.errors import CourseError
from pytools.grading.course import Course
from pytools.grading.marking import mark
from pytools.grading.preflight import preflight
from pytools.grading.results import read_results
from pytools.grading.save import opened, register, save

SUM, PRODUCT = "backprop-graph_gradients", "backprop-matmul_backward"
DB = "sqlite:///gradebook.db"


def misconception(exercise_id, name):
    return next(m.wrong for m in exercises.get(exercise_id).misconceptions if m.name == name)


ATTEMPTS = {
    "graph_gradients": misconception("backprop.graph_gradients", "own_factor"),
    "matmul_backward": exercises.get("backprop.matmul_backward").reference,
}


@pytest.fixture
def keep(mini):
    """Mark and save ada's attempts; `change` may alter the submission or the execution."""
    submit(mini, "ada", right(mini_notebook()))

    def keep(student="ada", attempts=ATTEMPTS, failed="", undone=(), timestamp=None):
        course, plan = Course(), plan_of(mini)
        register(course, "mini")
        submission = preflight(course.submission("mini", "ada"), plan)
        submission.failed = failed
        execution = None if failed else answered(plan, submission, attempts)
        for name in undone:
            execution.undone[name] = "Stopped after 60 s."
        result, notebook = mark(student, plan, submission, execution)
        with opened(course) as gradebook:
            save(course, gradebook, result, notebook, timestamp)
        return result

    return keep


def rows(student="ada"):
    """The grades and comments of a submission: auto score, manual score, wants a person; text."""
    with Gradebook(DB) as gradebook:
        notebook = gradebook.find_submission_notebook("mini", "mini", student)
        grades = {
            g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades
        }
        return grades, {c.name: c.auto_comment for c in notebook.comments}


def test_marks_and_comments(keep, mini):
    result = keep()
    grades, comments = rows()
    assert grades == {SUM: (0.0, None, False), PRODUCT: (3.0, None, False)}
    hint = misconception_hint("own_factor")
    assert comments[f"{SUM}-solution"].endswith(f"Hint: {hint}")
    assert comments[f"{PRODUCT}-solution"] is None
    assert read_results(mini / "reports" / "mini" / "results") == [result]


def misconception_hint(name):
    found = exercises.get("backprop.graph_gradients").misconceptions
    return next(m.hint for m in found if m.name == name)


def test_again_changes_nothing(keep, mini):
    keep()
    before = gradebook_content(mini)
    notebook = (mini / "autograded" / "ada" / "mini" / "mini.ipynb").read_bytes()
    keep()
    assert gradebook_content(mini) == before
    assert (mini / "autograded" / "ada" / "mini" / "mini.ipynb").read_bytes() == notebook


def test_a_person_s_mark_is_kept(keep):
    keep()
    with Gradebook(DB) as gradebook:
        grade = gradebook.find_grade(SUM, "mini", "mini", "ada")
        grade.manual_score = 1.5
        gradebook.find_comment(f"{SUM}-solution", "mini", "mini", "ada").manual_comment = "Close!"
        gradebook.db.commit()
    keep()
    with Gradebook(DB) as gradebook:
        assert gradebook.find_submission("mini", "ada").score == 4.5
        comment = gradebook.find_comment(f"{SUM}-solution", "mini", "mini", "ada")
        assert comment.comment == "Close!"
    assert rows()[0][SUM] == (0.0, 1.5, True)  # the person is asked whether it still holds


def test_failed_is_never_a_silent_zero(keep):
    keep(failed="It is a poem <b>.")
    grades, comments = rows()
    assert grades == {SUM: (None, None, True), PRODUCT: (None, None, True)}
    assert "It is a poem &lt;b&gt;." in comments[f"{SUM}-solution"]


def test_a_better_submission_replaces_a_failed_one_and_the_other_way_round(keep):
    keep(failed="It is a poem.")
    keep()
    assert rows()[0] == {SUM: (0.0, None, False), PRODUCT: (3.0, None, False)}
    keep(failed="It is a poem.")
    assert rows()[0] == {SUM: (None, None, True), PRODUCT: (None, None, True)}


def test_needs_review_is_flagged_where_it_matters(keep):
    keep(undone=[SUM])
    grades, comments = rows()
    assert grades == {SUM: (None, None, True), PRODUCT: (3.0, None, False)}
    assert comments[f"{SUM}-solution"] == "Not marked yet: Stopped after 60 s."


def test_late_submissions(keep, mini):
    """nbgrader's own penalty, as nbgrader_config.py sets it."""
    with (mini / "nbgrader_config.py").open("a") as config:
        config.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(DB, "backprop-to-captions") as gradebook:
        gradebook.update_or_create_assignment("mini", duedate="2026-01-01 12:00:00 UTC")
    result = keep(timestamp=datetime(2026, 1, 2))
    assert (result.points, result.penalty) == (3.0, 3.0)
    with Gradebook(DB) as gradebook:
        assert gradebook.find_submission("mini", "ada").late_submission_penalty == 3.0


def test_nbgrader_knows_who_is_graded(keep, mini):
    """By the time of handing in: a newer submission waits to be graded."""
    keep(timestamp=datetime(2026, 1, 2))
    handed_in = mini / "submitted/ada/mini/timestamp.txt"
    handed_in.write_text("2026-01-02 00:00:00 UTC")
    assert Course().api.get_autograded_students("mini") == {"ada"}
    handed_in.write_text("2026-01-03 00:00:00 UTC")
    assert Course().api.get_autograded_students("mini") == set()


def test_a_new_gradebook_knows_its_version(keep, mini):
    """Without it `nbgrader db upgrade` cannot tell where to begin."""
    (mini / "gradebook.db").unlink()
    keep()
    database = sqlite3.connect(mini / "gradebook.db")
    assert database.execute("select version_num from alembic_version").fetchone()[0]
    database.close()


def test_nbgrader_exports_the_same_marks(keep, mini):
    keep()
    keep("bob", failed="It is a poem.")
    assert nbgrader(mini, "export").returncode == 0
    lines = [line.split(",") for line in (mini / "grades.csv").read_text().splitlines()]
    scores = {line[3]: (line[9], line[10]) for line in lines[1:]}
    assert scores == {"ada": ("3.0", "5.0"), "bob": ("0.0", "5.0")}


def test_changed_cells_and_old_marks(keep, mini):
    keep()
    notebook = mini_notebook()
    del notebook.cells[5:7]
    nbformat.write(notebook, build.Paths(mini, "mini").pair)
    with pytest.raises(CourseError, match="The gradebook cannot take mini"):
        register(Course(), "mini")


def test_a_locked_gradebook(keep, mini, monkeypatch):
    keep()
    (mini / "nbgrader_config.py").open("a").write(
        f"c.CourseDirectory.db_url = 'sqlite:///{mini}/gradebook.db?timeout=0.1'\n"
    )
    other = sqlite3.connect(mini / "gradebook.db", isolation_level=None)
    other.execute("begin exclusive")
    try:
        with pytest.raises(CourseError, match="is locked by another program"):
            register(Course(), "mini")
    finally:
        other.close()


def test_a_second_run_waits_for_the_first(keep, mini, monkeypatch):
    keep()
    before = gradebook_content(mini)
    monkeypatch.setattr("pytools.grading.save.PATIENCE", 0.1)
    with FileLock(Course().lock), pytest.raises(CourseError, match="is locked by another program"):
        keep("bob")
    assert gradebook_content(mini) == before
    keep("bob")
    assert [r.student for r in read_results(mini / "reports/mini/results")] == ["ada", "bob"]


def test_a_course_folder_that_cannot_be_written(mini):
    Course().lock.unlink(missing_ok=True)
    Course().lock.mkdir()
    with pytest.raises(CourseError, match=r"gradebook\.db\.lock cannot be written: .*permission"):
        register(Course(), "mini")


def test_a_read_only_gradebook(keep, mini, capfd):
    (mini / "nbgrader_config.py").open("a").write(
        f"c.CourseDirectory.db_url = 'sqlite:///file:{mini}/gradebook.db?mode=ro&uri=true'\n"
    )
    with pytest.raises(CourseError, match="cannot be written"):
        keep()
    assert capfd.readouterr() == ("", "")
    assert not (mini / "reports").exists()  # no result that the gradebook does not have
