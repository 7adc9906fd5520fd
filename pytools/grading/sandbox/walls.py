"""What a sandbox contains: the command that makes one with bubblewrap.

All namespaces are its own: user, process, mount, network, IPC, host name. It sees Python, this
package and the system's libraries, all read-only, and nothing else of the machine's files. It may
write into one folder of limited size, which is gone afterwards, and into the files that it is
given for its answers. Its user has no capabilities and can get none.

A grader who is root becomes nobody first: in a user namespace of root's, the kernel's user would
own what root owns, device files and system settings among them, and no limit on processes holds.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytools
from pytools.errors import CourseError
from pytools.grading.sandbox.limits import Limits

PACKAGE = Path(pytools.__file__).parent
ANSWERS = "exercises/answers"  # rooms of the package that give solutions away
REFERENCE, MODELS = "scratch", "models"
ABSENT = PACKAGE / "grading" / "sandbox" / "absent.py"  # what stands in their place

SCRATCH = Path("/tmp", "course")  # as the kernel sees it
WORK, HOME, HANDED_IN = SCRATCH / "work", SCRATCH / "home", SCRATCH / "answers"

USER = 1000  # in the sandbox
NOBODY = 65534  # outside, where the grader is root
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/fonts")
SYSTEM += ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime")

INSTALL = "Install version 0.8 or later: sudo apt install bubblewrap (Fedora: dnf)."
OTHERWISE = "Or trust every submission, and grade with --sandbox none."


def command(
    limits: Limits,
    answers: Sequence[Path] = (),
    hidden: Iterable[str] = (ANSWERS, REFERENCE),
) -> list[str]:
    """The command line of a sandbox; what is to run in it comes after it.

    answers are files of the grader's that the kernel may write to, as HANDED_IN / their name.
    hidden names rooms of pytools to leave out.
    """
    seen = {path: path for path in readable()}
    if fonts := _font_list():
        seen[fonts] = HOME / fonts.name
    size = str(limits.scratch)
    line = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    line += ["--uid", str(USER), "--gid", str(USER), "--hostname", "course"]
    line += ["--new-session", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    line += ["--dev-bind", "/dev/null", "/dev/zero"]  # shared memory that nothing would count
    line += ["--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    line += ["--size", size, "--tmpfs", "/tmp"]
    for folder in (WORK, HOME, HANDED_IN):
        line += ["--dir", str(folder)]
    for path in SYSTEM:
        line += ["--ro-bind-try", path, path]
    for source, path in seen.items():
        line += ["--ro-bind", str(source), str(path)]
    for path in answers:
        line += ["--bind", str(path), str(HANDED_IN / path.name)]
    for room in hidden:
        line += ["--tmpfs", str(PACKAGE / room)]
        line += ["--ro-bind", str(ABSENT), str(PACKAGE / room / "__init__.py")]
        line += ["--remount-ro", str(PACKAGE / room)]
    line += ["--remount-ro", "/", "--chdir", str(WORK), "--"]
    return line if os.geteuid() else _as_nobody([*seen, *answers]) + line


def _as_nobody(sources: Iterable[Path]) -> list[str]:
    """The command that lets root run another one as nobody, who can still reach the sources."""
    line = ["bwrap", "--unshare-pid", "--die-with-parent"]
    line += ["--tmpfs", "/tmp", "--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc"]
    for path in map(Path, (*SYSTEM, *sources)):
        for folder in reversed(path.parents[:-1]):
            line += ["--dir", str(folder)]  # made by --bind, it would be root's alone
        line += ["--bind-try", str(path), str(path)]
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [*line, "--chdir", "/", "--", *drop, "--"]


def hand_over(path: Path) -> None:
    """Let the kernel's user own a file that it is to write to."""
    if not os.geteuid():
        os.chown(path, NOBODY, NOBODY)


def readable() -> list[Path]:
    """The folders that hold this Python and this package, outer ones first."""
    folders = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]}
    if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path:
        folders.add(Path(site.getusersitepackages()))
    folders.add(PACKAGE)
    system = [Path(path) for path in SYSTEM]
    return sorted(f for f in folders if not any(f.is_relative_to(path) for path in system))


def environment() -> dict[str, str]:
    """The whole environment of a kernel: nothing is passed on from the grader's own."""
    home = str(HOME)
    own = dict.fromkeys(("HOME", "TMPDIR", "COURSE_HOME", "IPYTHONDIR", "MPLCONFIGDIR"), home)
    return own | {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "USER": "student",
        "LOGNAME": "student",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONNOUSERSITE": "" if site.ENABLE_USER_SITE else "1",
    }


@functools.cache
def available() -> str:
    """'' where kernels can be sandboxed; else one line that says why not, and what to do."""
    if sys.platform != "linux":
        return f"The sandbox needs Linux; this is {sys.platform}. {OTHERWISE}"
    if not shutil.which("bwrap"):
        return f"The sandbox needs bubblewrap, which is not installed. {INSTALL} {OTHERWISE}"
    for folder in (*SYSTEM, *readable()):
        if Path.cwd().is_relative_to(folder):
            return (
                f"The sandbox shows {folder} to every notebook, and the current folder lies in "
                f"it. Use a Python environment that does not contain the course. {OTHERWISE}"
            )
    trial = subprocess.run(
        [*command(Limits()), sys.executable, "-c", "import pytools"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    return "" if trial.returncode == 0 else explain(trial.stderr)


def require() -> None:
    """CourseError where kernels cannot be sandboxed."""
    if reason := available():
        raise CourseError(reason)


def explain(said: str) -> str:
    """What a sandbox that did not start has said, and what to do."""
    lines = said.strip().splitlines() or ["it gave no reason"]
    line = lines[-1].removeprefix("bwrap: ").rstrip(".")
    if re.search("unknown option", line, re.IGNORECASE):
        return f"This bubblewrap is too old ({line}). {INSTALL} {OTHERWISE}"
    if re.search("namespace|uid map|permission|not permitted", line, re.IGNORECASE):
        return (
            f"This system lets nobody make a sandbox ({line}). User namespaces have to be "
            "allowed: on Ubuntu, sysctl kernel.apparmor_restrict_unprivileged_userns=0; in Docker, "
            "--security-opt seccomp=unconfined --security-opt systempaths=unconfined. "
            f"{OTHERWISE}"
        )
    return f"The sandbox does not start ({line}). {OTHERWISE}"


@functools.cache
def _font_list() -> Path | None:
    """Matplotlib's list of fonts, without which each kernel would spend seconds on its own."""
    import matplotlib
    from matplotlib import font_manager

    path = (
        Path(matplotlib.get_cachedir()) / f"fontlist-v{font_manager.FontManager.__version__}.json"
    )
    return path if path.is_file() else None
