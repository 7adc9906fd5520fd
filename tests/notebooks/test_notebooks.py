"""One source, two notebooks, in step: what a reader and a student rely on, notebook by notebook."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from pytools import build, exercises
from pytools.errors import CourseError

COURSE = Path(__file__).parents[2]
ALL = build.select(COURSE, [])
MAX_LINES = 25
by_name = pytest.mark.parametrize("paths", ALL, ids=lambda p: p.name)


def cells(path: Path, kind: str = "code") -> list:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def graded(path: Path) -> list:
    return [c for c in cells(path) if c.metadata.get("nbgrader", {}).get("grade")]


@by_name
def test_pair_and_release_are_in_step_with_the_source(paths):
    assert build.check(paths) == []


def test_nothing_in_course_without_a_source():
    assert build.strays(COURSE) == []


@by_name
def test_solution_executes_with_full_marks(paths, tmp_path, monkeypatch):
    """As CI runs it: papermill, quick profile, another seed than the stored one."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    done = tmp_path / "done.ipynb"
    papermill.execute_notebook(
        str(paths.pair), str(done), {"seed": 1}, cwd=str(tmp_path), progress_bar=False
    )
    for cell in graded(done):
        results = [o for o in cell.outputs if o.output_type == "execute_result"]
        assert float(results[0].data["text/plain"]) == cell.metadata.nbgrader.points, cell.id
    errors = [o for c in cells(done) for o in c.outputs if o.get("name") == "stderr"]
    assert not errors, errors


