"""The exercises of 15_ocr: how each is called, and on which cases.

Symbols are whole numbers, and log_probs (T, C) log probabilities that sum to 1 in each frame. The
frames of the decoders are made from a path, so that the texts meet repeats, blanks between equal
letters, and blanks at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from pytools.exercise import Case, Exercise

Ocr = partial(Exercise, answers="pytools.exercises.answers.ocr")

WIDTH = 2000  # more than all prefixes of the cases
WORDS = ["old", "grey", "cat", "sat", "in", "the", "sun", "while", "two", "small", "dogs", "ran"]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    top = logits.max(axis=1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))


def frames(rng: np.random.Generator, steps: int, classes: int, spread: float = 1.0) -> np.ndarray:
    """Log probabilities (steps, classes) of any path."""
    return log_softmax(spread * rng.standard_normal((steps, classes)))


# --- greedy_decode ---------------------------------------------------------------------------


def greedy_decode_cases(rng: np.random.Generator) -> list[Case]:
    def case(path: Sequence[int], classes: int, blank: int, *rest: str) -> Case:
        """Frames with this best path. In it, 0 stands for the blank, 1 and so on for letters."""
        letters = [c for c in range(classes) if c != blank]
        if blank == 0:  # else letter 1 is symbol 0, which is no blank where it comes first
            letters = rng.permutation(letters)
        shown = np.concatenate([[blank], letters])[list(path)]
        logits = rng.standard_normal((len(path), classes))
        logits[np.arange(len(path)), shown] = logits.max(axis=1) + rng.uniform(0.5, 2, len(path))
        return Case((log_softmax(logits), blank), *rest)

    single = case([0, 2, 2, 0, 2, 1, 1, 0, 3, 3], 6, 0)
    return [
        case([0, 1, 1, 0, 2], 3, 0),
        case([1, 1, 0, 2, 0, 3, 3, 0, 3, 4, 4], 6, 0),
        case([3, 3, 3, 1, 2, 2, 1, 0, 1, 1, 4, 2], 6, 0, "ordinary", "letters that come back"),
        case([2, 0, 2, 0, 0, 2, 2, 0, 1, 3, 0, 3], 5, 0, "ordinary", "blanks between equal ones"),
        case([1, 2, 2, 0, 2, 3, 1, 1, 0, 0, 1], 5, 4, "edge", "the last symbol is the blank"),
        case([0, 0, 2, 1, 0, 1, 1, 3, 0], 5, 2, "edge", "symbol 2 is the blank"),
        case([0, 0, 0, 0], 4, 0, "edge", "nothing but blanks"),
        case([1], 3, 0, "edge", "one frame"),
        case([2, 2, 2, 2, 2], 4, 0, "edge", "one letter all the way"),
        case([0, 0, 1, 2, 3, 3, 0, 0], 4, 3, "edge", "blanks at both ends"),
        Case((single.args[0].astype(np.float32), 0), "numerical", "float32"),
    ]


# --- ctc_loss --------------------------------------------------------------------------------


def ctc_loss_cases(rng: np.random.Generator) -> list[Case]:
    def case(
        text: Sequence[int], steps: int, classes: int, *rest: str, blank: int = 0, spread: float = 1
    ) -> Case:
        """A text of 1, 2 and so on, each standing for some symbol that is not the blank."""
        letters = rng.permutation([c for c in range(classes) if c != blank])
        labels = letters[np.array(text, dtype=int) - 1] if len(text) else np.zeros(0, dtype=int)
        return Case((frames(rng, steps, classes, spread), labels, blank), *rest)

    far = rng.integers(1, 11, 9)
    long_line = "a long line, on which each text is very improbable"
    single = case([1, 2, 2, 3, 1], 12, 5)
    return [
        case([1], 2, 3),
        case([1, 2], 4, 3),
        case([1, 2, 3, 4], 8, 6),
        case([1, 1, 2], 7, 4, "ordinary", "a letter twice in a row"),
        case([2, 1, 2, 3, 3, 3, 1], 14, 5, "ordinary", "letters that come back"),
        case([3, 1, 2], 9, 5, "ordinary", "frames that are nearly sure", spread=4),
        case([1, 2, 2, 3], 9, 5, "edge", "the last symbol is the blank", blank=4),
        case([2, 1, 3, 3], 8, 5, "edge", "symbol 2 is the blank", blank=2),
        case([1, 1, 2], 4, 4, "edge", "just one path is possible"),
        case([1], 1, 3, "edge", "one letter, one frame"),
        case([1, 2, 3, 1], 3, 5, "edge", "more letters than frames"),
        case([1, 2, 2, 1], 4, 4, "edge", "equal letters, and no frame for the blank between"),
        case([], 3, 4, "edge", "an empty text"),
        case(far, 180, 12, "numerical", long_line, spread=5),
        case([1, 2, 2, 3, 1], 24, 6, "numerical", "frames that are sure of other texts", spread=9),
        Case((single.args[0].astype(np.float32), *single.args[1:]), "numerical", "float32"),
    ]


# --- beam_decode -----------------------------------------------------------------------------

# Frames (blank, letter, letter) whose best text is no easy guess: each shows other mistakes.
HARD_LINES = (
    [[0.33, 0.08, 0.58], [0.31, 0.07, 0.62], [0.48, 0.41, 0.11], [0.2, 0.24, 0.56]],
    [
        [0.24, 0.41, 0.35],
        [0.39, 0.21, 0.4],
        [0.5, 0.43, 0.07],
        [0.34, 0.5, 0.16],
        [0.5, 0.13, 0.37],
    ],
    [
        [0.23, 0.09, 0.69],
        [0.79, 0.13, 0.08],
        [0.34, 0.39, 0.27],
        [0.26, 0.2, 0.54],
        [0.35, 0.43, 0.23],
    ],
    [
        [0.24, 0.57, 0.19],
        [0.49, 0.17, 0.33],
        [0.51, 0.28, 0.21],
        [0.48, 0.28, 0.24],
        [0.57, 0.28, 0.15],
    ],
    [
        [0.31, 0.34, 0.34],
        [0.41, 0.47, 0.12],
        [0.28, 0.39, 0.33],
        [0.25, 0.52, 0.23],
        [0.55, 0.28, 0.16],
    ],
    [
        [0.21, 0.23, 0.56],
        [0.38, 0.26, 0.36],
        [0.5, 0.13, 0.37],
        [0.4, 0.2, 0.41],
        [0.49, 0.12, 0.39],
    ],
)


def beam_decode_cases(rng: np.random.Generator) -> list[Case]:
    def case(rows: Sequence[Sequence[float]], *rest: str, blank: int = 0) -> Case:
        """About these frames; in the rows the blank comes first, and letters in any order."""
        share = np.array(rows) * rng.uniform(0.99, 1.01, np.shape(rows))
        order = list(rng.permutation(np.arange(1, share.shape[1])))
        order.insert(blank, 0)
        return Case((log_softmax(np.log(share[:, order])), WIDTH, blank), *rest)

    def drawn(steps: int, classes: int, *rest: str, blank: int = 0) -> Case:
        """Any frames whose blank is likely."""
        logits = 0.8 * rng.standard_normal((steps, classes))
        logits[:, blank] += 0.5
        return Case((log_softmax(logits), WIDTH, blank), *rest)

    single = case(HARD_LINES[1])
    return [
        case([[0.6, 0.4], [0.6, 0.4]]),
        *map(case, HARD_LINES),
        drawn(5, 4),
        drawn(4, 5),
        case([[0.3, 0.5, 0.2], [0.7, 0.2, 0.1], [0.3, 0.6, 0.1]], "edge", "a letter twice"),
        case(HARD_LINES[2], "edge", "the last symbol is the blank", blank=2),
        case(HARD_LINES[3], "edge", "symbol 1 is the blank", blank=1),
        case([[0.8, 0.1, 0.1]] * 3, "edge", "an empty text"),
        case([[0.2, 0.3, 0.5]], "edge", "one frame"),
        Case((single.args[0].astype(np.float32), *single.args[1:]), "numerical", "float32"),
    ]


# --- edit_distance ---------------------------------------------------------------------------


def edit_distance_cases(rng: np.random.Generator) -> list[Case]:
    def word(length: int, letters: str = "abcde") -> str:
        return "".join(rng.choice(list(letters), length))

    def other(letters: str) -> str:
        """The same letters by other names."""
        names = rng.permutation(list("abcdefghijklmnopqrstuvwxyz"))
        return "".join(names[ord(letter) - ord("a")] for letter in letters)

    def pair(a: str, b: str) -> tuple[str, str]:
        both = other(a + b)
        return both[: len(a)], both[len(a) :]

    ids = rng.integers(10, 14, 6).tolist()
    tail = word(3)
    words = rng.permutation(WORDS[:9]).tolist()
    return [
        Case(pair("abcd", "acxd")),
        Case(pair("kitten", "sitting")),
        Case(pair("abcdefg", "bcdefga")),
        Case(pair("xabcd", "abcdyz"), note="letters added at both ends"),
        Case((word(7), word(6))),
        Case((word(5), word(8))),
        Case((word(8, "ab"), word(6, "ab"))),
        Case((ids, [ids[1], 99, *ids[3:], ids[0]]), note="lists of numbers"),
        Case((words[:5], [words[0], *words[2:4], words[6], words[4]]), note="lists of words"),
        Case((word(4), ""), "edge", "b is empty"),
        Case(("", word(5)), "edge", "a is empty"),
        Case(("", ""), "edge", "both are empty"),
        Case(([], words[:3]), "edge", "lists, a is empty"),
        Case((tail, tail), "edge", "nothing to do"),
        Case(pair("abcd", "bacd"), "edge", "neighbours exchanged"),
        Case(pair("abc", "abcdefg"), "edge", "b goes on where a ends"),
        Case(pair("defgabc", "abc"), "edge", "a begins earlier"),
        Case(pair("aaaaaa", "aa"), "edge", "one letter only"),
        Case(pair("abc", "defg"), "edge", "nothing in common"),
        Case(pair("abcdef", "fedcba"), "edge", "backwards"),
        Case((tail + "Bd", tail.upper() + "bD"), "edge", "capitals are other letters"),
        Case((f" {tail} b", f"{tail}b "), "edge", "spaces are letters, too"),
        Case(pair("abcdefgh", "cdexfgh"), "edge", "a longer pair"),
    ]


# --- error_rates -----------------------------------------------------------------------------


def error_rates_cases(rng: np.random.Generator) -> list[Case]:
    def line(count: int) -> str:
        return " ".join(rng.choice(WORDS, count, replace=False))

    def misread(text: str, edits: int) -> str:
        """The text with so many letters changed, added or lost."""
        for _ in range(edits):
            place = int(rng.integers(len(text)))
            new = ["x", text[place] + "q", ""][rng.integers(3 if len(text) > 2 else 2)]
            text = text[:place] + new + text[place + 1 :]
        return text

    def case(counts: Sequence[int], edits: Sequence[int], *rest: str) -> Case:
        true = [line(count) for count in counts]
        pred = [misread(text, number) for text, number in zip(true, edits, strict=True)]
        return Case((pred, true), *rest)

    a, b = line(6), line(3)
    first, *others = a.split()
    return [
        Case(([f"{first} {others[0]}x"], [f"{first} {others[0]}"])),
        case([4, 4], [2, 1]),
        case([7, 1, 3], [1, 4, 0], "ordinary", "lines of unequal length"),
        case([2, 5, 8, 3], [0, 2, 3, 5]),
        Case(([" ".join(others), b], [a, b]), note="a word is missing"),
        Case(([f"{a} so", b], [a, f"so {b}"]), note="a word too many, and one too few"),
        Case(([a.replace(" ", "", 2), misread(b, 1)], [a, b]), note="spaces are missing"),
        Case((["", misread(b, 1)], [a, b]), "edge", "an empty reading"),
        Case(([b, a], ["", a]), "edge", "an empty line that was read as something"),
        Case(([a, b], [a, b]), "edge", "all is right"),
        Case(([f"{b} {a} {b}", b], [b, b]), "edge", "a reading that is far too long"),
        Case(([a, f"  {b} "], [a.replace(" ", "  ", 2), b]), "edge", "more white space"),
        Case(([a.replace(" ", "\t"), b], [a, b]), "edge", "tabs"),
        Case(([b.upper(), a], [b, a]), "edge", "capitals are other letters"),
        Case(([" ".join(a.split()[::-1])], [a]), "edge", "the words in another order"),
    ]


# --- reverse_padded --------------------------------------------------------------------------


def reverse_padded_cases(rng: np.random.Generator) -> list[Case]:
    def case(lengths: Sequence[int], shape: Sequence[int], *rest: str) -> Case:
        """Sequences of these lengths, padded with zeros to shape[0] steps."""
        x = rng.standard_normal((len(lengths), *shape))
        for sequence, length in zip(x, lengths, strict=True):
            sequence[length:] = 0
        return Case((x, np.array(lengths)), *rest)

    several = rng.permutation([2, 5, 7, 4])
    single = case(several, (7, 3))
    return [
        case([3, 4], (4,)),
        case(several, (7,)),
        case(several, (7, 4)),
        case([4, 2, 6], (6, 6), "ordinary", "as many features as steps"),
        case([3, 5], (5, 2, 3), "ordinary", "a picture in each step"),
        case([5, 5, 5], (5, 2), "edge", "no padding"),
        case([1, 3, 1], (4, 2), "edge", "sequences of one step"),
        case([2, 4], (8, 2), "edge", "padding behind all of them"),
        case([3], (5, 3), "edge", "one sequence"),
        case([3, 1, 2], (3, 3), "edge", "as many sequences as steps"),
        Case((single.args[0].astype(np.float32), single.args[1]), "numerical", "float32"),
    ]


EXERCISES = [
    Ocr(
        id="ocr.greedy_decode",
        inputs=("log_probs", "blank"),
        outputs=("text",),
        cases=greedy_decode_cases,
        section="2. From a path to a text",
    ),
    Ocr(
        id="ocr.ctc_loss",
        inputs=("log_probs", "labels", "blank"),
        outputs=("loss", "grad"),
        cases=ctc_loss_cases,
        section="3. All paths at once",
    ),
    Ocr(
        id="ocr.beam_decode",
        inputs=("log_probs", "width", "blank"),
        outputs=("text",),
        cases=beam_decode_cases,
        section="4. A better text than the best path",
    ),
    Ocr(
        id="ocr.edit_distance",
        inputs=("a", "b"),
        outputs=("distance",),
        cases=edit_distance_cases,
        section="5. How wrong is a reading?",
    ),
    Ocr(
        id="ocr.error_rates",
        inputs=("pred", "true"),
        outputs=("cer", "wer"),
        cases=error_rates_cases,
        section="5. How wrong is a reading?",
    ),
    Ocr(
        id="ocr.reverse_padded",
        inputs=("x", "lengths"),
        outputs=("reversed",),
        cases=reverse_padded_cases,
        section="6. Read from both ends",
    ),
]
