"""What may be wrong with a Dask cluster is said in one line, and nothing is lost.

`test_equal_marks` has the cluster on which a worker is killed and all is well.
"""

import shutil
import sys

import pytest
from classroom import REPOSITORY, mini_notebook, plan_of, right, submit
from dask_cluster import cluster, unused_port

from pytools.errors import CourseError
from pytools.grading import cluster as module
from pytools.grading.course import Course
from pytools.grading.options import NONE, Options
from pytools.grading.results import GRADED, read_results
from pytools.grading.run import grade

pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("cluster")
ANSWERS = right(mini_notebook())
SLOW = ANSWERS | {"graph_gradients": f"{ANSWERS['graph_gradients']}\nimport time; time.sleep(0.5)"}


@pytest.fixture
def dask(tmp_path):
    with cluster(tmp_path) as running:
        yield running


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 2)


def graded(root, students, address, after=lambda count: None, **options):
    """Grade, calling `after` with the number of results so far."""
    results = []
    options = Options(scheduler=address, **options)
    for result, _ in grade(Course(), plan_of(root), students, options):
        results.append(result)
        after(len(results))
    return results


def test_the_scheduler_goes(mini, dask, patience):
    """What was saved stays; the rest has no mark; the next run does the rest."""
    students = [f"s{number}" for number in range(6)]
    for student in students:
        submit(mini, student, SLOW)
    dask.worker()

    def kill(count):
        dask.scheduler.kill()

    with pytest.raises(CourseError, match=r"The Dask scheduler at tcp://.* has gone\. What is"):
        graded(mini, students, dask.address, kill, sandbox=NONE)
    saved = read_results(mini / "reports/mini/results")
    assert 0 < len(saved) < 6 and {result.points for result in saved} == {5.0}
    rest = list(grade(Course(), plan_of(mini), students, Options(sandbox=NONE)))
    assert {(result.status, result.points) for result, _ in rest} == {(GRADED, 5.0)}
    assert sum(not new for _, new in rest) == len(saved)


def test_no_scheduler(mini, patience):
    address = f"tcp://127.0.0.1:{unused_port()}"
    submit(mini, "ada", ANSWERS)
    with pytest.raises(CourseError, match=rf"No Dask scheduler answers at {address}.*dask sched"):
        graded(mini, ["ada"], address)
    with pytest.raises(CourseError, match="No Dask scheduler answers at nonsense"):
        graded(mini, ["ada"], "nonsense://x")


def test_no_worker(mini, dask):
    submit(mini, "ada", ANSWERS)
    with pytest.raises(CourseError, match=r"has no workers\. Start some with: dask worker tcp://"):
        graded(mini, ["ada"], dask.address)


def test_a_worker_without_bubblewrap(mini, dask, tmp_path):
    submit(mini, "ada", ANSWERS)
    dask.worker(env={"PATH": str(tmp_path)})
    with pytest.raises(CourseError, match=r"The worker tcp://.* cannot grade: .*bubblewrap"):
        graded(mini, ["ada"], dask.address)
    assert not (mini / "reports").exists()
    assert [r.points for r in graded(mini, ["ada"], dask.address, sandbox=NONE)] == [5.0]


def test_a_worker_with_another_state_of_the_course(mini, dask, tmp_path):
    submit(mini, "ada", ANSWERS)
    shutil.copytree(REPOSITORY / "pytools", tmp_path / "other" / "pytools")
    with (tmp_path / "other" / "pytools" / "scoring.py").open("a") as file:
        file.write("# changed\n")
    dask.worker(env={"PYTHONPATH": str(tmp_path / "other")})
    with pytest.raises(CourseError, match=r"The worker tcp://.* another state of the course"):
        graded(mini, ["ada"], dask.address)


def test_without_dask(mini, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CourseError, match=r"--scheduler needs Dask\. Install it with: pip"):
        graded(mini, [], "tcp://127.0.0.1:1")
