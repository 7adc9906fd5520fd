"""The house itself: its requirements agree, its floors only look down, its files stay portable."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = [
    line for line in (ROOT / "requirements.lock").read_text().splitlines() if line[:1] not in "#"
]

# A room of pytools/ imports from the floors above its line in this table, and from itself.
FLOORS = (
    {"errors"},
    {"data", "exercise", "scratch"},
    {"findings", "transport"},
    {"scoring"},
    {"models"},
    {"exercises", "widgets"},
    {"progress", "table"},
    {"build", "checking", "doctor", "lab"},
    {"grading"},
    {"cli"},
)


def requirements(*extras):
    """pyproject's requirements, with those of the extras."""
    project = PROJECT["project"]
    return project["dependencies"] + [
        line for extra in extras for line in project["optional-dependencies"][extra]
    ]


# --- requirements -------------------------------------------------------------------------------


def test_environment_yml_equals_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    wanted = [*requirements("grading", "test"), "-e ."]
    missing, extra = sorted(set(wanted) - set(pip)), sorted(set(pip) - set(wanted))
    assert not missing, f"add to environment.yml: {missing}"
    assert not extra, f"take out of environment.yml: {extra}"
    assert f"python{PROJECT['project']['requires-python']}" in environment["dependencies"]


def test_lock_is_exact_pins_without_addresses():
    pin = re.compile(r"[a-z0-9-]+==[\w.!+]+( ; [\w.\s'*<>=!()]+)?")
    assert LOCK
    assert [line for line in LOCK if not pin.fullmatch(line)] == []


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_lock_satisfies_pyproject(python, platform):
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
        "implementation_name": "cpython",
        "os_name": "posix",
    }
    locked = {}
    for pin in map(Requirement, LOCK):
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in locked, f"{pin.name} is pinned twice"
            (specifier,) = pin.specifier
            locked[pin.name] = specifier.version
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = requirements(*extras) + PROJECT["build-system"]["requires"]
    unmet = [
        f"{r}, locked: {locked.get(canonicalize_name(r.name))}"
        for r in map(Requirement, wanted)
        if not r.specifier.contains(locked.get(canonicalize_name(r.name), "0"))
    ]
    assert not unmet, f"run make lock: {unmet}"


# --- imports ------------------------------------------------------------------------------------


def test_import_pytools_is_light():
    """Prints the time against numpy's own; asserts what is loaded, not how long it took."""
    code = """
import sys, time
start = time.perf_counter()
import numpy
middle = time.perf_counter()
import pytools
end = time.perf_counter()
print((end - start) / (middle - start))
heavy = {"torch", "sklearn", "matplotlib", "scipy", "IPython"} & set(sys.modules)
sys.exit(f"import pytools loads {heavy}" if heavy else 0)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    print(f"import pytools takes {float(run.stdout):.2f} times as long as import numpy")


MODULES = sorted((ROOT / "pytools").rglob("*.py"))
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path):
    """The room that a module belongs to; '' for pytools/__init__.py."""
    first = path.relative_to(ROOT / "pytools").parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path):
    """Every module or name that the file imports anywhere, by its full name; `import a` is "a."."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (f"{alias.name}." for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_used(path):
    """The rooms of pytools/ that the file imports from, besides its own."""
    used = {name.split(".")[1] for name in imports(path) if name.startswith("pytools.")}
    return used - {room_of(path), ""}


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} - {""} <= set(FLOOR_OF)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "pytools")))
def test_a_room_imports_only_from_floors_below(path):
    own = FLOOR_OF.get(room_of(path), len(FLOORS))
    above = {room for room in rooms_used(path) if FLOOR_OF.get(room, own) >= own}
    assert not above, f"{path.relative_to(ROOT)} may not import {above}"


@pytest.mark.parametrize("room", ["models", "scratch"])
def test_a_room_that_grading_may_leave_out_is_imported_as_a_whole(room):
    """In its place stands a package whose names can be imported, but which has no modules."""
    others = [path for path in MODULES if room_of(path) != room and path.parent.name != "answers"]
    for path in others:
        parts = [name for name in imports(path) if name.startswith(f"pytools.{room}.")]
        modules = [name for name in parts if name.count(".") > 2]
        assert not modules, (
            f"{path.relative_to(ROOT)} imports {modules}: take it from pytools.{room}"
        )


def test_only_the_command_line_imports_grading():
    users = {room_of(path) for path in MODULES if "grading" in rooms_used(path)}
    assert users <= {"cli"}


def test_scratch_imports_only_numpy_and_scipy():
    allowed = {"numpy", "scipy", "pytools", *sys.stdlib_module_names}
    for path in (ROOT / "pytools" / "scratch").rglob("*.py"):
        foreign = {name.split(".")[0] for name in imports(path)} - allowed
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


# --- files --------------------------------------------------------------------------------------

FORBIDDEN = {
    "a machine's path": re.compile(
        r"(?<![\w.~}])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)(?:/\w|\b)"
    ),
    "a registry's address": re.compile(
        r"pypi[.]org|python[h]osted|[-_]index[-_]url\s*[= ]\s*\S*://"
    ),
}


def tracked_files():
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("this is no git repository")
    return [ROOT / name for name in run.stdout.split("\0") if name]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names_this_machine(what):
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (UnicodeDecodeError, OSError):
            continue  # not text, or removed but not yet committed
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1)
            if FORBIDDEN[what].search(line)
        ]
    assert not found, f"{what} in\n" + "\n".join(found)
