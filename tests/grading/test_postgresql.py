"""The gradebook in PostgreSQL, by its URL: a real server, on a Unix socket of its own."""

import csv
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from classroom import mini_notebook, nbgrader, right, submit, without_kernels

from pytools.errors import CourseError
from pytools.grading import console, pool
from pytools.grading.course import Course
from pytools.grading.options import NONE, Options
from pytools.grading.save import register

ANSWERS = right(mini_notebook())
NO_DRIVER = "no driver: pip install 'psycopg[binary]'"
NOBODY = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}  # no server as root


def use(root, url):
    with (root / "nbgrader_config.py").open("a") as config:
        config.write(f"c.CourseDirectory.db_url = {url!r}\n")


def program(name):
    """A program of the server's; Debian keeps them outside the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(kept[-1]) if kept else None)


@pytest.fixture(scope="module")
def server():
    """The URL of an empty database."""
    pytest.importorskip("psycopg", reason=NO_DRIVER)
    if not program("postgres"):
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    data = folder / "data"
    if NOBODY:
        shutil.chown(folder, **NOBODY)
    environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def run(*line):
        subprocess.run(line, check=True, capture_output=True, env=environment, cwd="/", **NOBODY)

    control = [program("pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    run(program("initdb"), "-D", str(data), "-U", "grader", "--auth=trust", "--no-sync")
    run(*control, "-o", f"-c listen_addresses='' -c unix_socket_directories={folder}", "start")
    try:
        yield f"postgresql+psycopg://grader@/postgres?host={folder}"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_class_in_postgresql(mini, server, monkeypatch, capsys):
    (mini / "gradebook.db").unlink()
    use(mini, server)
    monkeypatch.setattr(pool, "execute", without_kernels)

    def graded():
        console.grade_and_tell(Course(), "mini", [], Options(sandbox=NONE))
        return capsys.readouterr().out

    submit(mini, "ada", ANSWERS)
    submit(mini, "bob", ANSWERS)
    (submit(mini, "cleo", ANSWERS) / "mini.ipynb").write_text("{")
    assert "3 submissions: 2 graded, 1 failed" in graded()
    assert "3 were graded before and have not changed" in graded()
    folder = submit(mini, "l" * 129, ANSWERS)  # a name that nbgrader's tables have no room for
    said = graded()
    assert "It cannot be saved (" in said and "too long" in said
    assert "4 submissions: 2 graded, 2 failed" in said
    shutil.rmtree(folder.parent)
    shutil.copy(mini / "submitted/ada/mini/mini.ipynb", mini / "submitted/cleo/mini")
    assert "3 submissions: 3 graded (2 were graded before" in graded()
    exported = nbgrader(mini, "export")
    assert exported.returncode == 0, exported.stderr
    with (mini / "grades.csv").open() as file:
        scores = {row["student_id"]: row["score"] for row in csv.DictReader(file)}
    assert scores == {"ada": "5.0", "bob": "5.0", "cleo": "5.0"}
    assert not (mini / "gradebook.db").exists()


@pytest.mark.parametrize(
    "url, said",
    [
        ("mysql+pymysql://u:secret@h/d", "needs the database driver 'pymysql'. Install it, for"),
        ("oddsql://u:secret@h/d", "no such kind of database: 'oddsql'. Write sqlite:///"),
    ],
)
def test_a_database_without_a_driver(mini, capfd, url, said):
    use(mini, url)
    with pytest.raises(CourseError, match=said) as error:
        register(Course(), "mini")
    assert "secret" not in str(error.value) and capfd.readouterr() == ("", "")


def test_a_server_that_is_not_there(mini, capfd):
    pytest.importorskip("psycopg", reason=NO_DRIVER)
    use(mini, f"postgresql+psycopg://u:secret@/d?host={mini}")
    with pytest.raises(CourseError, match=r"\*\*\*@.* cannot be reached: ") as error:
        register(Course(), "mini")
    assert "secret" not in str(error.value) and capfd.readouterr() == ("", "")
