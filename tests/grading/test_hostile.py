"""Hostile cells, each in a sandboxed kernel: none gets what it wants, the next kernel is fine.

Every probe is harmless where the sandbox fails: signals are 0, children end by themselves, less
than 4 GB are touched, loops have a deadline, addresses are this machine's.
"""

import ast
import os
import platform
import socket
import time
from pathlib import Path

import pytest
from cells import HONEST, assert_honest_kernel_is_fine, needs_sandbox, run, small

from pytools.grading.sandbox import calls, walls
from pytools.grading.sandbox.limits import GB, MB

pytestmark = needs_sandbox
both = pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
REPOSITORY = Path(__file__).parents[2]
SECRET = "correct-horse-battery-staple"

TRY = """\
def attempt(action):
    try:
        return repr(action())
    except BaseException as error:
        return type(error).__name__
"""


@pytest.fixture(params=[False, True], ids=["cold", "warm"], scope="module")
def ask(request, tmp_path_factory):
    """The answers of a single kernel to all questions below, which do it no harm."""
    folder = tmp_path_factory.mktemp("course")
    secret = folder / "gradebook.db"
    secret.write_text(SECRET)
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as server:
        patch.setenv("GRADER_SECRET", SECRET)
        patch.chdir(folder)
        places = {
            "secret": str(secret),
            "student": str(folder / "submitted" / "bob"),
            "home": str(Path.home()),
            "repository": str(REPOSITORY),
            "solutions": str(REPOSITORY / "solutions"),
            "package": str(walls.PACKAGE),
            "port": server.getsockname()[1],
            "grader": os.getpid(),
            "scratch": str(walls.SCRATCH),
            "readable": [str(path) for path in walls.readable()],
        }
        cells = [f"import os, socket, sys\nplace = {places!r}\n{TRY}", *QUESTIONS.values()]
        ran = run([*cells, HONEST], warm=request.param)
    assert ran.shown[-1] == "45" and not ran.died
    yield dict(zip(QUESTIONS, ran.shown[1:], strict=False))
    assert secret.read_text() == SECRET
    assert_honest_kernel_is_fine(request.param)


