"""The study of 16_captioning: what attention is good for, and what new combinations need.

An arm is a way to learn captions; one arm has all steps, each other lacks one of them. All arms of
a seed share the scenes; writers with and without attention have about as many parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product

import numpy as np
import torch

from pytools import scratch
from pytools.data import captions, scenes
from pytools.models.attention import attend, caption_loss
from pytools.models.caption_writing import Candidate, backwards, beam
from pytools.models.captioner import (
    RARE,
    Captioner,
    WordDetectors,
    features_of,
    train_captioner,
    train_detectors,
)
from pytools.models.flops import parameters_of
from pytools.models.processes import rows_of
from pytools.models.stored_study import keep_study, kept_study

NAME = "captioning_study"  # that it is kept under
SPLITS = ("test", "new")  # what captions are judged on


@dataclass(frozen=True)
class Parts:
    """What the study is made of: the functions of pytools, or a student's own."""

    build_vocab: Callable = scratch.build_vocab
    encode: Callable = scratch.encode
    decode: Callable = scratch.decode
    bleu: Callable = scratch.bleu
    caption_loss: Callable = caption_loss
    attend: Callable = attend


@dataclass(frozen=True)
class Arm:
    """A way to learn. attention: looks at places, or has one vector; detects: the encoder learns
    to detect words first, and then stays, or learns with the writer alone; apart, hears_place,
    forgets: as in WordDetectors and Captioner; one_order: learns each scene's first caption alone,
    or any of them; backward: learns captions from right to left."""

    name: str
    attention: bool = True
    detects: bool = True
    apart: bool = True
    hears_place: bool = True
    forgets: float = 0.0
    one_order: bool = True
    backward: bool = False


ALL, NONE, VECTOR = "all steps", "none of the steps", "one vector"
ARMS = (
    Arm(ALL),
    Arm(VECTOR, attention=False),
    Arm("hears what it sees", hears_place=False),
    Arm("without detectors", detects=False),
    Arm("without keeping apart", apart=False),
    Arm("all orders", one_order=False),
    Arm("forgets half the words", forgets=0.5),
    Arm(NONE, True, False, False, False, one_order=False),
)
TRAINED = {"attention": ARMS[0], "vector": ARMS[1], "backward": Arm("backward", backward=True)}
SIZE, STEPS = 6000, (600, 1200)  # scenes to learn from; steps of the detectors, of the writer
ASKED = 300  # scenes of each split that captions are judged on


@dataclass
class Problem:
    """Scenes to learn from, and to be asked about. sentences: for each scene, its captions as ids;
    asked: images and scenes by split."""

    images: np.ndarray
    sentences: list[list[list[int]]]
    vocab: dict[str, int]
    asked: dict[str, tuple[np.ndarray, list]]
    detectors: dict[tuple, WordDetectors] = field(default_factory=dict)


def problem(seed: int, size: int, asked: int, parts: Parts) -> Problem:
    """So many scenes to learn from, and to be asked about in each split."""
    images, found = scenes("train", seed=seed, size=size)
    texts = [captions(scene) for scene in found]
    words = {word for several in texts for text in several for word in text.split()}
    vocab = parts.build_vocab(sorted(words), 1)  # each once: the same ids, whatever the seed
    sentences = [[parts.encode(text, vocab) for text in several] for several in texts]
    tests = {split: scenes(split, seed=seed, size=asked) for split in SPLITS}
    return Problem(images, sentences, vocab, tests)


