"""Hostile submissions and ten honest ones in one batch, through the whole of `course grade`.

None gets what it wants, none stops the batch, and each has a status and words for it. What the
sandbox itself refuses is proved in test_hostile.py; this is about a class. Every probe is harmless
where the sandbox fails: signals are 0, children end by themselves within 2 s, less than 4 GB are
touched, loops have a deadline, addresses are this machine's.
"""

import os
import shutil
import socket
from pathlib import Path

import nbformat
import pytest
from cells import needs_sandbox
from classroom import course, gradebook_content, submit
from ten import OWN, RIGHT, TEN, assert_ten_untouched, hand_in_ten, results, scores

from pytools.cli import SOME_OPEN
from pytools.grading.sandbox import walls

pytestmark = [needs_sandbox, pytest.mark.xdist_group("hostile class")]

SECRET = "correct-horse-battery-staple"
GOOD, FIRST = RIGHT["graph_gradients"], "backprop-graph_gradients"
ANSWERS = [str(walls.HANDED_IN / f"{FIRST}.{number}.npz") for number in (0, 1)]

# --- looking where there is nothing to see: full marks, and nothing found --------------------

TRY = """\
import os, socket
place = {place!r}

def attempt(action):
    try:
        print("GOT", repr(action())[:200])
    except BaseException as error:
        print("refused", type(error).__name__)

"""
LOOK = {
    "gradebook": "attempt(lambda: open(place['gradebook'], 'rb').read(9))",
    "neighbour": "attempt(lambda: open(place['neighbour']).read(9))",
    "solutions": "attempt(lambda: os.listdir(place['solutions']))",
    "results": "attempt(lambda: os.listdir(place['results']))",
    "home": """\
def first(paths):
    return [open(path, "rb").read(9) for path in paths if os.path.exists(path)][0]
attempt(lambda: first(place["home"]))""",
    "environment": "attempt(lambda: os.environ['GRADER_SECRET'])",
    "parent's": "attempt(lambda: open(f'/proc/{os.getppid()}/environ').read().index('SECRET'))",
    "write": "attempt(lambda: open(place['new'], 'w').write('x'))",
    "overwrite": "attempt(lambda: open(place['gradebook'], 'r+b').write(b'x'))",
    "connect": "attempt(lambda: socket.create_connection(place['server'], timeout=1))",
    "resolve": "attempt(lambda: socket.getaddrinfo('localhost.invalid', 80))",
    "signal": "attempt(lambda: os.kill(place['grader'], 0))",
}

# --- taking too much: the work counts as far as it was done ----------------------------------

TOO_MUCH = {
    "processes": """\
import os, time
try:
    for _ in range(200):
        os.posix_spawn("/usr/bin/sleep", ["sleep", "2"], {})
except OSError as error:
    print(error.strerror)
time.sleep(1)""",
    "array": "np.zeros(30 * 2**30, np.uint8)",
    "file": "open('large', 'wb').write(bytes(100 * 2**20))",
    "print": "print('x' * 200_000_000)",
    "past print": "import os\n_ = os.write(1, b'y' * 200_000_000)",
    "endless": """\
import time
end = time.time() + 14
while time.time() < end:
    try:
        while time.time() < end:
            pass
    except KeyboardInterrupt:
        pass""",
    "exit": "import os\nos._exit(0)",
    "recursion": """\
import sys
def down(n):
    return down(n + 1)
for most in (3_000, 300_000):
    sys.setrecursionlimit(most)
    try:
        down(0)
    except RecursionError:
        print(most, "is deep")""",
}
# status, points and words; for "processes" the system or the watchdog may be the first
ENDS = {
    "array": ("graded", 5.0, ""),
    "file": ("graded", 5.0, ""),
    "print": ("graded", 5.0, ""),
    "past print": ("graded", 5.0, ""),
    "endless": ("needs review", 0.0, "could not be stopped"),
    "exit": ("failed", None, "The kernel died in the cell 'backprop-graph_gradients-solution'"),
    "recursion": ("graded", 5.0, ""),
}

# --- forging: the first exercise is wrong, and earns nothing ---------------------------------