QUESTIONS = {
    "gradebook": "print(attempt(lambda: open(place['secret']).read()))",
    "student": "print(attempt(lambda: os.listdir(place['student'])))",
    "solutions": "print(attempt(lambda: os.listdir(place['solutions'])))",
    "repository": "print(attempt(lambda: os.listdir(place['repository'])))",
    "home": """\
found = [os.path.join(top, name) for top, _, names in os.walk(place["home"]) for name in names]
print([path for path in found if not path.startswith(tuple(place["readable"]))])""",
    "password file": "print(attempt(lambda: open('/etc/passwd').read()))",
    "environment": f"""\
texts = [str(dict(os.environ))]
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        texts.append(open(f"/proc/{{pid}}/environ").read())
    except OSError:
        pass
print({SECRET!r} in "".join(texts))""",
    "processes": "print(len([pid for pid in os.listdir('/proc') if pid.isdigit()]))",
    "signal": "print(attempt(lambda: os.kill(place['grader'], 0)))",
    "write": """\
inside = [os.path.join(place["package"], "new"), "/new", "/usr/new", "/dev/new"]
inside += [os.path.join(path, "new") for path in place["readable"]]
print({attempt(lambda: open(path, "w")) for path in inside})""",
    "write outside": "print(attempt(lambda: open(place['secret'], 'w')))",
    "own program": "print(attempt(lambda: open('/proc/self/exe', 'r+b')))",
    "devices": "print(attempt(lambda: os.chmod('/dev/null', 0o666)))",
    "settings": "print(attempt(lambda: open('/proc/sys/kernel/core_pattern', 'r+')))",
    "server": """\
print(attempt(lambda: socket.create_connection(("127.0.0.1", place["port"]), timeout=1)))""",
    "name": "print(attempt(lambda: socket.getaddrinfo('localhost.invalid', 80)))",
    "interfaces": "print([name for _, name in socket.if_nameindex()])",
    "answers": """\
from pytools.exercises import answers
print(os.listdir(os.path.dirname(answers.__file__)))
print(attempt(lambda: __import__("pytools.exercises.answers.backprop")))
print(attempt(lambda: answers.backprop.graph_gradients))
print(attempt(lambda: answers.backprop()))""",
    "reference": """\
from pytools import exercises, scratch
print(os.listdir(os.path.dirname(scratch.__file__)))
print(attempt(lambda: __import__("pytools.scratch.backprop")))
print(attempt(lambda: scratch.graph_gradients(1.0, 2.0, 3.0)))
print(attempt(lambda: exercises.get("backprop.graph_gradients").reference))""",
    "borrowed": """\
print([name for name in sys.modules if name.startswith(("pytools.scratch.", "pytools.exercises.a"))
       and name != "pytools.exercises.answers"])""",
    "unseen memory": """\
import mmap
print(attempt(lambda: os.memfd_create("x")), attempt(lambda: mmap.mmap(-1, 4096)),
      attempt(lambda: mmap.mmap(os.open("/dev/zero", os.O_RDWR), 4096)))""",
    "calls": """\
import ctypes, errno, platform
from pytools.grading.sandbox import calls
libc, column = ctypes.CDLL(None, use_errno=True), calls.MACHINES.index(platform.machine())
said = {(libc.syscall(numbers[column], 0, 0, 0), ctypes.get_errno())
        for numbers in calls.CALLS.values()}
print(said == {(-1, errno.ENOSYS)}, "Seccomp:\\t2" in open("/proc/self/status").read())""",
    "own memory": """\
print(len(mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))""",
    "capabilities": """\
status = open("/proc/self/status").read().splitlines()
held = {line.split()[1] for line in status if line.startswith("Cap")}
print(held, "NoNewPrivs:\\t1" in status)""",
    "own namespace": """\
import ctypes
print(ctypes.CDLL(None).unshare(0x10000000))""",
    "open files": """\
def outside(number):
    target = os.readlink(f"/proc/self/fd/{number}")
    return target.startswith("/") and not target.startswith(("/dev/", place["scratch"]))
print([number for number in os.listdir("/proc/self/fd")
       if os.path.lexists(f"/proc/self/fd/{number}") and outside(number)])""",
}


@pytest.mark.parametrize("place", ["gradebook", "student", "solutions", "password file"])
def test_files_of_others_do_not_exist(ask, place):
    assert ask[place] == "FileNotFoundError"


def test_of_the_repository_there_is_the_package_alone(ask):
    """And what holds this Python, where that lies in the repository too."""
    expected = {str(walls.PACKAGE.name)}
    for path in walls.readable():
        if path.is_relative_to(REPOSITORY):
            expected.add(path.relative_to(REPOSITORY).parts[0])
    assert set(ast.literal_eval(ask["repository"])) == expected


def test_home_is_not_there(ask):
    assert ask["home"] == "[]"


def test_nothing_of_the_grader_is_seen(ask):
    assert ask["environment"] == "False"
    assert int(ask["processes"]) <= 3
    assert ask["signal"] == "ProcessLookupError"
    assert ask["open files"] == "[]"


def test_nothing_outside_is_written(ask):
    assert ast.literal_eval(ask["write"]) <= {"OSError", "PermissionError"}
    assert ask["write outside"] == "FileNotFoundError"
    assert ask["own program"] in ("OSError", "PermissionError")
    assert ask["devices"] == "PermissionError"
    assert ask["settings"] in ("OSError", "PermissionError")


def test_there_is_no_network(ask):
    assert ask["server"] == "ConnectionRefusedError"
    assert ask["name"] == "gaierror"
    assert ask["interfaces"] == "['lo']"


