"""Start JupyterLab on the course, with nothing in the student's way."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path

from pytools.errors import CourseError

PORTS = range(8888, 8988)
START = Path("course/00_start_here/00_start_here.ipynb")

# JupyterLab reads labconfig/default_setting_overrides.json in it: no news, no update check, no
# kernel to pick. A user's own settings still win.
CONFIG = Path(__file__).parent / "jupyter_config"


def start(port: int | None = None, browser: bool = True) -> None:
    """Become JupyterLab, serving the current folder; does not return.

    port: the one to serve on; None takes the first free one from 8888 on, and says which.
    browser: open a browser on the first notebook; else only its address is printed.

    Raises CourseError when the current folder holds no course, or the port cannot be had.
    """
    root = Path.cwd()
    if not (root / "course").is_dir():
        raise CourseError(f"No course/ in {root}: run this in the folder that holds course/.")
    argv, environ = command(root, _choose(port), browser)
    os.execve(argv[0], argv, environ)


def command(root: Path, port: int, browser: bool) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of the JupyterLab that serves `root`."""
    page = START if (root / START).is_file() else START.parts[0]
    argv = [
        *(sys.executable, "-m", "jupyterlab", "--log-level=WARN"),
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{page}",
    ]
    if not browser:
        argv.append("--no-browser")
    if os.geteuid() == 0:
        argv.append("--allow-root")
    path = os.pathsep.join(filter(None, [str(CONFIG), os.environ.get("JUPYTER_CONFIG_PATH")]))
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # nbgrader looks on PATH for alembic, which makes a new gradebook.
    return argv, {**os.environ, "JUPYTER_CONFIG_PATH": path, "PATH": programs}


def _choose(port: int | None) -> int:
    """The port asked for, or else the first free one."""
    if port is not None:
        reason = _occupied(port)
        if reason:
            raise CourseError(f"Port {port} {reason}. Try: course lab --port {_free()}")
        return port
    port = _free()
    if port != PORTS[0]:
        print(f"Port {PORTS[0]} is taken: this course is on port {port}.", flush=True)
    return port


def _free() -> int:
    for port in PORTS:
        if not _occupied(port):
            return port
    raise CourseError(f"Ports {PORTS[0]} to {PORTS[-1]} are taken: close a server, or name a port.")


def _occupied(port: int) -> str:
    """Why `port` cannot be had on this machine; empty when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return "is taken" if taken else f"cannot be used ({error.strerror})"
    return ""