@by_name
def test_stored_outputs_still_hold(paths, tmp_path):
    """nbval runs the pair again and compares every output that is not marked as changing."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q"]
    command += ["-p", "no:cacheprovider", "--nbval-cell-timeout=120", str(paths.pair)]
    command.append(f"--nbval-sanitize-with={Path(__file__).with_name('nbval.cfg')}")
    environment = {**os.environ, "COURSE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


@by_name
def test_release_holds_no_solution_and_no_hidden_test(paths):
    """No marker, no line that stands in a solution or hidden region, and no output."""
    released = "\n".join(c.source for c in cells(paths.release))
    assert not re.search("SOLUTION|HIDDEN", released)
    for cell in cells(paths.pair):
        for region in re.findall(r"### BEGIN (?:.*?)\n(.*?)### END", cell.source, re.DOTALL):
            lines = [line.strip() for line in region.splitlines()]
            secret = [line for line in lines if len(line) > 12 and not line.startswith("#")]
            kept = re.sub(r"### BEGIN .*?### END [A-Z ]+", "", cell.source, flags=re.DOTALL)
            assert [line for line in secret if line in released and line not in kept] == []
    assert all(c.outputs == [] for c in cells(paths.release))
    assert set(nbformat.read(paths.release, 4).metadata) == {"kernelspec", "language_info"}


@by_name
def test_graded_cells_keep_the_contract(paths):
    """Solution cell, then its test cell; ids, points and seeds as CONTRIBUTING.md says."""
    all_cells = nbformat.read(paths.pair, as_version=4).cells
    for before, cell in itertools.pairwise(all_cells):
        data = cell.metadata.get("nbgrader", {})
        if not data.get("grade"):
            continue
        exercise = exercises.get(data["grade_id"].replace("-", ".", 1))
        assert before.metadata.nbgrader.grade_id == f"{cell.id}-solution"
        assert data["locked"] and not data["solution"]
        calls = re.findall(r'check\("([^"]+)", .+, points=(\d+), seed=(\d+)\)', cell.source)
        assert len(calls) == 2, "a visible and a hidden check"
        assert {name for name, _, _ in calls} == {exercise.id}
        assert {float(points) for _, points, _ in calls} == {data["points"]}
        assert calls[0][2] != calls[1][2], "the hidden seed is another one"
        sections = [c.source for c in all_cells if c.cell_type == "markdown"]
        assert any(f"## {exercise.section}\n" in s + "\n" for s in sections), exercise.section


@by_name
def test_every_exercise_of_the_topic_is_in_the_notebook(paths):
    ids = {c.metadata.nbgrader.grade_id.replace("-", ".", 1) for c in graded(paths.pair)}
    for topic in {name.split(".")[0] for name in ids}:
        assert {name for name in exercises.ids() if name.startswith(f"{topic}.")} == ids


@by_name
def test_cells_are_short_and_figures_have_alt_text(paths):
    for cell in cells(paths.pair):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= MAX_LINES, f"{cell.id} has {len(lines)} lines"
        for output in cell.outputs:
            assert output.output_type != "error"
            if "image/png" in output.get("data", {}):
                alt = re.search(r'<img[^>]* alt="([^"]+)"', output.data.get("text/html", ""))
                assert alt and len(alt.group(1)) > 20, f"{cell.id}: show(fig, alt)"
    first = cells(paths.pair)[0]
    assert first.metadata.tags == ["parameters"] and 'profile = "quick"' in first.source


@by_name
def test_notebook_imports_only_public_names(paths):
    """From pytools, only what a package lists in __all__."""
    import importlib

    source = "\n".join(c.source for c in cells(paths.pair))
    for module, names in re.findall(r"^from (pytools[\w.]*) import (.+)$", source, re.MULTILINE):
        package = importlib.import_module(module)
        for name in (n.strip() for n in names.split(",")):
            public = name in getattr(package, "__all__", [])
            is_module = (COURSE / "pytools" / name).exists() and module == "pytools"
            is_module |= (COURSE / "pytools" / f"{name}.py").exists() and module == "pytools"
            assert public or is_module, f"{module}.{name}"


@pytest.fixture
def copy(tmp_path) -> build.Paths:
    """A copy of the course with its first graded notebook, to be spoilt."""
    for name in ("solutions", "course"):
        shutil.copytree(COURSE / name, tmp_path / name)
    shutil.copy(COURSE / "nbgrader_config.py", tmp_path)
    return build.Paths(tmp_path, "01_backprop")


def test_a_changed_line_is_named(copy):
    text = copy.source.read_text()
    copy.source.write_text(text.replace("c = np.sum(x * y + z)", "c = (x * y + z).sum()"))
    (line,) = build.check(copy)
    assert line.startswith("solutions/01_backprop/01_backprop.ipynb differs from its source")
    assert "backprop-graph_gradients-solution" in line and "course build 01_backprop" in line


def test_a_changed_release_is_named(copy):
    text = copy.release.read_text()
    copy.release.write_text(text.replace("two-layer", "two layer", 1).replace("tape", "Tape", 1))
    (line,) = build.check(copy)
    assert line.startswith("course/01_backprop/01_backprop.ipynb is not what a fresh release gives")


def test_a_stray_release_is_named(copy):
    stray = copy.course / "course" / "99_gone" / "99_gone.ipynb"
    stray.parent.mkdir()
    stray.write_text("{}")
    assert build.strays(copy.course) == [
        "course/99_gone/99_gone.ipynb has no source in solutions/; remove it"
    ]


def test_a_failing_solution_is_named_and_the_old_pair_stays(copy):
    before = copy.pair.read_bytes()
    text = copy.source.read_text()
    copy.source.write_text(text.replace("rng = np.random", "rng = np.randm"))
    with pytest.raises(CourseError, match=r"01_backprop\.py: cell \d+ stopped with AttributeError"):
        build.build(copy)
    assert copy.pair.read_bytes() == before


def test_an_endless_cell_is_cut_off_in_one_line(copy):
    before = copy.pair.read_bytes()
    copy.source.write_text("# %%\nimport time\n\ntime.sleep(1000)\n")
    with pytest.raises(CourseError, match=r"01_backprop\.py: a cell took longer than 1 s"):
        build.execute(copy, cell_timeout=1)
    assert copy.pair.read_bytes() == before


def test_unbalanced_markers_are_refused(copy):
    text = copy.pair.read_text()
    copy.pair.write_text(text.replace("### END SOLUTION", "### END", 1))
    with pytest.raises(CourseError, match="cannot release it"):
        build.release(copy, copy.release)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(CourseError, match="did you mean '01_backprop'"):
        build.select(COURSE, ["01_backprp"])