def test_answers_and_reference_are_not_there(ask):
    """Their packages are empty: what is imported from them leads to nothing."""
    nothing = ["['__init__.py']", "ModuleNotFoundError"]
    assert ask["answers"].splitlines() == [*nothing, "AttributeError", "RuntimeError"]
    assert ask["reference"].splitlines()[:3] == [*nothing, "RuntimeError"]
    assert ask["reference"].splitlines()[3].endswith("Error")
    assert ask["borrowed"] == "[]"


def test_no_memory_that_nobody_would_count(ask):
    """It is refused before there is any; a process's own is given."""
    assert ask["unseen memory"] == "OSError OSError OSError"
    assert ask["own memory"] == "4096"


@pytest.mark.skipif(platform.machine() not in calls.MACHINES, reason="their numbers are not known")
def test_system_calls_that_no_notebook_needs(ask):
    assert ask["calls"] == "True True"


def test_no_capabilities_and_no_way_to_them(ask):
    assert ask["capabilities"] == "{'0000000000000000'} True"
    assert ask["own namespace"] == "-1"


# --- too much --------------------------------------------------------------------------------


PROCESSES = """\
import os, time
children = []
try:
    for _ in range(200):
        child = os.fork()
        if not child:
            time.sleep(2)
            os._exit(0)
        children.append(child)
except OSError as error:
    print(type(error).__name__, len(children) < 100)
else:
    print("made", len(children))
time.sleep(2)
"""


@both
def test_200_processes(warm):
    """The system refuses them, or the watchdog sees them: whichever is first."""
    ran = run([PROCESSES], warm)
    if ran.died:
        assert ran.reason == "It had more than 64 processes and threads at a time."
    else:
        assert ran.shown == ["BlockingIOError True"]
    assert_honest_kernel_is_fine()


ARRAY = "import numpy as np\nnp.zeros(30 * 2**30, np.uint8).size"


@both
def test_a_30_gb_array(warm):
    """Refused in the cell; the kernel goes on."""
    ran = run([ARRAY, HONEST], warm)
    assert "Unable to allocate 30.0 GiB" in ran.shown[0] and ran.shown[1] == "45"
    assert_honest_kernel_is_fine()


SHARED_OUT = """\
import ctypes, os, signal, time
import numpy as np
done, held = os.pipe(), os.pipe()
for _ in range(7):
    if not os.fork():
        signal.alarm(15)  # ends it
        os.close(held[1])
        {first}
        piece = np.ones({size} * 2**20, np.uint8)
        os.write(done[1], b".")
        os.read(held[0], 1)
        os._exit(0)
    os.read(done[0], 1)
time.sleep(2)
os.close(held[1])
print("untroubled")
"""
HIDE = "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"  # nobody but root may look at it any more
# Of each, and of all: a warm kernel counts 1 GB of torch's as its own, whatever it uses of them.
SIZES = {False: (60, 320 * MB), True: (150, 1280 * MB)}


@both
@pytest.mark.parametrize("first", ["pass", HIDE], ids=["", "hidden"])
def test_memory_shared_out_over_processes(warm, first):
    """No process has too much, all together have."""
    size, most = SIZES[warm]
    ran = run([SHARED_OUT.format(first=first, size=size)], warm, limits=small(memory=most))
    assert ran.died and ran.reason == f"It used more than {most / GB:.3g} GB of memory."
    assert_honest_kernel_is_fine()


COPIES = """\
import os, time
import numpy as np
piece = np.ones({size} * 2**20, np.uint8)
for _ in range(7):
    if not os.fork():
        time.sleep(1)
        os._exit(0)
for _ in range(7):
    os.wait()
print("untroubled")
"""


@both
def test_memory_that_processes_share_counts_once(warm):
    size, most = SIZES[warm]
    code = COPIES.format(size=size)
    assert run([code], warm, limits=small(memory=most)).shown == ["untroubled"]


