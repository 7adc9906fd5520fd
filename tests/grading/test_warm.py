"""Warm kernels: forked from one process, as sandboxed as any, and no memory of one another."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cells import needs_sandbox, run

from pytools.errors import CourseError
from pytools.grading.sandbox import template, walls, warm

pytestmark = needs_sandbox


def test_the_imports_are_done():
    code = (
        "import sys\nprint({'torch', 'matplotlib.pyplot', 'pytools.exercises'} <= set(sys.modules))"
    )
    assert run([code]).shown == ["True"]
    assert run([code], warm=False).shown == ["False"]


def test_what_may_not_be_known_is_not():
    """Neither as a module in memory nor as a file."""
    code = f"import sys\nprint([m for m in sys.modules if m.startswith({template.FORBIDDEN})])"
    assert run([code]).shown == ["[]"]


def test_kernels_share_no_names_and_no_random_numbers():
    code = "import random, numpy as np\nx = [random.random(), np.random.rand()]\nprint(x)"
    first, second = (run([code]).shown[0] for _ in range(2))
    assert not {*first.strip("[]").split(", ")} & {*second.strip("[]").split(", ")}
    assert run(["x"]).shown == ["NameError: name 'x' is not defined"]


def test_environment_and_walls_are_those_of_a_cold_kernel():
    """All that a kernel can read about its own confinement."""
    code = """\
import json, os, resource
lines = open("/proc/self/status").read().splitlines()
status = dict(line.split(":\\t", 1) for line in lines)
kept = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Uid", "Gid", "Groups"]
names = [name for name in dir(resource) if name.startswith("RLIMIT")]
limits = {name: resource.getrlimit(getattr(resource, name)) for name in names}
mounts = sorted(line.split()[1:4] for line in open("/proc/mounts"))
ours = {n: text for n, text in os.environ.items() if n not in ("PWD", "PYDEVD_USE_FRAME_EVAL")}
held = {name: status[name] for name in kept}
print(json.dumps([held, limits, mounts, ours, os.listdir("/"), os.umask(0)]))"""
    cold, hot = run([code], warm=False).shown[0], run([code]).shown[0]
    assert cold == hot and "CapEff" in hot


def test_all_namespaces_are_new():
    names = list(template.NAMESPACES)
    code = f"import os\nprint([os.stat('/proc/self/ns/' + name).st_ino for name in {names}])"
    ours = [os.stat(f"/proc/self/ns/{name}").st_ino for name in names]
    found = [run([code], warm=hot).shown[0] for hot in (False, True)]
    for text in found:
        inside = [int(number) for number in text.strip("[]").split(", ")]
        assert not set(inside) & set(ours)


def test_its_program_cannot_be_changed():
    """/proc/self/exe of a fork leads out of its sandbox: to a sealed copy in memory."""
    code = """\
import os
print(os.readlink("/proc/self/exe"))
for flags in (os.O_WRONLY, os.O_RDWR):
    try:
        os.open("/proc/self/exe", flags)
    except OSError as error:
        print(error.strerror)
try:
    os.truncate("/proc/self/exe", 0)
except OSError as error:
    print(error.strerror)"""
    where, *refused = run([code]).shown[0].splitlines()
    assert where.startswith("/memfd:") and len(refused) == 3


def test_many_at_a_time_from_several_threads():
    """None sees files, shared memory or processes of those beside it."""
    code = """\
import os, time
for name in ("mine", "/dev/shm/mine"):
    open(name, "x")
time.sleep(0.5)
parents = [open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1]
           for pid in filter(str.isdigit, os.listdir("/proc"))]
print(os.listdir(), os.listdir("/dev/shm"), sorted(parents))"""
    before = warm.template()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: run([code]).shown[0], range(8)))
    # the sandbox's first process, what keeps it open, and the kernel, whose parent waits outside
    assert found == ["['mine'] ['mine'] ['0', '0', '1']"] * 8
    assert warm.template() is before


def test_torch_works_in_a_fork():
    """With gradients, threads and processes of its own: nothing of them was there before."""
    code = """\
import torch
from torch.utils.data import DataLoader, TensorDataset
print(torch.get_num_threads(), torch.is_grad_enabled(), torch.initial_seed())
torch.set_num_threads(2)
w = torch.ones(300, 300, requires_grad=True)
(w @ w).sum().backward()
loader = DataLoader(TensorDataset(torch.ones(64, 3)), batch_size=8, num_workers=2)
print(w.grad.mean().item(), sum(batch.sum().item() for (batch,) in loader))"""
    first, second = run([code], seconds=60).shown[0].splitlines()
    assert first.startswith("1 True ") and second == "600.0 192.0"


def test_a_template_that_has_ended_is_started_again():
    first = warm.template()
    first._process.kill()
    first._process.wait()
    assert run(["1 + 1"]).shown == ["2"]
    assert warm.template() is not first


def test_a_template_prepared_early_is_made_once(monkeypatch):
    made = []

    class Slow:
        alive = True

        def __init__(self):
            time.sleep(0.2)
            made.append(self)

    monkeypatch.setattr(warm, "_one", None)
    monkeypatch.setattr(warm, "Template", Slow)
    warm.prepare()
    assert [warm.template(), warm.template()] == 2 * made


def test_what_goes_wrong_early_is_told_to_the_first_kernel(monkeypatch, capfd):
    def broken():
        raise CourseError("Warm kernels do not start.")

    monkeypatch.setattr(warm, "_one", None)
    monkeypatch.setattr(warm, "Template", broken)
    warm.prepare()
    with pytest.raises(CourseError, match="do not start"):
        warm.template()
    assert "Traceback" not in capfd.readouterr().err


def test_kernels_end_with_their_template():
    """A kernel that is running when its template is killed is killed, too."""
    code = "import time\nend = time.time() + 10\nwhile time.time() < end:\n    pass"
    process = warm.template()._process
    timer = threading.Timer(1.5, process.kill)
    timer.start()
    ran = run(["1", code], seconds=30)
    timer.join()
    assert ran.died


def test_a_template_with_threads_is_not_forked():
    """Forking with threads is not safe; it says so and ends."""
    code = """\
import threading, time, socket
threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
from pytools.grading.sandbox import template
template.IMPORTS = ()
template.serve(socket.socketpair()[0])"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1 and "not fit to be forked: 2 threads" in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_roots_kernels_are_nobodys(tmp_path):
    """Outside the sandbox, too: what a kernel writes is not root's."""
    answer = tmp_path / "a.npz"
    where = str(walls.HANDED_IN / answer.name)
    for hot in (False, True):
        ran = run([f"print(open({where!r}, 'w').write('x'))"], warm=hot, answers=[answer])
        assert ran.shown == ["1"] and answer.stat().st_uid == walls.NOBODY
