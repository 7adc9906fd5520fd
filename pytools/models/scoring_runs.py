"""The scoring study at full length, and what else was tried: run in several processes, and kept.

A worker process can't see a notebook, so both are made of the course's own parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pytools.data import faces
from pytools.models import scoring_study as study
from pytools.models.huber import huber_loss
from pytools.models.processes import rows_of
from pytools.models.scoring_study import Arm, Pace, Problem, Run, ScoringNet, Settings
from pytools.models.stored_study import keep_study, kept_study
from pytools.scratch import augment, balanced_batch, is_stalled, pearson

STUDY, ABLATION = "scoring_study", "scoring_ablation"  # the names that they are kept under
PARTS = study.Parts(huber_loss, balanced_batch, augment, pearson, is_stalled)
ABLATION_SEEDS, ABLATION_BUDGET = (0, 1, 2), 60e9


@dataclass(frozen=True)
class Section:
    """A section of the study: its budget (operations), seeds, pictures, and arms."""

    budget: float
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    side: int = 32
    train: int = 2000
    versions: int = study.VERSIONS
    arms: tuple[str, ...] = tuple(arm.name for arm in study.ARMS)
    pretrained: bool = False


SECTIONS = {  # those that take longest come first, so that processes end together
    "500 GFLOP": Section(500e9),
    "290 GFLOP": Section(290e9, pretrained=True),
    "larger": Section(650e9, (0,), 48, 4000, 10, arms=("scratch", "growth", "Siamese + growth")),
}


def face_problem(seed: int, side: int = 32, train: int = 2000, test: int = 1200) -> Problem:
    """Faces to train and to test on; the mean of two ratings is what is to be learned."""
    x, y, _ = faces("train", None, side, seed, train)
    new_x, new_y, _ = faces("test", None, side, seed, test)
    return Problem(x, y.mean(axis=1), new_x, new_y.mean(axis=1))


def run_section(name: str, seed: int) -> list[tuple[str, Run]]:
    """The runs of one seed in a section of the study, each with the section's name."""
    torch.set_num_threads(1)
    section = SECTIONS[name]
    problem = face_problem(seed, section.side, section.train)
    rng = np.random.default_rng(seed)
    pool = study.versions(problem.images, rng, augment, section.versions)
    found = [
        (name, study.run_arm(arm, problem, pool, section.budget, seed, PARTS)[0])
        for arm in study.ARMS
        if arm.name in section.arms
    ]
    if section.pretrained:
        found.append((name, study.run_pretrained(problem, section.budget, seed, PARTS)))
    return found


def run_full(processes: int = 2) -> dict:
    """The full study: what `keep` keeps."""
    items = [(name, seed) for name, section in SECTIONS.items() for seed in section.seeds]
    return _found(run_section, items, processes)


def run_ablation(processes: int = 2) -> dict:
    """All variants, with a small budget: what `keep` keeps, as ABLATION."""
    return _found(run_variants, [(seed,) for seed in ABLATION_SEEDS], processes)


def _found(work: Callable, items: Sequence[tuple], processes: int) -> dict:
    found = rows_of(work, items, processes)
    names = dict.fromkeys(name for name, _ in found)
    return {
        "processes": processes,
        "runs": {name: [run for n, run in found if n == name] for name in names},
    }


# --- what else was tried ---------------------------------------------------------------------


def distances_regressed(net: ScoringNet, images: Tensor, ratings: Tensor) -> Tensor:
    """Distances should be the margin times the difference of ratings: no hinge."""
    embedding = net.embed(images)
    distance = F.pdist(embedding, p=1) / embedding.shape[1]
    return (distance - study.MARGIN * F.pdist(ratings[:, None], p=1)).abs().mean()


def ranks(net: ScoringNet, images: Tensor, ratings: Tensor) -> Tensor:
    """Of two pictures that differ by a point or more, the better one should score higher.

    Source: Burges et al. (2005), Learning to rank using gradient descent.
    """
    scores = net(images)
    i, j = torch.triu_indices(len(scores), len(scores), offset=1)
    better = (ratings[i] - ratings[j]) * ((ratings[i] - ratings[j]).abs() >= 1)
    wrong = F.softplus(-better.sign() * (scores[i] - scores[j]))
    return (wrong * (better != 0)).sum() / max(1, int((better != 0).sum()))


def weak_labels(net: ScoringNet, images: Tensor, ratings: Tensor) -> Tensor:
    """Regression on poor, middling, good: 1.5, 4.5 and 7.5 for the thirds of the scale."""
    return F.mse_loss(net(images), 3 * (ratings / 3).floor().clamp(0, 2) + 1.5)


_plain, _slow, _scratch, _all = Settings(), Pace(32, 3e-3), study.ARMS[0], study.ARMS[-1]
VARIANTS: dict[str, tuple[Arm, Settings]] = {  # each differs in one thing from its arm's first one
    "Siamese + growth": (_all, _plain),
    "no twins: one version of each face": (_all, replace(_plain, twins=False)),
    "ranks: the better one should score higher": (_all, replace(_plain, pretraining=ranks)),
    "weak labels: regression on thirds": (_all, replace(_plain, pretraining=weak_labels)),
    "distances regressed, without a hinge": (
        _all,
        replace(_plain, pretraining=distances_regressed),
    ),
    "three times the margin": (
        _all,
        replace(_plain, pretraining=partial(study.siamese_loss, margin=3 * study.MARGIN)),
    ),
    "learning rate constant": (_all, replace(_plain, decay=1e-9)),
    "final net three times as wide as the small one": (_all, replace(_plain, factor=3)),
    "memory not channels last": (_all, replace(_plain, memory=torch.contiguous_format)),
    "scratch": (_scratch, _plain),
    "scratch: batches of 32 and a rate of .003": (_scratch, replace(_plain, large=_slow)),
}


def run_variants(seed: int) -> list[tuple[str, Run]]:
    """Each variant on one seed."""
    torch.set_num_threads(1)
    problem = face_problem(seed)
    pool = study.versions(problem.images, np.random.default_rng(seed), augment, 6)
    return [
        (name, study.run_arm(arm, problem, pool, ABLATION_BUDGET, seed, PARTS, 2, settings)[0])
        for name, (arm, settings) in VARIANTS.items()
    ]


# --- what is kept ----------------------------------------------------------------------------


def keep(found: dict, name: str = STUDY) -> None:
    """Keep what run_full (or run_ablation, as ABLATION) found: operations in units of 1e9, four
    digits of each r; nan becomes null, since JSON has none."""

    def row(run: Run) -> dict:
        return asdict(run) | {
            "flops": [round(v / 1e9, 1) for v in run.flops],
            "r": [round(v, 4) if math.isfinite(v) else None for v in run.r],
            "seconds": [round(v, 2) for v in run.seconds],
            "events": [[round(v / 1e9, 1), what] for v, what in run.events],
        }

    runs = {section: [row(run) for run in runs] for section, runs in found["runs"].items()}
    keep_study(name, found | {"runs": runs})


def kept(name: str = STUDY) -> dict:
    """What was kept: date, processes, and runs, lists of Run by section. Raises CourseError where
    there is nothing."""

    def run(row: dict) -> Run:
        return Run(
            row["arm"],
            row["seed"],
            [1e9 * v for v in row["flops"]],
            [np.nan if v is None else v for v in row["r"]],
            row["seconds"],
            [(1e9 * v, what) for v, what in row["events"]],
        )

    found = kept_study(name)
    runs = {section: [run(row) for row in rows] for section, rows in found["runs"].items()}
    return found | {"runs": runs}
