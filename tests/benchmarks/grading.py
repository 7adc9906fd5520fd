"""How fast is a class graded? `nbgrader autograde` against `course grade`, on the same submissions.

All ways grade the same class in turn, so that they meet the same machine. Seconds are of the whole
program, from start to end: on the clock, and of processor time, which says more where others use
the machine too (it is read every 0.05 s, so the last moments of each process are missed). Not a
test: `make bench-grading`, or with a choice of one's own

    python tests/benchmarks/grading.py --notebook torch --sizes 20 --rounds 1

nbgrader runs the demo cells of 01_backprop too; the small torch notebook has none.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

sys.path.insert(0, str(Path(__file__).parents[1] / "grading"))

from classroom import REPOSITORY, check_cell, right, solution_cell, submit, write_course, wrong

from pytools import build
from pytools.cli import SOME_OPEN
from pytools.grading.course import Course
from pytools.grading.sandbox.limits import Limits
from pytools.grading.sandbox.watch import Watchdog, below
from pytools.grading.save import register

MISTAKES = {
    "graph_gradients": "own_factor",
    "numerical_gradient": "not_restored",
    "relative_error": "guard_forgotten",
    "unbroadcast": "first_copy_only",
    "matmul_backward": "transposes_forgotten",
}
TRAIN = """\
from sklearn.datasets import load_digits
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
sgd = torch.optim.SGD(net.parameters(), lr=0.5)
for _ in range(50):
    sgd.zero_grad()
    torch.nn.functional.cross_entropy(net(x), y).backward()
    sgd.step()
"""
BY_AUTOGRAD = """\
def graph_gradients(x, y, z):
    ### BEGIN SOLUTION
    x, y, z = (torch.tensor(a, requires_grad=True) for a in (x, y, z))
    c = (x * y + z).sum()
    return c, *torch.autograd.grad(c, (x, y, z))
    ### END SOLUTION"""
PRODUCT = """\
def matmul_backward(grad, a, b):
    ### BEGIN SOLUTION
    a, b = (torch.tensor(array, requires_grad=True) for array in (a, b))
    return torch.autograd.grad(a @ b, (a, b), torch.tensor(grad))
    ### END SOLUTION"""
NBGRADER = "nbgrader autograde"
WAYS = {
    NBGRADER: [],
    "course grade --cold, 1 worker": ["--cold", "--workers", "1"],
    "course grade --cold, 2 workers": ["--cold", "--workers", "2"],
    "course grade, 1 worker": ["--workers", "1"],
    "course grade, 2 workers": ["--workers", "2"],
}
BEST = "course grade, 2 workers"


def torch_notebook() -> NotebookNode:
    """A small notebook of Part II's kind: it imports torch, trains a net, asks two questions."""
    cells = [
        new_markdown_cell("# A small torch notebook", id="title"),
        new_code_cell(
            "import numpy as np\nimport torch\n\nfrom pytools import check", id="imports"
        ),
        new_code_cell(TRAIN, id="train"),
        solution_cell("graph_gradients", BY_AUTOGRAD),
        check_cell("graph_gradients", 2),
        solution_cell("matmul_backward", PRODUCT),
        check_cell("matmul_backward", 3),
    ]
    return new_notebook(metadata={"kernelspec": build.KERNEL}, cells=cells)


def make_class(root: Path, name: str, size: int) -> None:
    """A course in which so many students have handed in, right, wrong and blank in turn."""
    root.mkdir()
    if name == "torch":
        write_course(root, torch_notebook(), name)
    else:
        paths, here = build.Paths(REPOSITORY, name), build.Paths(root, name)
        for source, target in ((paths.pair, here.pair), (paths.release, here.release)):
            target.parent.mkdir(parents=True)
            shutil.copy(source, target)
        shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    answers = right(nbformat.read(build.Paths(root, name).pair, as_version=4))
    rng = random.Random(size)
    for number in range(size):
        submit(root, f"student{number:03d}", dict(_cells(answers, rng)), name)
    os.chdir(root)
    register(Course(), name)


