"""`course train`: killed at random steps and resumed it ends as if nothing had been; mistakes."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest
import torch
from PIL import Image

from pytools.errors import CourseError
from pytools.models import train_from_files

NET = """\
input: [1, 8, 8]
layers:
  - {type: Conv2d, name: conv1, out_channels: 8, kernel_size: 3}
  - {type: ReLU}
  - {type: Flatten}
  - {type: Dropout, p: 0.3}
  - {type: Linear, name: fc, out_features: 10}
"""
SOLVER = """\
base_lr: 0.1
lr_policy: step
stepsize: 70
momentum: 0.9
max_iter: 240
batch_size: 32
shift: 1
test_interval: 10
patience: 30
snapshot: 7
snapshot_prefix: run
device: cpu
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "solver.yaml").write_text(SOLVER)
    return tmp_path


# `course train` in a process that is killed before it takes one certain step.
KILLED = """
import os, signal
from pytools.cli import main
from pytools.models import Trainer

take = Trainer._one_step

def one_step(trainer, *batch):
    if trainer.step == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return take(trainer, *batch)

Trainer._one_step = one_step
main()
"""


def course_train(folder, *more, killed_at=None):
    """The command in a process of its own; what came of it."""
    how = ["-m", "pytools.cli"] if killed_at is None else ["-c", KILLED.format(step=killed_at)]
    command = [sys.executable, *how, "train", "--net", "net.yaml", "--solver", "solver.yaml"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, "--out", "out", *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def here(folder, out="out", **others):
    """The same in this process; returns the accuracy and what was said."""
    said = []
    arguments = {"out": folder / out, "say": said.append, "progress": False, **others}
    right = train_from_files(folder / "net.yaml", folder / "solver.yaml", **arguments)
    return right, said


def results(folder):
    weights = torch.load(folder / "weights.pt", weights_only=True)
    return weights, json.loads((folder / "history.json").read_text())


def same(one, two):
    return one[1] == two[1] and all(torch.equal(one[0][name], two[0][name]) for name in two[0])


def test_killed_twice_and_resumed_equals_unbroken_bit_for_bit(files):
    """SIGKILL at random steps; what a process computed after its last snapshot is lost with it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here(files, "whole")
    finally:
        torch.set_num_threads(threads)
    kills = [random.randint(1, 110), random.randint(111, 239)]
    for number, step in enumerate(kills):
        done = course_train(files, *(["--resume"] if number else []), killed_at=step)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (files / "out" / "weights.pt").exists()
    done = course_train(files, "--resume")
    assert done.returncode == 0, done.stderr
    good = os.path.join("out", f"run_iter_{kills[-1] // 7 * 7}.pt")
    assert f"going on from {good}" in done.stdout
    assert "240/240" in done.stderr, "the progress bar"
    assert same(results(files / "out"), results(files / "whole")), f"killed at {kills}"


def test_refused_snapshots_are_named_and_the_last_good_one_is_used(files):
    _, _ = here(files, "whole")
    here(files)
    newest, before, good = (files / "out" / f"run_iter_{step}.pt" for step in (240, 238, 231))
    newest.write_bytes(newest.read_bytes()[:1000])
    before.write_text("no checkpoint")
    (files / "out" / "weights.pt").unlink()
    _, said = here(files, resume=True)
    assert said[:3] == [
        f"{newest} is refused: it is damaged, or no checkpoint",
        f"{before} is refused: it is damaged, or no checkpoint",
        f"going on from {good}",
    ]
    assert same(results(files / "out"), results(files / "whole"))


def test_a_snapshot_of_another_net_is_refused(files):
    (files / "solver.yaml").write_text(SOLVER.replace("240", "14"))
    here(files)
    (files / "net.yaml").write_text(NET.replace("out_channels: 8", "out_channels: 6"))
    _, said = here(files, resume=True)
    assert said[0].endswith(
        "run_iter_14.pt is refused: it is of another net: "
        "conv1.weight is (8, 1, 3, 3) there, (6, 1, 3, 3) here"
    )
    assert said[2] == "no good snapshot is there: from the start"


def test_an_earlier_run_is_not_overwritten(files):
    (files / "solver.yaml").write_text(SOLVER.replace("240", "14"))
    here(files)
    with pytest.raises(CourseError, match=r"run_iter_14.pt is of an earlier run: add --resume"):
        here(files)


# --- fine-tuning -----------------------------------------------------------------------------


def test_weights_are_taken_over_by_the_layers_name_and_frozen_by_lr_mult(files):
    (files / "solver.yaml").write_text(SOLVER.replace("240", "14"))
    here(files)
    before, _ = results(files / "out")
    new = NET.replace("kernel_size: 3", "kernel_size: 3, lr_mult: 0").replace("fc", "fresh")
    (files / "net.yaml").write_text(new)
    weights = files / "out" / "weights.pt"
    _, said = here(files, "tuned", weights=weights)
    assert said[0] == f"from {weights}: conv1; new: fresh"
    after, _ = results(files / "tuned")
    assert torch.equal(before["conv1.weight"], after["conv1.weight"])
    assert torch.equal(before["conv1.bias"], after["conv1.bias"])
    _, said = here(files, "again", weights=files / "out" / "run_iter_14.pt")
    assert said[0].endswith("conv1; new: fresh"), "a checkpoint has weights, too"


def test_weights_that_do_not_fit_are_one_line(files):
    torch.save({"conv1.weight": torch.zeros(2, 2)}, files / "small.pt")
    torch.save({"other.weight": torch.zeros(2, 2)}, files / "other.pt")
    (files / "text.pt").write_text("no weights")
    for name, message in [
        ("small.pt", r"conv1.weight is \(2, 2\) there, but \(8, 1, 3, 3\) in the net; give"),
        ("other.pt", r"none of the net's layers \(conv1, fc\) is in it"),
        ("text.pt", "text.pt is damaged, or holds no weights"),
        ("none.pt", "none.pt: no such weights file"),
    ]:
        with pytest.raises(CourseError, match=message) as raised:
            here(files, weights=files / name)
        assert "\n" not in str(raised.value)


# --- mistakes --------------------------------------------------------------------------------


def test_pictures_in_a_folder_with_a_broken_one(files):
    for name, grey in (("dark", 20), ("light", 230)):
        (files / "set" / name).mkdir(parents=True)
        for number in range(20):
            Image.new("L", (8, 8), grey + number % 3).save(files / "set" / name / f"{number}.png")
    (files / "set" / "dark" / "x.png").write_text("broken")
    (files / "net.yaml").write_text(NET.replace("out_features: 10", "out_features: 2"))
    (files / "solver.yaml").write_text(SOLVER.replace("240", "60"))
    right, said = here(files, data=str(files / "set"))
    assert right == 1.0
    assert said[0] == "skipped, no readable picture: 1"
    assert said[1].startswith(str(files / "set" / "dark" / "x.png"))
    report = (files / "out" / "report.html").read_text()
    assert "skipped, no readable picture: 1" in report and "x.png" in report


def test_mistakes_end_in_one_line_and_no_file(files):
    (files / "solver.yaml").write_text(SOLVER.replace("momentum", "momentun"))
    done = course_train(files)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.strip() == (
        "solver.yaml, line 4: momentun: unknown key 'momentun'; did you mean 'momentum'?"
    )
    assert not (files / "out").exists()


def test_a_net_with_other_outputs_than_classes(files):
    (files / "net.yaml").write_text(NET.replace("out_features: 10", "out_features: 7"))
    with pytest.raises(CourseError, match=r"gives \[7\] for an image, but digits has 10 classes"):
        here(files)


def test_a_missing_file_is_named(files):
    (files / "net.yaml").unlink()
    with pytest.raises(OSError, match=r"net\.yaml"):
        here(files)


def test_a_net_that_takes_no_images(files):
    (files / "net.yaml").write_text("input: [64]\nlayers: [{type: Linear, out_features: 10}]\n")
    with pytest.raises(CourseError, match=r"input must be \[channels, height, width\]"):
        here(files)


def test_the_command_line_starts_without_torch():
    code = "import sys, pytools.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
