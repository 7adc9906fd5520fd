"""Bad input gets one clear line; one student's trouble is nobody else's."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest
from classroom import mini_notebook, outcome, plan_of, right, submit, without_kernels
from typer.testing import CliRunner

from pytools import cli
from pytools.errors import CourseError
from pytools.grading import console, execute, pool, run
from pytools.grading import course as module
from pytools.grading.course import Course
from pytools.grading.execute import Execution
from pytools.grading.options import NONE, Options
from pytools.grading.results import FAILED, GRADED, Result, read_results

ANSWERS = right(mini_notebook())
RIGHT_SUM = ANSWERS["graph_gradients"]
SUM = "backprop-graph_gradients"


def grade(name="mini", students=()):
    console.grade_and_tell(Course(), name, students, Options(workers=1))


@pytest.fixture
def quick(monkeypatch):
    """Notebooks are not run: every check is left without an answer."""

    def execute(notebook, plan, options):
        if "trouble" in str(notebook):
            raise MemoryError("no room for this notebook")
        return Execution(notebook)

    monkeypatch.setattr(pool, "execute", execute)
    monkeypatch.setattr(pool.walls, "require", lambda: None)


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
    submit(mini, "l" * 253, ANSWERS)  # its result has no room for `.json` in its name
    for student in ("nothing", "\udce9 not UTF-8"):
        (mini / "submitted" / student / "mini").mkdir(parents=True)
    grade()
    said = {line[:4]: line for line in capsys.readouterr().out.splitlines()}
    assert "MemoryError: no room for this notebook" in said["kim "]
    assert "no mini.ipynb in the submission" in said["noth"]
    assert "failed" in said["� no"]
    assert "It cannot be saved (OSError: " in said["llll"] and "too long" in said["llll"]
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


FULL_DISK = """\
set -e
mount -t tmpfs -o size=8m tmpfs "$1"; cp -r . "$1"; cd "$1"
dd if=/dev/zero of=filler bs=1k 2>/dev/null || truncate -s -64k filler
grade() { "$2" -c "from pytools.cli import main; main()" grade mini --sandbox none --workers 1; }
grade "$@" >/dev/null && exit 7
ls reports/mini/results | wc -l
rm filler
grade "$@" 2>/dev/null | tail -1"""


def test_a_full_disk(mini, tmp_path):
    """A small one, of memory: what fits is saved, the rest is graded once there is room."""
    namespace = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("nobody may mount anything here")
    for number in range(4):
        submit(
            mini, f"s{number}", ANSWERS | {"graph_gradients": f"{RIGHT_SUM}\nprint('x' * 30_000)"}
        )
    (tmp_path / "disk").mkdir()
    line = [*namespace, "sh", "-c", FULL_DISK, "sh", str(tmp_path / "disk"), sys.executable]
    done = subprocess.run(line, cwd=mini, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    loud, said = done.stderr.splitlines()
    assert "NOT SANDBOXED" in loud
    assert "No space left on device" in said or "the disk is full" in said
    saved, summary = done.stdout.splitlines()
    assert int(saved) < 4 and summary.startswith("4 submissions: 4 graded (")


def test_no_room_for_temporary_files(mini, monkeypatch):
    def full(**options):
        raise OSError(28, "No space left on device", "course-x")

    submit(mini, "ada", ANSWERS)
    monkeypatch.setattr(execute.tempfile, "TemporaryDirectory", full)
    with pytest.raises(CourseError, match=r"cannot be run: .*No space left .*set TMPDIR"):
        grade()
    assert not list(mini.glob("reports/mini/results/*"))


def test_a_gradebook_that_is_locked_half_way(mini, monkeypatch):
    """nbgrader waits 5 s for it; here less. What is saved stays, and the next run goes on."""
    monkeypatch.setattr(pool, "execute", without_kernels)
    (mini / "nbgrader_config.py").open("a").write(
        f"c.CourseDirectory.db_url = 'sqlite:///{mini}/gradebook.db?timeout=0.1'\n"
    )
    students = ["ada", "bob", "cleo"]
    for student in students:
        submit(mini, student, ANSWERS)
    run.prepare(Course(), "mini")
    options = Options(workers=1, sandbox=NONE)
    running = run.grade(Course(), plan_of(mini), students, options)
    next(running)
    other = sqlite3.connect(mini / "gradebook.db", isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(CourseError, match=r"is locked by another program.*what is saved stays"):
        list(running)
    other.close()
    assert len(list(mini.glob("reports/mini/results/*.json"))) == 1
    again = list(run.grade(Course(), plan_of(mini), students, options))
    assert [new for _, new in again].count(False) == 1
    assert {result.points for result, _ in again} == {5.0}


def test_a_gradebook_that_is_locked_for_a_moment(mini, monkeypatch):
    """As by a person who saves a mark in formgrader: it waits, and nobody notices."""
    monkeypatch.setattr(pool, "execute", without_kernels)
    submit(mini, "ada", ANSWERS)
    run.prepare(Course(), "mini")
    other = sqlite3.connect(mini / "gradebook.db", isolation_level=None, check_same_thread=False)
    other.execute("begin exclusive")
    release = threading.Timer(0.5, other.rollback)
    release.start()
    ((result, _),) = run.grade(Course(), plan_of(mini), ["ada"], Options(sandbox=NONE))
    assert release.finished.is_set() and result.points == 5.0
    other.close()


def test_no_bubblewrap(mini):
    submit(mini, "ada", ANSWERS)
    line = [sys.executable, "-c", "from pytools.cli import main; main()", "grade", "mini"]
    elsewhere = {**os.environ, "PATH": str(mini)}
    done = subprocess.run(line, cwd=mini, env=elsewhere, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "apt install bubblewrap" in done.stderr and "--sandbox none" in done.stderr
    assert not list(mini.glob("reports/mini/results/*.json"))


def test_without_a_sandbox_it_is_said_everywhere(mini, monkeypatch, capsys):
    monkeypatch.setattr(pool, "execute", without_kernels)
    submit(mini, "ada", ANSWERS)
    console.grade_and_tell(Course(), "mini", [], Options(sandbox=NONE))
    said = capsys.readouterr()
    assert "NOT SANDBOXED (--sandbox none)" in said.err and said.err.count("\n") == 1
    assert "Not sandboxed." in said.out
    assert [result.sandbox for result in read_results(mini / "reports/mini/results")] == [NONE]
    (comments,) = [rows for name, rows in outcome(mini).items() if name == "comments"]
    assert ("ada", f"{SUM}-solution", "Graded without a sandbox.") in comments


def test_the_exit_code(mini, monkeypatch):
    """0 where all are graded, 3 where somebody failed or has to be looked at."""
    monkeypatch.setattr(pool, "execute", without_kernels)

    def exit_code():
        return CliRunner().invoke(cli.app, ["grade", "mini", "--sandbox", "none"]).exit_code

    def differ(notebook):
        notebook.cells.append(dict(notebook.cells[2], source="def graph_gradients(x, y, z): ..."))

    submit(mini, "ada", ANSWERS)
    assert exit_code() == 0 and exit_code() == 0
    for edit in (differ, lambda notebook: notebook.clear()):  # needs review, failed
        folder = submit(mini, "bob", ANSWERS, edit=edit)
        assert exit_code() == 3 and exit_code() == 3
        shutil.rmtree(folder.parent)
    assert exit_code() == 0


@pytest.mark.parametrize("url", ["gradebook.db", "postgresql://u:secret@host:port/d"])
def test_no_address_of_a_database(mini, url):
    (mini / "nbgrader_config.py").open("a").write(f"c.CourseDirectory.db_url = {url!r}\n")
    with pytest.raises(CourseError, match=r"Write it as sqlite:///gradebook\.db") as said:
        Course()
    assert "secret" not in str(said.value)


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


@pytest.mark.parametrize("command", ["grade", "report"])
def test_the_program_says_it_in_one_line(mini, monkeypatch, capfd, command):
    monkeypatch.setattr(sys, "argv", ["course", command, "mini"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capfd.readouterr()
    assert ended.value.code == 1 and said.out == "" and said.err.count("\n") == 1, said
