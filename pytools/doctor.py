"""The environment check behind `course doctor` and the first notebook."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from importlib import metadata
from pathlib import Path

from pytools.table import CELL, FAIL, PASS

__all__ = ["Finding", "examine", "report", "show"]

DISTRIBUTION = "backprop-to-captions"
PYTHON = shlex.quote(sys.executable)
INSTALL = f"{PYTHON} -m pip install"
COLOUR = {"OK": PASS, "WARN": "#b54708", "FAIL": FAIL, "optional": "#667085"}

# In a process of its own: a broken pair can take its process down with it.
PROBE = """
import json, torch, torchvision
print(json.dumps(torch.cuda.get_device_name() if torch.cuda.is_available() else None))
"""
PROBE_SECONDS = 60  # usually 3; the first import after a new installation reads 5 GB
PAIR = ("torch", "torchvision")
FULL_DATA_GIB = 2


@dataclass(frozen=True)
class Finding:
    """One row: what was looked at, how it stands, what was found, the command that mends it."""

    name: str
    status: str  # "OK", "WARN", "FAIL", or "optional" for what is missing and may be
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything, in a few seconds. What cannot be looked at is a FAIL, not an error."""
    checks = (python, packages, torch_pair, kernel, validate, data, tools)
    with ThreadPoolExecutor() as pool:  # torch takes the longest to ask
        return [finding for findings in pool.map(_guarded, checks) for finding in findings]


def report(findings: list[Finding] | None = None) -> str:
    """The findings as aligned lines of text; `examine`s when none are given."""
    findings = examine() if findings is None else findings
    width = max(len(f.name) for f in findings)
    lines = []
    for f in findings:
        lines.append(f"{f.status:<8}  {f.name:<{width}}  {f.found}")
        if f.mend:
            lines.append(f"{'':<{width + 12}}{f.mend}")
    return "\n".join([*lines, "", _summary(findings)])


def show() -> None:
    """Display the findings as a table in a notebook."""
    from IPython.display import HTML, display

    findings = examine()
    display(HTML(html(findings)))


def html(findings: list[Finding]) -> str:
    rows = "".join(_row(finding) for finding in findings)
    return f'<table style="margin:2px 0">{rows}</table><b>{escape(_summary(findings))}</b>'


# --- the checks: each yields findings ---------------------------------------------------------


def python() -> Iterator[Finding]:
    from packaging.specifiers import SpecifierSet

    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    version = ".".join(map(str, sys.version_info[:3]))
    if SpecifierSet(wanted).contains(version, prereleases=True):
        yield Finding("Python", "OK", f"{version} ({sys.executable})")
    else:
        mend = "rm -rf .venv; make lab PYTHON=python3.12"
        yield Finding("Python", "FAIL", f"{version}, but the course needs {wanted}", mend)


def packages() -> Iterator[Finding]:
    """Every package that the course requires, without importing any."""
    for wanted in _requirements():
        mend = _reinstall_pair() if wanted.name in PAIR else f"{INSTALL} {shlex.quote(str(wanted))}"
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Finding(wanted.name, "FAIL", f"missing; needs {wanted.specifier}", mend)
            continue
        if wanted.specifier.contains(version, prereleases=True):
            yield Finding(wanted.name, "OK", version)
        else:
            yield Finding(wanted.name, "FAIL", f"{version}, but needs {wanted.specifier}", mend)


