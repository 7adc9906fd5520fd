"""Training without code, in Caffe's manner: a net file and a solver file are all there is to write.

Source: Jia et al. (2014), Caffe: convolutional architecture for fast feature embedding.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from pytools.errors import CourseError
from pytools.models.checkpoints import Snapshots
from pytools.models.image_data import ImageData, load_data
from pytools.models.metrics import accuracy, confusion_matrix
from pytools.models.net_config import build_net, multipliers, read_net
from pytools.models.report import write_report
from pytools.models.solver_config import Solver, read_solver
from pytools.models.training import Trainer

NAMES_LISTED = 10  # of files that were skipped


def train_from_files(
    net: Path,
    solver: Path,
    data: str = "digits",
    weights: Path | None = None,
    resume: bool = False,
    out: Path = Path("trained"),
    say: Callable[[str], None] = print,
    progress: bool = True,
) -> float:
    """Train the net of one file as another says; returns the accuracy on the test images.

    data: see load_data. weights: a state_dict whose layers are taken over by name. resume: go on
    from the latest good snapshot. Into the folder out go the snapshots, and at the end
    weights.pt, history.json and report.html. CourseError for every mistake in the files.
    """
    config, plan = read_net(net), read_solver(solver)
    if len(config["input"]) != 3:
        raise CourseError(f"{net}: input must be [channels, height, width] to train on images")
    snapshots = Snapshots(out / plan.snapshot_prefix)
    if not resume and snapshots.paths():
        raise CourseError(
            f"{snapshots.paths()[0]} is of an earlier run: add --resume to go on with it, or "
            "choose another --out"
        )
    images = load_data(data, tuple(config["input"]), plan.random_seed)
    notes = skipped_notes(images)
    for note in notes:
        say(note)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.random_seed)
        model = build_net(config)
    require_outputs(net, model, config["input"], images)
    if weights:
        say(take_weights(weights, model))
    trainer = Trainer(model, plan, images.train, images.valid, multipliers(config), say)
    if resume:
        found = snapshots.resume(trainer.load_state_dict, say)
        say(f"going on from {found}" if found else "no good snapshot is there: from the start")
    trainer.run(snapshots=snapshots, progress=progress)
    return finish(trainer, plan, images, out, [net, solver], notes, say)


def finish(
    trainer: Trainer,
    solver: Solver,
    images: ImageData,
    out: Path,
    files: list[Path],
    notes: list[str],
    say: Callable[[str], None],
) -> float:
    """Test the net, and write its weights, its history and its report."""
    pictures, labels = images.test.tensors
    logits = trainer.predict(pictures)
    right = accuracy(logits, labels)
    matrix = confusion_matrix(logits.argmax(dim=1), labels, len(images.classes))
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu() for name, value in trainer.model.state_dict().items()}
    torch.save(weights, out / "weights.tmp")
    os.replace(out / "weights.tmp", out / "weights.pt")
    (out / "history.json").write_text(json.dumps(trainer.history), encoding="utf-8")
    why = "early stopping" if trainer.stopped else "max_iter"
    summary = (
        f"Test accuracy {right:.3f} on {len(labels)} images after {trainer.step} iterations "
        f"({why}) on {len(images.train)} images."
    )
    title = f"{files[0].stem} on {Path(images.name).name}"
    settings = asdict(solver) | {"device": trainer.device.type}
    write_report(
        out / "report.html",
        title,
        summary,
        settings,
        trainer.history,
        matrix,
        images.classes,
        notes,
    )
    say(summary)
    say(f"wrote {out / 'weights.pt'}, {out / 'history.json'} and {out / 'report.html'}")
    return right


def take_weights(path: Path, model: nn.Module) -> str:
    """Load the layers of a weights file that the model has by name; says which, and which are new.

    CourseError where the file holds no weights, no layer's name fits, or a layer of one name has
    two shapes: then it is another layer, and should have another name.
    """
    if not path.exists():
        raise CourseError(f"{path}: no such weights file")
    try:
        given = torch.load(path, map_location="cpu", weights_only=True)
        given = given.get("model", given)  # a checkpoint has weights, too
        shapes = {name: tuple(value.shape) for name, value in given.items()}
    except Exception:
        raise CourseError(f"{path} is damaged, or holds no weights") from None
    own = model.state_dict()
    common = [name for name in own if name in given]
    for name in common:
        if shapes[name] != tuple(own[name].shape):
            raise CourseError(
                f"{path}: {name} is {shapes[name]} there, but {tuple(own[name].shape)} in the net; "
                "give the new layer another name"
            )
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in own))
    taken = [layer for layer in layers if any(n.rpartition(".")[0] == layer for n in common)]
    if not taken:
        raise CourseError(f"{path}: none of the net's layers ({', '.join(layers)}) is in it")
    model.load_state_dict({**own, **{name: given[name] for name in common}})
    new = [layer for layer in layers if layer not in taken]
    return f"from {path}: {', '.join(taken)}; new: {', '.join(new) or 'none'}"


def require_outputs(net: Path, model: nn.Module, shape: list[int], images: ImageData) -> None:
    """CourseError where the net does not give one number for each class."""
    with torch.no_grad():
        outputs = tuple(model.eval()(torch.zeros(1, *shape)).shape[1:])
    if outputs != (len(images.classes),):
        raise CourseError(
            f"{net}: the net gives {list(outputs)} for an image, but {images.name} has "
            f"{len(images.classes)} classes; the last layer needs as many outputs"
        )


def skipped_notes(images: ImageData) -> list[str]:
    """How many files were skipped, and which."""
    if not images.skipped:
        return []
    listed = images.skipped[:NAMES_LISTED]
    more = len(images.skipped) - len(listed)
    last = [f"and {more} more"] if more else []
    return [f"skipped, no readable picture: {len(images.skipped)}", *listed, *last]