PACKED = """\
import io, json, threading, atexit, time
import numpy as np
answers = {answers!r}

def packed():
    row = {{"names": ["c", "grad_x", "grad_y", "grad_z"], "fault": None, "changed": [],
           "unsteady": False, "printed": ""}}
    values = {{f"{{i}}.{{name}}": np.ones((2, 3)) for i in range(8) for name in row["names"]}}
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps([row] * 8)), **values)
    return buffer.getvalue()

def write(data=packed()):
    for path in answers:
        try:
            open(path, "r+b").write(data)
        except OSError:
            open(path, "wb").write(data)

"""
FORGED = {
    "check": "import pytools\ncheck = pytools.check = lambda *a, **k: 2.0",
    "scoring": """\
import pytools.scoring, pytools.exercise
pytools.scoring.score = pytools.scoring.close = lambda *a: True""",
    "numpy": """\
import numpy
numpy.allclose = numpy.array_equal = numpy.isclose = lambda *a, **k: True
numpy.savez = lambda file, **arrays: file.write(b"full marks")""",
    "builtins": """\
import builtins
builtins.abs = lambda value: 0.0
builtins.isinstance = lambda *a: True""",
    "display": """\
import IPython.display, pytools.grading.inside as inside
own = inside.answer
def forged(path, *rest):
    own(path, *rest)
    IPython.display.display(IPython.display.HTML("<b>2 of 2 points</b>"))
    return 2.0
inside.answer = forged""",
    "settrace": """\
import sys
def tracer(frame, event, argument):
    if frame.f_code.co_name == "collect":
        frame.f_globals["flatten"] = lambda result, outputs: {name: 1.0 for name in outputs}
    return tracer
sys.settrace(tracer)""",
    "transformer": """\
import ast
class Paid(ast.NodeTransformer):
    def visit_Call(self, node):
        return ast.copy_location(ast.Constant(2.0), node)
get_ipython().ast_transformers.append(Paid())""",
    "equal": """\
class Equal:
    __array_priority__ = 1e9
    __eq__ = __le__ = __lt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self
    __iter__ = lambda self: iter([self] * 4)
def graph_gradients(x, y, z):
    return Equal()""",
    "lying array": """\
class Always(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __array_function__ = __array_ufunc__ = lambda self, *rest, **more: True
def graph_gradients(x, y, z):
    return (x.view(Always),) * 4""",
    "lazy array": """\
class Lazy:
    shape, dtype, calls = (), np.dtype(float), 0
    def __array__(self, dtype=None, copy=None):
        Lazy.calls += 1
        return np.full(10 ** (Lazy.calls % 3), Lazy.calls, float)
def graph_gradients(x, y, z):
    return Lazy(), Lazy(), Lazy(), Lazy()""",
    "before": f"{PACKED.format(answers=ANSWERS)}write()\ngraph_gradients = None",
    "during": f"""\
{PACKED.format(answers=ANSWERS)}
import pytools.grading.inside as inside
own = inside.answer
inside.answer = lambda path, name, *rest: write() if "graph" in name else own(path, name, *rest)""",
    "within": f"""\
{PACKED.format(answers=ANSWERS)}
def graph_gradients(x, y, z):
    write()
    raise SystemExit""",
    "thread": f"""\
{PACKED.format(answers=ANSWERS)}
def later(end=time.time() + 2):
    while time.time() < end:
        write()
        time.sleep(0.01)
threading.Thread(target=later, daemon=True).start()""",
    "atexit": f"{PACKED.format(answers=ANSWERS)}atexit.register(write)",
    "child": f"""\
{PACKED.format(answers=ANSWERS)}
import os
if not os.fork():
    time.sleep(1)
    write()
    os._exit(0)""",
    "no answer": f"""\
{PACKED.format(answers=ANSWERS)}
import os
for path in answers:
    os.chmod(path, 0)""",
    "reference": """\
from pytools.scratch import graph_gradients as known
def graph_gradients(x, y, z):
    return known(x, y, z)""",
    "answers": """\
from pytools import exercises
def graph_gradients(x, y, z):
    return exercises.get("backprop.graph_gradients").reference(x, y, z)""",
}


# --- the batch -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(mini_template, tmp_path_factory):
    """The course after one `course grade` of everybody, and what the program printed."""
    root = tmp_path_factory.mktemp("hostile") / "course"
    shutil.copytree(mini_template, root)
    hand_in_ten(root)
    planted = root.parent / ".netrc"
    planted.write_text(SECRET)
    home = [str(path) for path in [planted, *Path.home().glob(".*"), *Path.home().glob("*")]]
    home = [path for path in home if os.path.isfile(path) and os.access(path, os.R_OK)]
    before = (root / "nbgrader_config.py").read_bytes()
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as server:
        patch.setenv("GRADER_SECRET", SECRET)
        place = {
            "gradebook": str(root / "gradebook.db"),
            "neighbour": str(root / "submitted" / "ada" / "mini" / "mini.ipynb"),
            "solutions": str(root / "solutions"),
            "results": str(root / "reports"),
            "home": home,
            "new": str(root / "planted"),
            "server": server.getsockname(),
            "grader": os.getpid(),
        }
        for name, probe in LOOK.items():
            hand_in(root, name, f"{GOOD}\n\n{TRY.format(place=place)}{probe}")
        for name, probe in TOO_MUCH.items():
            hand_in(root, name, f"{GOOD}\n\n{probe}")
        for name, probe in FORGED.items():
            hand_in(root, name, f"{OWN}\n\n{probe}")
        done = course(root, "grade", "mini", "--seconds", "5")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody has called
    assert done.returncode == SOME_OPEN, done.stderr
    assert (root / "nbgrader_config.py").read_bytes() == before
    return root, done