def _cells(answers: dict[str, str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Each exercise is right in 70 % of all cases, wrong in 20 %, else blank."""
    for function, source in answers.items():
        luck = rng.random()
        if luck < 0.7:
            yield function, source
        elif luck < 0.9 and function in MISTAKES:
            yield function, wrong(f"backprop.{function}", MISTAKES[function])


def program(way: str, name: str) -> list[str]:
    if way == NBGRADER:
        return [sys.executable, "-m", "nbgrader", "autograde", name, "--force"]
    start = [sys.executable, "-c", "from pytools.cli import main; main()"]
    return [*start, "grade", name, "--again", *WAYS[way]]


def seconds(way: str, name: str, root: Path) -> tuple[float, float]:
    """On the clock, and of processor time: of one whole run, which has to end well."""
    meter = Watchdog([os.getpid()], Limits(), lambda: None)  # counts what has ended, too
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        running = subprocess.Popen(program(way, name), cwd=root, stdout=said, stderr=said)
        while running.poll() is None:
            used = meter.measure().processor
            time.sleep(0.05)
        took = time.monotonic() - began
        if running.returncode not in (0, SOME_OPEN):
            said.seek(0)
            sys.exit(f"{way} ended with {running.returncode}:\n{said.read()[-4000:]}")
    return took, used


def peak_memory(name: str, root: Path, workers: int) -> tuple[float, int]:
    """MB of all processes together (PSS), and how many of them, at the highest of all samples."""
    command = [*program(BEST, name), "--workers", str(workers)]
    running = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    peak = (0.0, 0)
    while running.poll() is None:
        sizes = [_pss(pid) for pid in (running.pid, *below(running.pid))]
        peak = max(peak, (sum(sizes), len(sizes)))
        time.sleep(0.05)
    return peak


def _pss(pid: int) -> float:
    """MB that a process takes, what it shares with others counted in part."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


@dataclass(frozen=True)
class Cost:
    """Of one submission, in seconds."""

    clock: float
    processor: float


def compare(name: str, size: int, ways: list[str], rounds: int, folder: Path) -> dict[str, Cost]:
    """What a submission costs each way; the medians of the rounds."""
    roots = {}
    for tool in {way.split()[0] for way in ways}:
        roots[tool] = folder / f"{name}-{size}-{tool}"
        make_class(roots[tool], name, size)
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            took[way].append(seconds(way, name, roots[way.split()[0]]))
            clock, processor = (total / size for total in took[way][-1])
            print(f"    {way:32} {clock:7.2f} s each, {processor:5.2f} s of processor", flush=True)
    return {
        way: Cost(*(statistics.median(times) / size for times in zip(*runs, strict=True)))
        for way, runs in took.items()
    }


def bench(name: str, options: argparse.Namespace, folder: Path) -> None:
    costs: dict[int, dict[str, Cost]] = {}
    for size in options.sizes:
        slow = size > options.most_nbgrader
        ways = [BEST] if slow and not options.all else list(WAYS)
        ways = [way for way in ways if way != NBGRADER or not slow]
        print(f"\n{name}, {size} submissions, load {os.getloadavg()[0]:.1f}", flush=True)
        costs[size] = compare(name, size, ways, options.rounds, folder)
    base = next((c[NBGRADER] for c in costs.values() if NBGRADER in c), None)
    print(f"\n{name}: submissions a minute, and how many times nbgrader's; processor time likewise")
    for size, by_way in costs.items():
        for way, cost in by_way.items():
            line = f"  {size:4}  {way:32} {60 / cost.clock:7.1f}"
            if base:
                line += f"  × {base.clock / cost.clock:4.1f}"
                line += f"   {cost.processor:5.2f} s  × {base.processor / cost.processor:4.1f}"
            print(line)
    few, many = min(costs), max(costs)
    if few < many:
        more, less = costs[many][BEST], costs[few][BEST]
        print(
            f"  a submission of {many} costs {more.clock / less.clock:.2f} of one of {few}, "
            f"{more.processor / less.processor:.2f} of its processor time"
        )
    if options.memory:
        root = folder / f"{name}-{few}-course"
        peak, processes = peak_memory(name, root, options.memory)
        print(f"  peak memory, {options.memory} workers: {peak:.0f} MB in {processes} processes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebook", nargs="+", default=["01_backprop", "torch"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[20, 200])
    parser.add_argument("--rounds", type=int, default=2, help="how often each way has its turn")
    parser.add_argument("--most-nbgrader", type=int, default=20, help="submissions for nbgrader")
    parser.add_argument("--all", action="store_true", help="every way at every size")
    parser.add_argument("--memory", type=int, default=4, help="workers; 0: do not measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as folder:
        for name in options.notebook:
            bench(name, options, Path(folder))
        os.chdir(REPOSITORY)


if __name__ == "__main__":
    main()