def learn(
    arm: Arm, task: Problem, seed: int, steps: tuple[int, int], parts: Parts
) -> tuple[WordDetectors, Captioner, list[float]]:
    """Detectors and a writer, trained as an arm wants it, and the writer's losses.

    steps: of the detectors, and of the writer. Trained detectors are shared by the arms of a
    problem that train them alike.
    """
    key = (arm.detects, arm.apart)
    words, places = len(task.vocab), (task.images.shape[2] // 4) ** 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detectors = WordDetectors(words, arm.apart, RARE if arm.detects else 0.0)
        if arm.detects:
            if key not in task.detectors:
                rng = np.random.default_rng([seed, 1])
                train_detectors(detectors, task.images, task.sentences, steps[0], rng)
                task.detectors[key] = detectors
            detectors = task.detectors[key]
        torch.manual_seed(seed)
        writer = Captioner(
            words,
            places,
            words + 2,
            arm.attention,
            arm.hears_place,
            arm.forgets,
            attend=parts.attend,
        )
        known = [several[:1] if arm.one_order else several for several in task.sentences]
        if arm.backward:
            known = [[backwards(ids) for ids in several] for several in known]
        losses = train_captioner(
            writer,
            detectors,
            task.images,
            known,
            steps[1],
            np.random.default_rng([seed, 2]),
            frozen=arm.detects,
            loss=parts.caption_loss,
        )
    return detectors, writer, losses


def run_arm(
    arm: Arm, task: Problem, seed: int, steps: tuple[int, int], parts: Parts, width: int = 3
) -> dict:
    """A row of the study: arm, seed, parameters of the writer, and for each split BLEU-4 and the
    share of captions that are exact."""
    detectors, writer, _ = learn(arm, task, seed, steps, parts)
    row = {"arm": arm.name, "seed": seed, "parameters": parameters_of(writer)}
    for split, (images, found) in task.asked.items():
        beams = beam(writer, features_of(detectors, images), width)
        row[split] = judge(beams, found, task.vocab, parts)
    return row


def run_arms(
    arms: Sequence[Arm], seed: int, size: int, steps: tuple[int, int], asked: int
) -> list[dict]:
    """The rows of some arms with one seed, by the parts of pytools, on one thread."""
    torch.set_num_threads(1)
    parts = Parts()
    task = problem(seed, size, asked, parts)
    return [run_arm(arm, task, seed, steps, parts) for arm in arms]


def run_study(
    seeds: Sequence[int],
    processes: int = 1,
    size: int = SIZE,
    steps: tuple[int, int] = STEPS,
    asked: int = ASKED,
) -> list[dict]:
    """The rows of every arm with every seed, in this order.

    A process takes, of one seed, the arms that share their detectors. It can't see a notebook, so
    all is done by the parts of pytools.
    """
    alike: dict[tuple, list[Arm]] = {}
    for arm in ARMS:
        alike.setdefault((arm.detects, arm.apart), []).append(arm)
    longest_first = sorted(alike.values(), key=len, reverse=True)  # so that processes end together
    items = [(arms, seed, size, steps, asked) for arms, seed in product(longest_first, seeds)]
    names = [arm.name for arm in ARMS]
    rows = rows_of(run_arms, items, processes)
    return sorted(rows, key=lambda row: (row["seed"], names.index(row["arm"])))


def judge(
    beams: Sequence[Sequence[Candidate]], found: Sequence, vocab: dict[str, int], parts: Parts
) -> dict[str, float]:
    """BLEU-4 of the best candidates, and how many of them are, word for word, one of a scene's
    captions: both from 0 to 1."""
    candidates = [parts.decode(of_scene[0].ids, vocab).split() for of_scene in beams]
    truth = [[text.split() for text in captions(scene)] for scene in found]
    exact = np.mean([words in several for words, several in zip(candidates, truth, strict=True)])
    score = parts.bleu(candidates, truth)
    return {"bleu": round(float(score), 4), "exact": round(float(exact), 4)}


def table(rows: Iterable[dict]) -> list[str]:
    """The study as lines: for each arm the parameters of its writer, the means over the seeds, and
    the spread, least to most."""
    rows = list(rows)
    columns = (
        ("test", "bleu", "BLEU-4"),
        ("test", "exact", "exact"),
        ("new", "exact", "exact, new pairs"),
    )
    lines = [f"{'':22}{'weights':>8}{''.join(f'{name:>18}' for *_, name in columns)}"]
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        cells = [_spread([row[split][what] for row in mine]) for split, what, _ in columns]
        lines.append(
            f"{arm:22}{mine[0]['parameters']:8,}{''.join(f'{cell:>18}' for cell in cells)}"
        )
    return lines


def _spread(values: Sequence[float]) -> str:
    spread = f" ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}"


def mean(rows: Iterable[dict], arm: str, split: str, what: str) -> float:
    """The mean over seeds of an arm's 'bleu' or 'exact' in a split."""
    return float(np.mean([row[split][what] for row in rows if row["arm"] == arm]))


GOALS = (
    ("test", "bleu", "BLEU-4", 0.95),
    ("test", "exact", "exact", 0.85),
    ("new", "exact", "exact on new pairs", 0.5),
)


def conclusions(rows: Iterable[dict]) -> list[str]:
    """What the rows say of the goals, and of each step: whether leaving it out costs exact captions
    on new pairs at every seed."""
    rows = list(rows)
    lines = []
    for split, what, name, goal in GOALS:
        value = mean(rows, ALL, split, what)
        verdict = "reached" if value >= goal else "not reached"
        lines.append(f"{name}: {value:.2f}, the goal of {goal:.2f} is {verdict}")
    whole = {row["seed"]: row["new"]["exact"] for row in rows if row["arm"] == ALL}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = {row["seed"]: row["new"]["exact"] for row in rows if row["arm"] == arm}
        costs = [whole[seed] - mine[seed] for seed in mine if seed in whole]
        if arm == ALL or not costs:
            continue
        if min(costs) > 0:
            verdict = "worse"
        else:
            verdict = "better" if max(costs) < 0 else "no clear difference"
        each = ", ".join(f"{-cost:+.2f}" for cost in costs)
        lines.append(f"{arm}, new pairs: {verdict}; by seed {each}")
    return lines


def keep(rows: Sequence[dict]) -> None:
    """Keep the rows of a study of SIZE and STEPS, and its arms."""
    arms = [asdict(arm) for arm in ARMS]
    keep_study(NAME, {"steps": STEPS, "size": SIZE, "arms": arms, "rows": list(rows)})


def kept() -> dict:
    """The study that was kept: date, steps, size, arms, rows. Raises CourseError where there is
    none."""
    return kept_study(NAME)