FILE = """\
total = 0
try:
    with open("large", "wb") as file:
        for _ in range(100):
            file.write(bytes(2**20))
            file.flush()
            total += 1
except OSError as error:
    print(error.strerror, total)
"""
FILES = """\
total = 0
try:
    for number in range(100):
        with open(f"part{number}", "wb") as file:
            file.write(bytes(2**20))
        total += 1
except OSError as error:
    print(error.strerror, total)
"""


def test_a_100_mb_file_and_100_mb_of_files():
    ran = run([FILE, "import os; os.remove('large')", FILES, HONEST])
    assert ran.shown[0] == "File too large 16"
    assert ran.shown[2].startswith("No space left on device 6")
    assert ran.shown[3] == "45"
    assert_honest_kernel_is_fine()


@both
def test_200_mb_printed(warm):
    """Cut with a note, by print and past it."""
    past = "import os; _ = os.write(1, b'y' * 200_000_000)"
    ran = run(["print('x' * 200_000_000)", past, "45"], warm)
    assert ran.shown[0].endswith("… cut here: more than 1,000,000 characters were printed.")
    assert len(ran.shown[0]) < 1_000_100 and len(ran.shown[1]) < 100
    assert ran.shown[2] == "45"
    assert_honest_kernel_is_fine()


FIGURES = """\
from IPython.display import HTML, display
for _ in range(12):
    display(HTML("z" * 2**20))
"""


def test_12_mb_displayed():
    """The client takes 4 MB of it, then says that it stopped."""
    ran = run([FIGURES, "45"])
    assert ran.shown[0].endswith("… cut here: the notebook showed more than 4 MB.")
    assert not ran.died
    assert_honest_kernel_is_fine()


STUBBORN = """\
import time
end = time.time() + 10
while time.time() < end:
    try:
        while time.time() < end:
            pass
    except KeyboardInterrupt:
        pass
"""


def test_a_loop_that_catches_interrupts():
    ran = run(["import os", STUBBORN], seconds=1)
    assert ran.stuck and ran.shown == [""]
    assert_honest_kernel_is_fine()


def test_a_loop_that_is_interrupted():
    """Interrupts do reach into the sandbox."""
    assert run([STUBBORN.replace("KeyboardInterrupt", "OSError"), "45"], seconds=1).shown == [
        "KeyboardInterrupt:",
        "45",
    ]


def test_processor_time():
    ran = run([STUBBORN], limits=small(processor=1))
    assert ran.died and ran.reason == "It used more than 1 seconds of processor time."
    assert_honest_kernel_is_fine()


@both
def test_a_kernel_that_exits(warm):
    ran = run(["import os; os._exit(3)"], warm)
    assert ran.died and ran.reason == ""
    assert_honest_kernel_is_fine()


DEEP = """\
import sys
sys.setrecursionlimit({})
def f(n):
    return f(n + 1)
try:
    f(0)
except (RecursionError, MemoryError) as error:
    print(type(error).__name__)
"""


def test_deep_recursion():
    """With the guard lifted it runs out of memory, of time, or dies: only itself."""
    ran = run([DEEP.format(3000), DEEP.format(10**7)], seconds=4)
    assert ran.shown[0] == "RecursionError"
    assert ran.died or ran.stuck or ran.shown[1] == "MemoryError"
    assert_honest_kernel_is_fine()


@both
def test_a_child_that_outlives_its_kernel(warm, tmp_path):
    """It ends with the sandbox: the file that it would write to afterwards stays empty."""
    late = tmp_path / "late.npz"
    code = f"""\
import os, time
if not os.fork():
    os.setsid()
    time.sleep(1.5)
    open({str(walls.HANDED_IN / late.name)!r}, "w").write("too late")
    os._exit(0)
"""
    run([code], warm, answers=[late])
    assert_honest_kernel_is_fine()
    time.sleep(1.6)
    assert late.read_bytes() == b""
