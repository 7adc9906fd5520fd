"""The sandbox: who can start it, what goes in and comes out, what it says where it cannot be."""

import os
import subprocess
import sys
import time

import pytest
from cells import HONEST, SMALL, needs_sandbox, run, small
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output

from pytools.errors import CourseError
from pytools.grading.sandbox import client, walls
from pytools.grading.sandbox.limits import GB, MB
from pytools.grading.sandbox.provisioner import kernel_spec
from pytools.grading.sandbox.watch import Use, Watchdog

NOT_ALLOWED = "bwrap: No permissions to create a new namespace, likely because the kernel does not"


# --- kernels ---------------------------------------------------------------------------------


@needs_sandbox
def test_any_client_can_start_it_by_its_kernelspec(tmp_path):
    """nbclient with its own manager and transport knows nothing of sandboxes."""
    folder = tmp_path / "kernels" / "course-sandbox"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(kernel_spec().to_json())
    manager = AsyncKernelManager(
        kernel_name="course-sandbox",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")]),
    )
    notebook = new_notebook(cells=[new_code_cell(HONEST), new_code_cell("import os; os.getuid()")])
    NotebookClient(notebook, km=manager).execute()
    assert notebook.cells[0].outputs[0].text == "45\n"
    assert notebook.cells[1].outputs[0].data["text/plain"] == str(walls.USER)


@needs_sandbox
def test_answers_come_out(tmp_path):
    """They are the grader's own files: no link, no pipe and no other name can take their place."""
    answer, other = tmp_path / "a.0.npz", tmp_path / "other.npz"
    ran = run(
        [
            f"answer = {str(walls.HANDED_IN / 'a.0.npz')!r}\nfile = open(answer, 'wb')",
            "file.write(b'arrays')\nfile.close()",
            "import os\nos.remove(answer)",
            "os.rename(answer, 'mine')",
            f"open({str(walls.HANDED_IN / 'other.npz')!r}, 'w').write('more')",
        ],
        answers=[answer],
    )
    assert ran.shown[2].startswith("OSError") and ran.shown[3].startswith("OSError")
    assert answer.read_bytes() == b"arrays" and not other.exists()
    assert os.stat(answer).st_nlink == 1


@needs_sandbox
def test_rooms_of_the_package_are_there_when_they_are_not_hidden():
    code = "from pytools.scratch import backprop\nbackprop.__name__"
    assert "Error" in run([code]).shown[0]
    assert run([code], hidden=[walls.ANSWERS]).shown == ["'pytools.scratch.backprop'"]


@needs_sandbox
def test_the_scratch_folder_is_home_and_is_writable():
    code = "import os, tempfile; open('mine', 'w').write('1')"
    where = "print(os.getcwd(), os.path.expanduser('~'), tempfile.gettempdir(), os.listdir())"
    assert run([code, where], warm=False).shown[1].split() == [
        *map(str, (walls.WORK, walls.HOME, walls.HOME)),
        "['mine']",
    ]


@needs_sandbox
def test_figures_and_torch_work():
    code = """\
import matplotlib.pyplot as plt
import torch
plt.plot(torch.arange(3.0).numpy())
plt.show()
print(torch.ones(2, requires_grad=True).sum().item(), torch.get_num_threads())"""
    assert run([code], warm=False, seconds=60).shown[0].endswith("2.0 1")


@needs_sandbox
def test_a_second_kernel_sees_nothing_of_the_first():
    """Neither its files nor, if it had left one behind, its shared memory."""
    run(["open('left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')"])
    assert run(["import os\nprint(os.listdir(), os.listdir('/dev/shm'))"]).shown == ["[] []"]


GRADER = """\
import asyncio
from pytools.grading.sandbox.provisioner import SandboxedManager, kernel_spec

async def main():
    manager = SandboxedManager(kernel_spec(warm={warm}))
    await manager.start_kernel()
    kernel = manager.client()
    kernel.start_channels()
    await kernel.wait_for_ready(timeout=60)
    kernel.execute("import time; time.sleep(2)")
    print(*manager.provisioner.watchdog.members(), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@needs_sandbox
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_kernel_dies_with_its_grader(warm):
    code = GRADER.format(warm=warm)
    grader = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    members = [int(pid) for pid in grader.stdout.readline().split()]
    assert len(members) >= 2 and all(map(_runs, members))
    grader.kill()
    grader.wait()
    grader.stdout.close()
    deadline = time.monotonic() + 10
    while any(map(_runs, members)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in members if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- words -----------------------------------------------------------------------------------


def test_without_bubblewrap(monkeypatch):
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    walls.available.cache_clear()
    try:
        with pytest.raises(CourseError, match=r"not installed\. Install .*--sandbox none"):
            walls.require()
    finally:
        walls.available.cache_clear()


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (NOT_ALLOWED, "User namespaces have to be allowed"),
        ("bwrap: setting up uid map: Permission denied\n", "User namespaces have to be allowed"),
        ("bwrap: Unknown option --disable-userns\n", "too old"),
        ("bwrap: Can't mkdir /x: No space left on device\n", "No space left on device"),
        ("", "it gave no reason"),
    ],
)
def test_why_it_does_not_start(said, wanted):
    reason = walls.explain(said)
    assert wanted in reason and "\n" not in reason and reason.endswith("--sandbox none.")


@needs_sandbox
def test_an_environment_that_contains_the_course(monkeypatch, tmp_path):
    """It would show the gradebook to every notebook."""
    inside = tmp_path / "course"
    inside.mkdir()
    monkeypatch.chdir(inside)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    walls.available.cache_clear()
    try:
        assert f"The sandbox shows {tmp_path} to every notebook" in walls.available()
    finally:
        walls.available.cache_clear()


def test_what_is_too_much():
    limits = small(processor=10)
    assert Use(memory=GB, processor=10, tasks=64).excess(limits) == ""
    assert Use(tasks=65).excess(limits).startswith("It had more than 64 processes and threads")
    assert Use(memory=2 * GB).excess(limits) == "It used more than 1.5 GB of memory."
    assert Use(processor=11).excess(limits) == "It used more than 10 seconds of processor time."


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_watchdog_counts_all_below_a_process():
    code = "import subprocess, time\nx = bytearray(64 * 2**20)\nprint(flush=True)\ntime.sleep(2)"
    shell = ["sh", "-c", f"{sys.executable} -c '{code}' & wait"]
    with subprocess.Popen(shell, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        use = Watchdog([process.pid], SMALL, lambda: None).measure()
        process.kill()
    assert use.tasks == 1 and use.processor > 0
    assert 64 * MB < use.memory < 96 * MB


# --- what is printed -------------------------------------------------------------------------


def test_streams_are_joined_as_a_screen_shows_them():
    def printed(text, name="stdout"):
        return new_output("stream", name=name, text=text)

    outputs = [printed("1 %\r2"), printed(" %\r\nso"), printed("!", "stderr"), printed("on\rin")]
    joined = client.join_streams(outputs)
    assert [(output.name, output.text) for output in joined] == [
        ("stdout", "2 %\nso"),
        ("stderr", "!"),
        ("stdout", "in"),
    ]


def test_a_long_line_is_joined_in_linear_time():
    """nbclient's own way takes the square of its length: hours, for this one."""
    assert len(client.overwritten("x" * 3_000_000)) == 3_000_000