def hand_in(root, name, first):
    submit(root, name, RIGHT | {"graph_gradients": first})


def shown(root, student):
    """All that the student's notebook has put out, after grading."""
    path = root / "autograded" / student / "mini" / "mini.ipynb"
    return str([cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells])


def test_the_ten_are_untouched(graded):
    assert_ten_untouched(graded[0])


def test_everybody_has_a_line_and_nothing_else_is_said(graded):
    root, done = graded
    everybody = {*TEN, *LOOK, *TOO_MUCH, *FORGED}
    assert set(results(root)) == everybody
    assert len(done.stdout.splitlines()) == len(everybody) + 1
    assert done.stderr == "" and "Traceback" not in done.stdout


def test_every_status_has_words(graded):
    for student, row in results(graded[0]).items():
        assert row["sandbox"] == "warm", student
        assert bool(row["reason"]) == (row["status"] != "graded"), student
        assert "Error" not in row["reason"], student


@pytest.mark.parametrize("student", LOOK)
def test_who_looks_around_finds_nothing_and_has_the_marks_for_the_work(graded, student):
    root, _ = graded
    row = results(root)[student]
    assert (row["status"], row["points"]) == ("graded", 5.0)
    said = shown(root, student)
    assert "refused " in said and "GOT" not in said and SECRET not in said


def test_nothing_outside_was_changed(graded):
    root, _ = graded
    assert not (root / "planted").exists()
    assert {path.name for path in (root / "submitted").iterdir()} == set(results(root))
    assert gradebook_content(root)[0] == "BEGIN TRANSACTION;"


@pytest.mark.parametrize("student", ENDS)
def test_who_takes_too_much_is_stopped(graded, student):
    row = results(graded[0])[student]
    status, points, words = ENDS[student]
    assert (row["status"], row["points"]) == (status, points)
    assert words in row["reason"]


def test_who_starts_too_many_processes(graded):
    row = results(graded[0])["processes"]
    if row["status"] == "failed":
        assert "It had more than 96 processes and threads at a time." in row["reason"]
    else:
        assert row["points"] == 5.0
        assert "Resource temporarily unavailable" in shown(graded[0], "processes")


def test_what_is_printed_without_end_is_cut(graded):
    assert "… cut here: more than 1,000,000 characters" in shown(graded[0], "print")
    sizes = [p.stat().st_size for p in graded[0].glob("autograded/*/mini/mini.ipynb")]
    assert max(sizes) < 2_000_000


@pytest.mark.parametrize("student", FORGED)
def test_a_forger_earns_nothing(graded, student):
    root, _ = graded
    row = results(root)[student]
    first, second = row["marks"]
    assert first["points"] in (0.0, None) and second["points"] in (0.0, 3.0, None)
    assert scores(root)[student] in (0.0, 3.0, None)
    path = root / "autograded" / student / "mini" / "mini.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.get("id") == FIRST:
            assert "2 of 2" not in str(cell.outputs)


# Of these a person need not judge anything: they are simply wrong, and their other work counts.
PLAIN = ("check", "scoring", "display", "equal", "lying array", "lazy array", "before", "during")
PLAIN += ("within", "atexit", "child", "reference", "answers")


@pytest.mark.parametrize("student", PLAIN)
def test_a_forger_s_honest_work_counts(graded, student):
    row = results(graded[0])[student]
    assert (row["status"], row["points"]) == ("graded", 3.0)


# These broke the way that answers are handed in, the first for one exercise, the others for both.
UNREADABLE = {"no answer": 3.0, "numpy": 0.0, "settrace": 0.0, "transformer": 0.0}


@pytest.mark.parametrize("student", UNREADABLE)
def test_what_left_no_answer_is_for_a_person(graded, student):
    row = results(graded[0])[student]
    assert (row["status"], row["points"]) == ("needs review", UNREADABLE[student])
    assert row["reason"] == "The check left no readable answer."


FLAGGED = {
    "reference": "graph_gradients: it uses the reference: pytools.scratch.graph_gradients",
    "answers": "graph_gradients: it uses the reference: pytools.exercises",
    "display": "it reaches for the grader: pytools.grading.inside",
    "settrace": "sys.settrace (line ",
    "transformer": "it may hide what it calls: get_ipython",
}


@pytest.mark.parametrize("student", FLAGGED)
def test_a_person_is_told_what_to_look_at(graded, student):
    assert FLAGGED[student] in results(graded[0])[student]["flags"][0]
