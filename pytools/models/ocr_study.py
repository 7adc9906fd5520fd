"""A study: what does a reader gain by context from both sides, on fonts that it has never seen?

Nets with one LSTM and with two, of as many parameters, are trained on the same lines with the same
seeds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import product

import numpy as np
import torch

from pytools.data import text_lines
from pytools.data.text_lines import FONTS, NEW_FAMILY
from pytools.models.flops import parameters_of
from pytools.models.processes import rows_of
from pytools.models.recogniser import (
    BATCH,
    Recogniser,
    forward_only,
    read_lines,
    train_recogniser,
)
from pytools.models.stored_study import keep_study, kept_study
from pytools.scratch import error_rates

KINDS = ("bidirectional", "forward only")
SETS = {  # what is read: the arguments of text_lines
    "lines, known fonts": {"fonts": FONTS["train"]},
    "lines, new fonts": {},
    "lines, a new family": {"fonts": NEW_FAMILY},
    "single words, new fonts": {"words": True},
}
LINES = 400  # of each set
NAME = "ocr_study"  # that it is kept under


def make_reader(kind: str, seed: int = 0) -> Recogniser:
    """An untrained net of one of KINDS; all kinds have as many parameters, within 1 %."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, but is {kind!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # layers draw from torch's own generator
        both = Recogniser()
        return both if kind == "bidirectional" else forward_only(both)


def judge(net: Recogniser, size: int = LINES, seed: int = 0) -> dict[str, dict[str, float]]:
    """CER and WER on each of SETS, new texts all of them."""
    found = {}
    for name, arguments in SETS.items():
        lines = text_lines("test", size=size, seed=seed, **arguments)
        cer, wer = error_rates(read_lines(net, lines.images), lines.texts)
        found[name] = {"cer": cer, "wer": wer}
    return found


def run_one(kind: str, seed: int, steps: int, size: int = LINES) -> list[dict]:
    """Train and judge one net, on one thread: what it is, what it took, what it gives; one row."""
    torch.set_num_threads(1)
    net, start = make_reader(kind, seed), time.process_time()
    train_recogniser(net, steps, seed, say=None)
    seconds = time.process_time() - start
    row = {
        "kind": kind,
        "seed": seed,
        "parameters": parameters_of(net),
        "lines": steps * BATCH,
        "cpu_seconds": round(seconds, 1),
        "rates": judge(net, size, seed),
    }
    return [row]


def run_study(seeds: Sequence[int], steps: int, processes: int = 1, size: int = LINES) -> dict:
    """Every kind with every seed."""
    items = [(kind, seed, steps, size) for seed, kind in product(seeds, KINDS)]
    return {"processes": processes, "runs": rows_of(run_one, items, processes)}


def keep(study: dict) -> None:
    """Keep a study for those who do not run it."""
    keep_study(NAME, study)


def kept() -> dict:
    """The study that was kept, with its date. Raises CourseError where there is none."""
    return kept_study(NAME)


def rates(study: dict, kind: str, name: str, rate: str = "cer") -> np.ndarray:
    """One error rate of one kind on one of SETS, a number for each seed, in their order."""
    runs = sorted((run for run in study["runs"] if run["kind"] == kind), key=lambda r: r["seed"])
    return np.array([run["rates"][name][rate] for run in runs])


def study_lines(study: dict) -> list[str]:
    """The study as a table: per cent, the mean over seeds and their range."""
    rows = [f"{'%, mean (least–most)':40}{'CER':>18}{'WER':>22}"]
    for name, kind in product(SETS, KINDS):
        cells = []
        for rate in ("cer", "wer"):
            found = 100 * rates(study, kind, name, rate)
            cells.append(f"{found.mean():.2f} ({found.min():.2f}–{found.max():.2f})")
        rows.append(f"{name}: {kind}".ljust(40) + f"{cells[0]:>18}{cells[1]:>22}")
    return rows


def study_conclusions(study: dict) -> list[str]:
    """What follows from the numbers, and from them alone."""
    lines = []
    for name in SETS:
        one, two = (rates(study, kind, name) for kind in ("forward only", "bidirectional"))
        wins, ratio = int(np.sum(two < one)), one.mean() / two.mean()
        lines.append(
            f"{name + ':':25}both directions err less with {wins} of {len(one)} seeds, "
            f"forward only {ratio:.1f}×"
        )
    return lines
