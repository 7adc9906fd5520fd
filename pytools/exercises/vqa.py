"""The exercises of 17_matching_vqa: how each is called, and on which cases.

The loss and the fusion get tensors that require a gradient; what judges answers takes arrays and
words. Torch is imported where it is used, so that all exercises can be listed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable
from pytools.exercises.pytorch import taped
from pytools.exercises.siamese import ARRIVES, run_loss
from pytools.exercises.tensors import require_unchanged, tensors

Vqa = partial(Exercise, answers="pytools.exercises.answers.vqa")

# --- ranking_loss ----------------------------------------------------------------------------


def ranking_loss_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, margin: float, upstream: float = 1.0) -> tuple:
        """Similarities of which some cost something, both ways, and none is near the kink."""
        diagonal = margin * rng.uniform(-1, 1, n)
        while True:
            sim = margin * rng.uniform(-2, 1.5, (n, n))
            np.fill_diagonal(sim, diagonal)
            costs = np.stack([margin - diagonal[:, None] + sim, margin - diagonal + sim])
            if np.all(np.abs(costs) > 1e-3 * margin):
                return sim, margin, upstream

    fine = draw(4, 1.0)[0] - 5.0
    np.fill_diagonal(fine, 5.0)
    alike, margin, _ = draw(5, 0.5)
    single = draw(5, 1.0)[0].astype(np.float32)
    scaled = f"the loss is scaled afterwards; {ARRIVES}"
    return [
        Case(draw(2, 1.0)),
        Case(draw(3, 1.0)),
        Case(draw(5, 0.5), note="another margin"),
        Case(draw(4, 2.0, float(rng.uniform(2, 5))), note=scaled),
        Case(draw(7, 0.2), note="another margin"),
        Case(draw(1, 1.0), "edge", "one pair"),
        Case((fine, 1.0, 1.0), "edge", "every wrong partner is far behind"),
        Case(((alike + alike.T) / 2 - 5 * margin * np.eye(5), margin, 1.0), "edge", "symmetric"),
        Case((1e4 * alike, 1e4 * margin, 1.0), "numerical", "similarities near 10000"),
        Case((single, 1.0, 2.0), "numerical", "float32 tensors"),
    ]


def run_ranking_loss(attempt: Callable, sim: np.ndarray, margin: float, upstream: float) -> list:
    def as_tensor(sim: Any, margin: float) -> Any:
        """A sum that starts at a plain 0 stays one where there is nothing to add."""
        loss = attempt(sim, margin)
        return sim.new_tensor(loss) if len(sim) == 1 and isinstance(loss, int | float) else loss

    return run_loss(as_tensor, ("sim",), (sim,), (margin,), upstream)


# --- recall_at_k_retrieval -------------------------------------------------------------------


def recall_cases(rng: np.random.Generator) -> list[Case]:
    def draw(ranks: Sequence[int], k: int, low: float = -1.0, high: float = 1.0) -> tuple:
        """In row i the right answer has ranks[i] others before it; rows differ in level and width.

        Values of a row are at least half a percent of its width apart.
        """
        n = len(ranks)
        sim = np.empty((n, n))
        for i, rank in enumerate(ranks):
            bottom, top = low + (high - low) * np.array([rng.uniform(0, 0.3), rng.uniform(0.6, 1)])
            values = np.linspace(top, bottom, n) + (top - bottom) * rng.uniform(-0.2, 0.2, n) / n
            others = rng.permutation(np.delete(values, rank))
            sim[i] = np.insert(others, i, values[rank])
        return sim, k

    def mixed(n: int) -> list[int]:
        """Ranks of all kinds, more of them near the front."""
        return [int(rank) for rank in n * rng.random(n) ** 2]

    single = draw(mixed(8), 2)[0].astype(np.float32)
    return [
        Case(draw([int(r) for r in rng.permutation([0, 1, 2])], 1)),
        Case(draw(mixed(6), 1)),
        Case(draw(mixed(9), 3)),
        Case(draw([int(r) for r in rng.permutation([0, 1, 1, 2, 2, 2, 3, 5])], 2)),
        Case(draw(mixed(12), 5, 0.1, 0.9), note="all similarities above 0"),
        Case(draw(mixed(10), 2, -0.9, -0.1), note="all similarities below 0"),
        Case(draw([0] * 5, 1), "edge", "every query finds its answer first"),
        Case(draw([4] * 5, 4), "edge", "every right answer is last"),
        Case(draw(mixed(6), 6), "edge", "k is the number of answers"),
        Case(draw([0], 1), "edge", "one query"),
        Case(draw(mixed(9), 3, -1e6, 1e6), "numerical", "similarities up to a million"),
        Case(draw(mixed(9), 3, -1e-5, 1e-5), "numerical", "tiny similarities"),
        Case((single, 2), "numerical", "float32"),
    ]


# --- answer_accuracy -------------------------------------------------------------------------

SAID = ["yes", "no", "two", "three", "red", "blue", "left", "right", "circle", "square"]


def answer_accuracy_cases(rng: np.random.Generator) -> list[Case]:
    def question(count: int, people: int = 10, others: int = 3) -> tuple[str, list[str]]:
        """An answer, and what people said: `count` of them just that."""
        pred, *rest = (str(word) for word in rng.permutation(SAID)[: others + 1])
        said = [pred] * count + [str(word) for word in rng.choice(rest, people - count)]
        return pred, [str(word) for word in rng.permutation(said)]

    def case(*questions: tuple[str, list[str]], group: str = "ordinary", note: str = "") -> Case:
        pred, answers = zip(*(questions[i] for i in rng.permutation(len(questions))), strict=True)
        return Case((list(pred), list(answers)), group, note)

    def spelt(pred: str, *said: str) -> tuple[str, list[str]]:
        return pred, [*said, *["other"] * (10 - len(said))]

    counts = [int(count) for count in rng.permutation([0, 1, 2, 3, 5, 9])]
    letters = [spelt("yes", "Yes", "YES", "yes"), spelt("Red", "red", "red", "red")]
    parts = [spelt("red", "dark red", "reddish", "red"), spelt("two red ones", "two", "red")]
    people = [question(1, 3), question(2, 4), question(0, 5), question(4, 7), question(1, 1)]
    return [
        case(question(1, 4, 1), question(4, 5, 1)),
        case(*(question(count) for count in counts)),
        case(question(1), question(1), question(2), question(0)),
        case(question(2, others=8), question(1, others=9), question(3, others=7)),
        case(*(question(int(count)) for count in rng.permutation([10, 8, 6, 1]))),
        case(*people, group="edge", note="not ten people, but fewer"),
        case(question(int(rng.integers(1, 3))), group="edge", note="one question"),
        case(question(0), question(0), group="edge", note="nobody said that"),
        case(*letters, question(2), group="edge", note="capital letters"),
        case(*parts, question(1), group="edge", note="one answer is part of another"),
    ]


# --- fuse ------------------------------------------------------------------------------------

FUSED = ("image", "question", "wi", "bi", "wq", "bq")


def fuse_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, q: int, f: int) -> tuple:
        shapes = [(n, d), (n, q), (d, f), (f,), (q, f), (f,)]
        return tuple(rng.standard_normal(shape) for shape in shapes)

    large, single = draw(3, 4, 5, 6), draw(4, 3, 5, 4)
    silent = draw(3, 4, 2, 5)
    silent[1][0] = 0.0
    return [
        Case(draw(2, 2, 3, 2)),
        Case(draw(3, 5, 4, 6)),
        Case(draw(4, 4, 4, 4), note="all sizes equal"),
        Case(draw(6, 3, 2, 5)),
        Case(draw(1, 4, 3, 5), "edge", "a batch of one"),
        Case(draw(5, 1, 1, 3), "edge", "vectors of one number"),
        Case(draw(3, 4, 2, 1), "edge", "F is 1"),
        Case(silent, "edge", "a question of zeros"),
        Case((100 * large[0], *large[1:]), "numerical", "large numbers"),
        Case(tuple(x.astype(np.float32) for x in single), "numerical", "float32 tensors"),
    ]


def run_fuse(attempt: Callable, *given: np.ndarray) -> Any:
    """The fused vectors, of tensors, or of arrays where that is what the attempt works on."""
    import torch

    def call(values: Sequence[Any]) -> Any:
        image, question, *params = values
        return attempt(image, question, dict(zip(FUSED[2:], params, strict=True)))

    inputs = tensors(*given, learned=True)
    try:
        fused = call(inputs)
    except (AttributeError, RuntimeError, TypeError) as error:
        try:
            return call([value.copy() for value in given])
        except Exception:
            raise error from None
    if isinstance(fused, torch.Tensor):
        if fused.requires_grad:
            fused.sum().backward()
        cut = [name for name, tensor in zip(FUSED, inputs, strict=True) if tensor.grad is None]
        if cut:
            text = f"No gradient reaches {', '.join(cut)}: used in the formula, and on the tape?"
            raise Unusable("tape", text)
    require_unchanged(dict(zip(FUSED, given, strict=True)), inputs)
    return fused


EXERCISES = [
    Vqa(
        id="vqa.ranking_loss",
        inputs=("sim", "margin", "upstream"),
        outputs=("loss", "grad_sim"),
        cases=ranking_loss_cases,
        run=taped(run_ranking_loss),
        section="1. One space for pictures and sentences",
    ),
    Vqa(
        id="vqa.recall_at_k_retrieval",
        inputs=("sim", "k"),
        outputs=("recall",),
        cases=recall_cases,
        section="2. Is it found?",
    ),
    Vqa(
        id="vqa.answer_accuracy",
        inputs=("pred", "answers"),
        outputs=("accuracy",),
        cases=answer_accuracy_cases,
        section="4. Ten people, one question",
    ),
    Vqa(
        id="vqa.fuse",
        inputs=FUSED,
        outputs=("fused",),
        cases=fuse_cases,
        run=taped(run_fuse),
        section="5. Two senses, one vector",
    ),
]
