"""The scoring study at full length: planned here, run in several processes, stored as data.

What was measured lies beside this file, with its date: the study in scoring_runs.json, what else
was tried in scoring_ablation.json. A worker process can't see a notebook, so both are made of the
course's own parts.
"""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pytools.data import faces
from pytools.models import scoring
from pytools.models import scoring_study as study
from pytools.models.scoring_study import Arm, Pace, Problem, Run, ScoringNet, Settings
from pytools.scratch import pearson

STUDY = Path(__file__).with_name("scoring_runs.json")
ABLATION = Path(__file__).with_name("scoring_ablation.json")
PARTS = study.Parts(
    scoring.huber_loss, scoring.balanced_batch, scoring.augment, pearson, scoring.is_stalled
)
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
    pool = study.versions(problem.images, rng, scoring.augment, section.versions)
    found = [
        (name, study.run_arm(arm, problem, pool, section.budget, seed, PARTS)[0])
        for arm in study.ARMS
        if arm.name in section.arms
    ]
    if section.pretrained:
        found.append((name, study.run_pretrained(problem, section.budget, seed, PARTS)))
    return found


def run_full(processes: int = 2) -> dict:
    """The full study: what `save` stores."""
    items = [(name, seed) for name, section in SECTIONS.items() for seed in section.seeds]
    return _found(run_section, items, processes)


def run_ablation(processes: int = 2) -> dict:
    """All variants, with a small budget: what `save` stores."""
    return _found(run_variants, [(seed,) for seed in ABLATION_SEEDS], processes)


def _found(work: Callable, items: Sequence[tuple], processes: int) -> dict:
    found = _spread(work, items, processes)
    names = dict.fromkeys(name for name, _ in found)
    return {
        "date": date.today().isoformat(),
        "processes": processes,
        "runs": {name: [run for n, run in found if n == name] for name in names},
    }


def _spread(work: Callable[..., Iterable], items: Sequence[tuple], processes: int) -> list:
    """The results of all items, in their order, one item at a time in each process."""
    if processes == 1:
        return [row for item in items for row in work(*item)]
    context = multiprocessing.get_context("spawn")  # on every system the same
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return [row for rows in pool.map(work, *zip(*items, strict=True)) for row in rows]


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
    pool = study.versions(problem.images, np.random.default_rng(seed), scoring.augment, 6)
    return [
        (name, study.run_arm(arm, problem, pool, ABLATION_BUDGET, seed, PARTS, 2, settings)[0])
        for name, (arm, settings) in VARIANTS.items()
    ]


# --- storing ---------------------------------------------------------------------------------


def save(found: dict, path: Path = STUDY) -> None:
    """Write what was measured; runs as rows of numbers, four digits of each r. nan becomes null:
    JSON has none."""

    def plain(run: Run) -> dict:
        row = asdict(run)
        row["flops"] = [round(v / 1e9, 1) for v in run.flops]
        row["r"] = [round(v, 4) if math.isfinite(v) else None for v in run.r]
        row["seconds"] = [round(v, 2) for v in run.seconds]
        row["events"] = [[round(v / 1e9, 1), what] for v, what in run.events]
        return row

    def lines(runs: Sequence[Run]) -> str:
        return ",\n".join("      " + json.dumps(plain(run)) for run in runs)

    head = {name: value for name, value in found.items() if name != "runs"}
    parts = [
        f"    {json.dumps(name)}: [\n{lines(runs)}\n    ]" for name, runs in found["runs"].items()
    ]
    text = json.dumps(head)[1:-1] + ',\n  "runs": {\n' + ",\n".join(parts) + "\n  }"
    path.write_text("{" + text + "\n}\n", encoding="utf-8")


def load(path: Path = STUDY) -> dict:
    """What was stored: date, processes, and runs, lists of Run by section."""
    found = json.loads(path.read_text(encoding="utf-8"))

    def revived(row: dict) -> Run:
        row["flops"] = [1e9 * v for v in row["flops"]]
        row["r"] = [np.nan if v is None else v for v in row["r"]]
        row["events"] = [(1e9 * v, what) for v, what in row["events"]]
        return Run(**row)

    found["runs"] = {name: [revived(row) for row in rows] for name, rows in found["runs"].items()}
    return found
