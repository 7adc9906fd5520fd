"""Bad input gets one clear line; one student's trouble is nobody else's."""

import os

import pytest
from classroom import course, mini_notebook, right, submit

from pytools.errors import CourseError
from pytools.grading import console, run
from pytools.grading import course as module
from pytools.grading.course import Course
from pytools.grading.execute import Execution
from pytools.grading.results import FAILED, GRADED, Result

ANSWERS = right(mini_notebook())


def grade(name="mini", students=()):
    console.grade_and_tell(Course(), name, students, 1, 60)


@pytest.fixture
def quick(monkeypatch):
    """Notebooks are not run: every check is left without an answer."""

    def execute(notebook, plan, seconds):
        if "trouble" in str(notebook):
            raise MemoryError("no room for this notebook")
        return Execution(notebook)

    monkeypatch.setattr(run, "execute", execute)


def test_no_course_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=r"is not a course folder: it has no nbgrader_config\.py"):
        Course()


def test_a_broken_configuration(mini):
    (mini / "nbgrader_config.py").write_text("c = get_config(\n")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py cannot be read: SyntaxError"):
        Course()


def test_an_unknown_assignment(mini):
    submit(mini, "ada", ANSWERS)
    with pytest.raises(CourseError, match=r"no assignment 'min' in .* Did you mean 'mini'"):
        grade("min")
    with pytest.raises(CourseError, match=r"no assignment 'zz' in solutions/\. There are: mini"):
        grade("zz")


def test_nobody_handed_in(mini):
    with pytest.raises(CourseError, match=r"Expected: submitted/STUDENT/mini/mini\.ipynb"):
        grade()


def test_an_unknown_student(mini):
    submit(mini, "ada", ANSWERS)
    with pytest.raises(CourseError, match=r"'adda' has not handed in mini\. Did you mean 'ada'"):
        grade(students=["adda"])


@pytest.mark.parametrize("folder", ["autograded", "reports"])
def test_a_file_in_the_way_of_a_folder(mini, folder):
    submit(mini, "ada", ANSWERS)
    (mini / folder).write_text("not a folder")
    with pytest.raises(CourseError, match=rf"No permission to write in .*{folder}"):
        grade()


def test_no_write_permission(mini, monkeypatch):
    submit(mini, "ada", ANSWERS)
    allowed = os.access
    monkeypatch.setattr(
        module.os,
        "access",
        lambda path, mode: "autograded" not in str(path) and allowed(path, mode),
    )
    with pytest.raises(CourseError, match=r"No permission to write in .*autograded"):
        grade()


def test_the_configuration_says_where_everything_lies(mini, quick):
    (mini / "nbgrader_config.py").open("a").write(
        "c.CourseDirectory.submitted_directory = 'in'\n"
        "c.CourseDirectory.autograded_directory = 'out'\n"
    )
    submit(mini, "ada", ANSWERS)
    (mini / "submitted").rename(mini / "in")
    grade()
    assert (mini / "out" / "ada" / "mini" / "mini.ipynb").exists()


def test_one_student_s_trouble_is_nobody_else_s(mini, quick, capsys):
    """A crash of ours, too, fails one submission; the others are graded and saved."""
    submit(mini, "ada", ANSWERS)
    submit(mini, "Zoë with a space", ANSWERS)
    submit(mini, "kim", ANSWERS | {"graph_gradients": "trouble"})
    for student in ("nothing", "\udce9 not UTF-8"):
        (mini / "submitted" / student / "mini").mkdir(parents=True)
    grade()
    said = {line[:4]: line for line in capsys.readouterr().out.splitlines()}
    assert "MemoryError: no room for this notebook" in said["kim "]
    assert "no mini.ipynb in the submission" in said["noth"]
    assert "failed" in said["� no"]
    assert "needs review" in said["ada "] and "needs review" in said["Zoë "]
    results = {path.stem for path in (mini / "reports/mini/results").glob("*.json")}
    assert {"ada", "kim", "nothing", "Zoë with a space"} <= results


def test_a_full_disk_is_said_once_and_nothing_is_half_written(mini, quick, monkeypatch):
    submit(mini, "ada", ANSWERS)

    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("pytools.grading.results.os.replace", full)
    with pytest.raises(CourseError, match=r"mini\.ipynb cannot be written: No space left"):
        grade()
    assert list(mini.glob("autograded/ada/mini/*")) == []


def test_stopped_by_the_keyboard(mini, monkeypatch):
    submit(mini, "ada", ANSWERS)

    def interrupted(*arguments):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(console, "grade", interrupted)
    with pytest.raises(CourseError, match=r"Stopped\. 0 of 1 submissions are graded and saved"):
        grade()


def test_a_line_is_a_line():
    result = Result("a\x1b[31mda\nx", "mini", FAILED, "It broke\noff.")
    assert console.line(result, 5).count("�") == 3
    assert "\n" not in console.line(result, 5)
    late = Result("ada", "mini", GRADED, penalty=1.5)
    assert "1.5 points off for handing in late." in console.line(late, 5)


def test_the_program_says_it_in_one_line(mini):
    for arguments in (["grade", "mini"], ["report", "mini"]):
        done = course(mini, *arguments)
        assert done.returncode == 1
        assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