def torch_pair() -> Iterator[Finding]:
    """Torch and torchvision together (compiled operators load), and the device they find."""
    name = " + ".join(PAIR)
    probe = [sys.executable, "-c", PROBE]
    try:
        run = subprocess.run(probe, capture_output=True, text=True, timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        yield Finding(name, "WARN", f"not imported within {PROBE_SECONDS} s: look once more")
        return
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
        fault = "do not match" if "torchvision::" in reason else "cannot be imported"
        versions = f"torch {_version('torch')} and torchvision {_version('torchvision')}"
        yield Finding(name, "FAIL", f"{versions} {fault} ({reason})", _reinstall_pair())
        return
    yield Finding(name, "OK", "match; compiled operators load")
    device = json.loads(run.stdout.splitlines()[-1])
    if device:
        yield Finding("Device", "OK", f"cuda ({device})")
    elif shutil.which("nvidia-smi"):
        yield Finding("Device", "WARN", "cpu: torch cannot use the NVIDIA driver", "nvidia-smi")
    else:
        yield Finding("Device", "OK", f"cpu ({os.cpu_count()} cores)")


def kernel() -> Iterator[Finding]:
    """The kernel named python3, which every notebook asks for, must be this very interpreter."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    starts = spec.argv[0]
    # jupyter_client puts its own interpreter in the place of these names
    own = ("python", f"python{sys.version_info[0]}", "python{}.{}".format(*sys.version_info))
    if starts in own or _same_program(starts, sys.executable):
        yield Finding("Jupyter kernel", "OK", "python3 is this Python")
        return
    inside = Path(spec.resource_dir).is_relative_to(sys.prefix)
    yield Finding(
        "Jupyter kernel",
        "FAIL",
        f"python3 starts {starts}, not {sys.executable}",
        f"{PYTHON} -m ipykernel install --sys-prefix"
        if inside
        else f"{PYTHON} -m jupyter kernelspec remove python3",
    )


def validate() -> Iterator[Finding]:
    """nbgrader's Validate button: its server half and its page half."""
    from jupyter_core.paths import jupyter_config_path, jupyter_path
    from jupyter_server.extension.config import ExtensionConfigManager

    server = "nbgrader.server_extensions.validate_assignment"
    config = ExtensionConfigManager(read_config_path=jupyter_config_path())
    name = "Validate button"
    if not config.get_jpserver_extensions().get(server):
        mend = f"{PYTHON} -m jupyter server extension enable --sys-prefix {server}"
        yield Finding(name, "FAIL", "nbgrader's server extension is not enabled", mend)
        return
    page = "@jupyter/nbgrader"
    if not any(Path(folder, page).is_dir() for folder in jupyter_path("labextensions")):
        mend = f"{INSTALL} --force-reinstall --no-deps nbgrader"
        yield Finding(name, "FAIL", "nbgrader's JupyterLab extension is not installed", mend)
        return
    disabled = _disabled_extensions() & {page, f"{page}:validate-assignment"}
    if disabled:
        extension = min(disabled)
        mend = f"{PYTHON} -m jupyter labextension enable {extension}"
        yield Finding(name, "FAIL", f"JupyterLab has {extension} disabled", mend)
    else:
        yield Finding(name, "OK", "nbgrader's extension is enabled")


def data() -> Iterator[Finding]:
    """The folder that data sets are downloaded to, and the room that is left there."""
    from pytools.data import data_root

    try:
        folder = data_root()
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        mend = 'export COURSE_DATA="$HOME/course-data"'
        yield Finding("Data folder", "FAIL", str(error), mend)
        return
    yield Finding("Data folder", "OK", str(folder))
    free = shutil.disk_usage(folder).free / 2**30
    yield Finding(
        "Disk space",
        "OK" if free >= FULL_DATA_GIB else "WARN",
        f"{free:.1f} GiB free; all full data sets take {FULL_DATA_GIB}",
    )


def tools() -> Iterator[Finding]:
    """What only maintainers and instructors need."""
    wanted = (
        ("Chromium", ("chromium", "chromium-browser", "google-chrome"), "tests in a browser"),
        ("bubblewrap", ("bwrap",), "grading in a sandbox"),
    )
    for name, programs, purpose in wanted:
        path = next(filter(None, map(shutil.which, programs)), None)
        if path:
            yield Finding(name, "OK", path)
        else:
            mend = f"sudo apt-get install {name.lower()}"
            yield Finding(name, "optional", f"not installed; only for {purpose}", mend)


# --- helpers ------------------------------------------------------------------------------------


def _guarded(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """A check's findings; where it breaks off, a FAIL that names the error."""
    findings = []
    try:
        findings.extend(check())
    except Exception as error:
        name = check.__name__.replace("_", " ").capitalize()
        found = f"{type(error).__name__}: {error}"
        findings.append(Finding(name, "FAIL", found, f"{INSTALL} -r requirements.lock"))
    return findings


def _requirements() -> list:
    """The course's own requirements, as installed, without the extras'."""
    from packaging.requirements import Requirement

    wanted = map(Requirement, metadata.requires(DISTRIBUTION) or ())
    return [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]


def _reinstall_pair() -> str:
    """Uninstalled first: pip takes a CPU-only torch 2.12.1+cpu for the torch==2.12.1 it has."""
    pins = " ".join(str(r) for r in _requirements() if r.name in PAIR)
    return f"{PYTHON} -m pip uninstall -y {' '.join(PAIR)} && {INSTALL} {pins}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(missing)"


def _same_program(one: str, other: str) -> bool:
    """The same file in the same folder: every environment's python is a link to one program."""
    if os.path.realpath(os.path.dirname(one)) != os.path.realpath(os.path.dirname(other)):
        return False
    return os.path.realpath(one) == os.path.realpath(other)


def _disabled_extensions() -> set[str]:
    """What `jupyter labextension disable` has noted, in any of Jupyter's folders."""
    from jupyter_core.paths import jupyter_config_path

    disabled = {}
    for folder in reversed(jupyter_config_path()):  # the first folder has the last word
        file = Path(folder, "labconfig", "page_config.json")
        if file.is_file():
            noted = json.loads(file.read_text()).get("disabledExtensions", {})
            disabled |= noted if isinstance(noted, dict) else dict.fromkeys(noted, True)
    return {name for name, off in disabled.items() if off}


def _summary(findings: list[Finding]) -> str:
    faults = sum(finding.status == "FAIL" for finding in findings)
    if not faults:
        return "All is ready."
    return f"{faults} to mend: run the command below each FAIL in a terminal, then look again."


def _row(finding: Finding) -> str:
    colour = COLOUR[finding.status]
    mend = f"<br><code>{escape(finding.mend)}</code>" if finding.mend else ""
    return (
        '<tr style="background:none">'
        f'<td style="{CELL}; color:{colour}; font-weight:600">{finding.status}</td>'
        f'<td style="{CELL}; white-space:nowrap">{escape(finding.name)}</td>'
        f'<td style="{CELL}">{escape(finding.found)}{mend}</td></tr>'
    )
