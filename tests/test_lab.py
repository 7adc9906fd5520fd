"""`course lab`: where it may start, on which port, and what JupyterLab then serves."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from pytools import cli, lab
from pytools.errors import CourseError


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with a course of one empty notebook, made the current one."""
    notebook = tmp_path / lab.START
    notebook.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def taken():
    """A port that another program listens on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def started(monkeypatch):
    """The command lines that would have replaced this process."""
    calls = []
    monkeypatch.setattr(lab.os, "execve", lambda program, argv, environ: calls.append(argv))
    return calls


def test_it_opens_the_first_notebook(course, started):
    lab.start(browser=False)
    (argv,) = started
    assert f"--ServerApp.root_dir={course}" in argv
    assert f"--LabApp.default_url=/lab/tree/{lab.START}" in argv
    assert "--no-browser" in argv


def test_without_the_first_notebook_it_opens_the_folder(course):
    Path(lab.START).unlink()
    argv, _ = lab.command(course, 8888, browser=True)
    assert "--LabApp.default_url=/lab/tree/course" in argv
    assert "--no-browser" not in argv


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_only_to_root(course, monkeypatch, user, allowed):
    monkeypatch.setattr(lab.os, "geteuid", lambda: user)
    argv, _ = lab.command(course, 8888, browser=True)
    assert ("--allow-root" in argv) is allowed


def test_a_users_own_configuration_path_is_kept(course, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/somewhere")
    _, environ = lab.command(course, 8888, browser=True)
    assert environ["JUPYTER_CONFIG_PATH"] == f"{lab.CONFIG}:/somewhere"


def test_no_course_here(tmp_path, monkeypatch, started):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=f"No course/ in {tmp_path}: run this in"):
        lab.start()
    assert not started


def test_the_port_asked_for_is_taken(course, taken, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["course", "lab", "--port", str(taken)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert re.fullmatch(rf"Port {taken} is taken. Try: course lab --port \d+\n", error)


def test_no_port_asked_for_takes_the_next_free_one(course, taken, started, monkeypatch, capsys):
    monkeypatch.setattr(lab, "PORTS", range(taken, taken + 20))
    lab.start()
    port = int(re.search(r"--ServerApp.port=(\d+)", " ".join(started[0]))[1])
    assert port > taken
    assert capsys.readouterr().out == f"Port {taken} is taken: this course is on port {port}.\n"


def test_no_port_is_free(course, taken, monkeypatch):
    monkeypatch.setattr(lab, "PORTS", range(taken, taken + 1))
    with pytest.raises(CourseError, match="are taken"):
        lab.start()


def wait_for(port):
    """Return when the port takes connections; the test's own time limit ends the wait."""
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port)).close()
        time.sleep(0.1)


@pytest.mark.timeout(120)
def test_jupyterlab_serves_the_course_without_asking(course):
    """The real server: it answers, and its settings are those that ask nothing."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    course_lab = [sys.executable, "-c", "from pytools.cli import main; main()", "lab"]
    server = subprocess.Popen(
        [*course_lab, "--no-browser", "--port", str(port)], stderr=subprocess.PIPE, text=True
    )
    try:
        address = re.compile(r"(http://127\S+?)(/lab\S*)\?token=(\w+)")
        base, page, token = next(filter(None, map(address.search, server.stderr))).groups()
        assert page == f"/lab/tree/{lab.START}"

        wait_for(port)  # the address is printed just before the port is opened

        def get(path):
            request = urllib.request.Request(
                base + path, headers={"Authorization": f"token {token}"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()

        assert "jupyter-config-data" in get(page)
        asked = json.loads((lab.CONFIG / "labconfig/default_setting_overrides.json").read_text())
        for plugin, defaults in asked.items():
            schema = json.loads(get(f"/lab/api/settings/{plugin}"))["schema"]["properties"]
            assert {name: schema[name]["default"] for name in defaults} == defaults
    finally:
        server.terminate()
        server.communicate(timeout=30)
