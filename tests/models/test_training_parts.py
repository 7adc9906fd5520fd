"""Metrics, schedules, checkpoints, net and solver files, image folders: the parts of a run."""

import os
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn import metrics
from torch import nn

from pytools.errors import CourseError
from pytools.models import (
    LAYERS,
    EarlyStopping,
    Snapshots,
    Solver,
    accuracy,
    build_net,
    confusion_matrix,
    learning_rate,
    step_lr,
    write_report,
)
from pytools.models.checkpoints import load, save
from pytools.models.image_data import load_data
from pytools.models.net_config import multipliers, read_net
from pytools.models.report import describe_curves, describe_matrix, running_mean
from pytools.models.solver_config import make_solver, read_solver

# --- metrics and schedules -------------------------------------------------------------------


@given(n=st.integers(1, 50), classes=st.integers(2, 6), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_metrics_are_those_of_scikit_learn(n, classes, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.standard_normal((n, classes)), rng.integers(0, classes, n)
    pred = logits.argmax(axis=1)
    given_labels = torch.tensor(labels)
    got = accuracy(torch.tensor(logits), given_labels)
    assert got == pytest.approx(metrics.accuracy_score(labels, pred))
    matrix = confusion_matrix(torch.tensor(pred), given_labels, classes)
    assert matrix.dtype == torch.int64
    expected = metrics.confusion_matrix(labels, pred, labels=range(classes))
    np.testing.assert_array_equal(matrix, expected)


@given(it=st.integers(0, 200), size=st.integers(1, 60), gamma=st.floats(0.1, 0.9))
@settings(max_examples=60, deadline=None)
def test_steps_are_those_of_torchs_schedulers(it, size, gamma):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    steps = torch.optim.lr_scheduler.StepLR(optimizer, size, gamma)
    others = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    values = (size, 2 * size + 1)
    multi = torch.optim.lr_scheduler.MultiStepLR(others, values, gamma)
    for _ in range(it):
        optimizer.step(), others.step(), steps.step(), multi.step()
    assert step_lr(0.3, gamma, size, it) == pytest.approx(steps.get_last_lr()[0], rel=1e-9)
    plan = Solver(0.3, 200, lr_policy="multistep", gamma=gamma, stepvalue=values)
    assert learning_rate(plan, it) == pytest.approx(multi.get_last_lr()[0], rel=1e-9)


def test_fixed_and_inv_are_caffes():
    assert learning_rate(Solver(0.2, 9), 7) == 0.2
    plan = Solver(0.01, 9, lr_policy="inv", gamma=0.0001, power=0.75)
    assert learning_rate(plan, 5000) == pytest.approx(0.01 * 1.5**-0.75)


@given(values=st.lists(st.floats(-5, 5), min_size=1, max_size=20), patience=st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_stops_when_the_best_is_patience_looks_ago(values, patience):
    stopping = EarlyStopping(patience)
    for number, value in enumerate(values):
        best = int(np.argmin(values[: number + 1]))
        assert stopping.update(value) == (number - best >= patience)


# --- checkpoints -----------------------------------------------------------------------------

STATE = {"model": {}, "optimizer": {}, "step": 7}


class Code:
    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


@pytest.mark.parametrize("kind", ["cut", "empty", "text", "pickle", "saved code", "flipped"])
def test_what_is_no_checkpoint_is_refused_and_runs_nothing(kind, tmp_path):
    path, trap = tmp_path / "run_iter_7.pt", tmp_path / "trap"
    save(path, {**STATE, "model": {"w": torch.rand(1000)}})
    whole = path.read_bytes()
    middle = len(whole) // 2
    if kind == "saved code":
        torch.save({**STATE, "model": Code(trap)}, path)
    else:
        path.write_bytes(
            {
                "cut": whole[:middle],
                "empty": b"",
                "text": b"these are no weights\n" * 20,
                "pickle": pickle.dumps(Code(trap)),
                "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            }[kind]
        )
    with pytest.raises(ValueError) as raised:
        load(path)
    assert str(raised.value) == "it is damaged, or no checkpoint"
    assert not trap.exists()


def test_what_lacks_a_part_is_named(tmp_path):
    torch.save({"model": {}, "step": 3}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="it is no checkpoint: 'optimizer' is missing"):
        load(tmp_path / "a.pt")
    torch.save([1, 2], tmp_path / "b.pt")
    with pytest.raises(ValueError, match="no checkpoint: 'model' is missing"):
        load(tmp_path / "b.pt")


def test_the_last_few_are_kept_and_the_last_good_one_is_taken(tmp_path):
    snapshots, said, taken = Snapshots(tmp_path / "deep" / "run"), [], []
    for step in (5, 10, 90, 100):
        snapshots.save({**STATE, "step": step})
    (tmp_path / "deep" / "other_iter_200.pt").write_text("another run's")
    assert [path.name for path in snapshots.paths()] == [
        "run_iter_100.pt",
        "run_iter_90.pt",
        "run_iter_10.pt",
    ]
    latest, before, _ = snapshots.paths()
    latest.write_bytes(latest.read_bytes()[:50])

    def take(state):
        if state["step"] == 90:
            raise ValueError("it is of another net: a is (1,) there, (2,) here")
        taken.append(state["step"])

    assert snapshots.resume(take, said.append).name == "run_iter_10.pt"
    assert taken == [10]
    assert said == [
        f"{latest} is refused: it is damaged, or no checkpoint",
        f"{before} is refused: it is of another net: a is (1,) there, (2,) here",
    ]
    assert Snapshots(tmp_path / "none").resume(take, said.append) is None


def test_a_save_that_dies_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run_iter_7.pt"
    save(path, STATE)

    def die(state, file):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", die)
    with pytest.raises(KeyboardInterrupt):
        save(path, {**STATE, "step": 8})
    assert load(path)["step"] == 7
    assert Snapshots(tmp_path / "run").paths() == [path]


# --- net files -------------------------------------------------------------------------------

NET = """\
input: [1, 8, 8]
layers:
  - {type: Conv2d, name: conv1, out_channels: 4, kernel_size: 3, padding: 1, lr_mult: 0.1}
  - {type: ReLU}
  - {type: MaxPool2d, kernel_size: 2}
  - {type: Flatten}
  - {type: Linear, name: fc, out_features: 10, decay_mult: 0}
"""


def net_of(text, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(text)
    return read_net(path)


def test_a_net_file_is_its_net(tmp_path):
    config = net_of(NET, tmp_path)
    net = build_net(config)
    assert [name for name, _ in net.named_children()] == ["conv1", "1", "2", "3", "fc"]
    assert net.fc.in_features == 64 and net(torch.rand(3, 1, 8, 8)).shape == (3, 10)
    assert multipliers(config)["conv1"] == (0.1, 1.0) and multipliers(config)["fc"] == (1.0, 0.0)


def test_every_layer_of_the_table_can_be_built():
    sizes = {"out_channels": 2, "kernel_size": 2, "out_features": 3, "output_size": 2, "p": 0.5}
    for kind, keys in LAYERS.items():
        layer = {"type": kind, **{key: sizes[key] for key in keys if key in sizes}}
        (module,) = build_net({"input": [2, 4, 4], "layers": [layer]})
        assert isinstance(module, getattr(nn, kind))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("type: Linear", "type: Liner", r"line 7: unknown layer type 'Liner'; .* 'Linear'\?"),
        ("kernel_size: 3", "kernal_size: 3", r"line 3: unknown key of Conv2d .* 'kernel_size'\?"),
        ("input", "inputs", r"line 1: unknown key 'inputs'; did you mean 'input'\?"),
        ("type: Flatten", "type: Xyzzy", r"line 6: unknown layer type 'Xyzzy'; known are Conv2d,"),
        ("out_features: 10", "out_features: ten", r"layer 'fc' \(Linear\) does not fit"),
        ("out_features: 10, ", "", r"layer 'fc' \(Linear\) does not fit: .*'out_features'"),
        ("kernel_size: 2", "kernel_size: 20", r"layer '2' \(MaxPool2d\) does not fit"),
        ("name: fc", "name: conv1", r"layer 'conv1' \(Linear\) .*another layer has this name"),
        ("[1, 8, 8]", "8 by 8", r"input must be a shape such as \[1, 28, 28\], but is '8 by 8'"),
        ("lr_mult: 0.1", "lr_mult: much", "layer 'conv1': lr_mult and decay_mult must be numbers"),
        ("{type: ReLU}", "ReLU", r"layer 1 must be of the form {type: ReLU}, but is 'ReLU'"),
        ("type: Flatten}", "type: Flatten", r"net.yaml, line \d+: no valid YAML: "),
        ("layers:", "layers: []\nothers:", "unknown key 'others'"),
    ],
)
def test_a_mistake_in_a_net_file_is_one_line_that_names_it(old, new, message, tmp_path):
    assert old in NET
    with pytest.raises(CourseError, match=message) as raised:
        net_of(NET.replace(old, new, 1), tmp_path)
    assert str(raised.value).startswith(str(tmp_path / "net.yaml"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text, got", [("", "is empty"), ("- 1", "a list"), ("hello", "a str")])
def test_a_file_that_is_no_mapping_is_refused(text, got, tmp_path):
    with pytest.raises(CourseError, match=got):
        net_of(text, tmp_path)


def test_yaml_brings_no_code(tmp_path):
    with pytest.raises(CourseError, match="no valid YAML"):
        net_of(f"!!python/object/apply:os.mkdir ['{tmp_path}/made']", tmp_path)
    assert not (tmp_path / "made").exists()


# --- solver files ----------------------------------------------------------------------------

SOLVER = "base_lr: 1e-2  # text to YAML\nmax_iter: 100\nlr_policy: step\nstepsize: 10\nflip: true\n"


def test_a_solver_file_is_its_solver(tmp_path):
    path = tmp_path / "solver.yaml"
    path.write_text(SOLVER)
    expected = Solver(base_lr=0.01, max_iter=100, lr_policy="step", stepsize=10, flip=True)
    assert read_solver(path) == expected


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("max_iter: 100", "max_itr: 100", r"line 2: max_itr: unknown key 'max_itr'; .*'max_iter'"),
        ("max_iter: 100", "", "max_iter is missing: a solver has base_lr and max_iter"),
        ("100", "many", "line 2: max_iter must be a whole number, not 'many'"),
        ("100", "1.5", "max_iter must be a whole number, not 1.5"),
        ("100", "0", "max_iter must be at least 1, but is 0"),
        ("1e-2", "quick", "line 1: base_lr must be a number, not 'quick'"),
        ("1e-2", "-1", "base_lr must be greater than 0, but is -1.0"),
        ("lr_policy: step", "lr_policy: stp", "line 3: lr_policy: unknown value 'stp'.*'step'"),
        ("stepsize: 10", "", "stepsize must be at least 1 with lr_policy: step, but is 0"),
        ("flip: true", "flip: 3", "flip must be true or false, not 3"),
        ("flip: true", "device: cdua", "device: unknown value 'cdua'; did you mean 'cuda'"),
        ("flip: true", "stepvalue: 5", "stepvalue must be a list of whole numbers, not 5"),
        ("flip: true", "momentum: 1", "momentum must be at least 0 and below 1, but is 1.0"),
    ],
)
def test_a_mistake_in_a_solver_file_is_one_line_that_names_it(old, new, message, tmp_path):
    path = tmp_path / "solver.yaml"
    assert old in SOLVER
    path.write_text(SOLVER.replace(old, new, 1))
    with pytest.raises(CourseError, match=message) as raised:
        read_solver(path)
    assert str(raised.value).startswith(str(path)) and "\n" not in str(raised.value)


def test_stepvalue_has_to_rise():
    values = {"base_lr": 1, "max_iter": 9, "lr_policy": "multistep"}
    assert make_solver({**values, "stepvalue": [3, 5]}).stepvalue == (3, 5)
    for wrong in ([], [5, 3], [3, 3]):
        with pytest.raises(ValueError, match="stepvalue must be a rising list"):
            make_solver({**values, "stepvalue": wrong})


# --- image folders ---------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    """Twenty pictures: bright ones of class a, dark ones of class b, of various kinds."""
    for name, grey in (("b", 30), ("a", 220)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(10):
            mode, fill = [("L", grey), ("RGB", (grey,) * 3), ("P", grey)][number % 3]
            picture = Image.new(mode, (9 + number, 12), fill)
            if mode == "P":
                picture.putpalette([i for i in range(256) for _ in range(3)])
            picture.save(tmp_path / "set" / name / f"{number}.png")
    return tmp_path / "set"


def test_a_folder_becomes_images_of_the_nets_size(pictures):
    (pictures / "a" / "notes.txt").write_text("no picture, and not meant to be one")
    images = load_data(str(pictures), (1, 6, 5), seed=0)
    assert images.classes == ("a", "b") and images.skipped == []
    assert [len(part) for part in (images.train, images.valid, images.test)] == [15, 1, 4]
    for part in (images.train, images.valid, images.test):
        x, y = part.tensors
        assert x.shape[1:] == (1, 6, 5) and x.min() >= -1 and x.max() <= 1
        assert torch.equal((x.mean(dim=(1, 2, 3)) < 0).long(), y), "dark is b"
    assert load_data(str(pictures), (3, 6, 5), seed=0).train.tensors[0].shape[1] == 3


def test_broken_files_are_skipped_and_listed(pictures):
    (pictures / "a" / "x.png").write_text("no picture")
    whole = (pictures / "b" / "1.png").read_bytes()
    (pictures / "b" / "y.png").write_bytes(whole[: len(whole) // 2])
    images = load_data(str(pictures), (1, 6, 5), seed=0)
    assert len(images.train) == 15
    assert [line.split(":")[0].rpartition(os.sep)[2] for line in images.skipped] == [
        "x.png",
        "y.png",
    ]


def test_folders_without_pictures_are_named(pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="empty holds 0 folders; it should hold one for each"):
        load_data(str(tmp_path / "empty"), (1, 6, 5), seed=0)
    (pictures / "c").mkdir()
    with pytest.raises(CourseError, match="c holds 0 readable pictures; a class needs 5"):
        load_data(str(pictures), (1, 6, 5), seed=0)


def test_names_that_are_no_data_and_sizes_that_do_not_fit():
    with pytest.raises(CourseError, match=r"digts is neither a data set .*; did you mean digits"):
        load_data("digts", (1, 8, 8), seed=0)
    with pytest.raises(CourseError, match=r"digits are \[1, 8, 8\], but .* is \[1, 28, 28\]"):
        load_data("digits", (1, 28, 28), seed=0)


def test_parts_of_a_named_set_do_not_overlap():
    images = load_data("digits", (1, 8, 8), seed=3)
    sizes = [len(part) for part in (images.train, images.valid, images.test)]
    assert sizes == [1298, 144, 355]
    again = load_data("digits", (1, 8, 8), seed=3)
    assert torch.equal(images.valid.tensors[0], again.valid.tensors[0])
    both = torch.cat([images.train.tensors[0], images.valid.tensors[0]])
    assert len(torch.unique(both, dim=0)) == 1442


# --- report ----------------------------------------------------------------------------------

HISTORY = {"train": [[1, 2.0, 0.1], [2, 1.0, 0.1]], "valid": [[2, 0.9, 0.75]]}


def test_the_report_is_one_file_with_its_figures_inside(tmp_path):
    matrix = torch.tensor([[5, 2], [1, 4]])
    path = tmp_path / "deep" / "report.html"
    settings_ = {"base_lr": 0.1, "device": "cpu"}
    notes = ["skipped: a<b.png"]
    write_report(path, "cats & dogs", "It went well.", settings_, HISTORY, matrix, "cd", notes)
    page = path.read_text()
    assert page.count('<img alt="') == page.count("src=") == page.count('src="data:image/png;') == 2
    assert "http" not in page and "<script" not in page and "<link" not in page
    assert "cats &amp; dogs" in page and "a&lt;b.png" in page and "<td>base_lr</td>" in page
    assert "<td>c</td><td>7</td><td>0.714</td><td>0.833</td>" in page
    assert "Most often, 2 times, c is taken for d." in page


def test_the_reports_words():
    assert describe_matrix(np.eye(2, dtype=int), "ab") == "2 of 2 images are right."
    assert "validation loss 0.90, accuracy 0.750" in describe_curves(HISTORY)
    np.testing.assert_allclose(running_mean(np.array([1.0, 3, 5, 7]), 2), [1, 2, 4, 6])
