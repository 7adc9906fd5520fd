"""The exercises of 16_captioning: how each is called, and on which cases.

Words and captions are strings and lists; a check compares their ids. The loss and the attention get
tensors that require a gradient, and the gradients are checked too. Torch is imported where it is
used, so that all exercises can be listed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, flatten
from pytools.exercises.pytorch import gradient, taped
from pytools.exercises.siamese import ARRIVES, run_loss
from pytools.exercises.tensors import require_unchanged, tensors

Captioning = partial(Exercise, answers="pytools.exercises.answers.captioning")

SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")
WORDS = (
    *("red", "green", "blue", "grey", "dark", "light", "small", "large", "circle", "square"),
    *("triangle", "above", "below", "left", "right", "of", "a", "the", "and", "is", "near"),
)


def _words(rng: np.random.Generator, n: int) -> list[str]:
    """n different words."""
    return [str(word) for word in rng.permutation(WORDS)[:n]]


def _vocab(rng: np.random.Generator, n: int) -> dict[str, int]:
    """A vocabulary of n words, as build_vocab makes it."""
    return {word: i for i, word in enumerate([*SPECIAL, *_words(rng, n)])}


# --- build_vocab -----------------------------------------------------------------------------

LISTED = (
    "ids lists those of <pad>, <start>, <end>, <unk>, then of the words in alphabetical order, "
    "-1 where one is missing"
)


def build_vocab_cases(rng: np.random.Generator) -> list[Case]:
    def draw(counts: Iterable[int], min_count: int, captions: int, capitals: bool = False) -> tuple:
        """Captions in which so many words occur so often, in any order."""
        counts = list(counts)
        words = np.repeat(_words(rng, len(counts)), counts)
        parts = np.array_split(rng.permutation(words), captions)
        texts = [" ".join(map(str, part)) for part in parts]
        return [text.capitalize() for text in texts] if capitals else texts, min_count

    def case(args: tuple, group: str = "ordinary", note: str = "") -> Case:
        return Case(args, group, f"{note}; {LISTED}" if note else LISTED)

    a, b, c, d = sorted(_words(rng, 4))
    often = [f"{b} {b} {c}", f"{b} {b} {a}", f"{c} {d}"]  # b is in fewer captions than it occurs
    spaced = [f"  {a}   {b} ", f"{b}\t{c}\n", ""]
    return [
        case(([f"{c} {a} {b}", f"{c} {b}", f"{c} {d} {a}"], 1)),
        case(draw((1, 2, 2, 3, 5), 2, 4), note="words that are too rare"),
        case((often, 2), note="a word that comes twice in a caption"),
        case(draw((4, 3, 3, 3, 2, 2, 1, 1, 1), 1, 6)),
        case(draw((5, 4, 3, 2, 2, 1), 3, 5), note="min_count 3"),
        case(draw((6, 4, 4, 3, 2), 1, 7, True), note="capital letters"),
        case((draw((1, 2, 3), 4, 2)[0], 4), "edge", "every word is too rare"),
        case(([], 1), "edge", "no captions"),
        case((spaced, 1), "edge", "several spaces in a row, and an empty caption"),
        case(draw([2] * 12, 2, 8), "edge", "all words equally frequent"),
        case(([f"{a.upper()} {b}", f"{a} {b.title()}"], 2), "edge", "capitals decide who stays"),
    ]


def run_build_vocab(attempt: Callable, captions: Sequence[str], min_count: int) -> tuple:
    """The ids of all words that are, or might be, in the vocabulary; and how many it holds."""
    vocab = attempt(captions, min_count)
    if vocab is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(vocab, Mapping):
        got = type(vocab).__name__
        raise Unusable("numbers", f"It returned a {got}, not a dict from words to ids.")
    words = sorted({word for text in captions for word in text.lower().split()})
    return [vocab.get(word, -1) for word in (*SPECIAL, *words)], len(vocab)


# --- encode, decode --------------------------------------------------------------------------


BETWEEN = "ids are compared without the <start> and <end> around them"
AS_IDS = "words are the ids of what it returned, word by word"


def encode_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, length: int, unknown: int = 0) -> tuple[list[str], dict[str, int]]:
        """Words of a caption, some of which the vocabulary of n words does not hold."""
        vocab = _vocab(rng, n)
        words = [str(word) for word in rng.choice(list(vocab)[4:], length)]
        for place in rng.permutation(length)[:unknown]:
            words[place] = f"{words[place]}ish"
        return words, vocab

    def case(words: Sequence[str], vocab: dict, group: str = "ordinary", note: str = "") -> Case:
        return Case((" ".join(words), vocab), group, f"{note}; {BETWEEN}" if note else BETWEEN)

    words, vocab = draw(6, 4)
    return [
        case(*draw(3, 3)),
        case(*draw(8, 6)),
        case(*draw(5, 5, 2), "ordinary", "words that it does not hold"),
        case([words[0].capitalize(), *words[1:]], vocab, "ordinary", "a capital letter"),
        case([word.upper() for word in words], vocab, "ordinary", "capital letters"),
        case(*draw(4, 1), "edge", "one word"),
        case(*draw(4, 3, 3), "edge", "no word that it holds"),
        case([], vocab, "edge", "an empty caption"),
        case(["", *words, ""], vocab, "edge", "spaces around it"),
        case(words, _vocab(rng, 0), "edge", "a vocabulary of no words"),
    ]


def run_encode(attempt: Callable, caption: str, vocab: dict[str, int]) -> np.ndarray:
    """The ids; where <start> and <end> are around them, what is between."""
    ids = flatten(attempt(caption, vocab), ("ids",))["ids"]
    framed = ids.ndim == 1 and len(ids) > 1
    framed = framed and ids[0] == vocab["<start>"] and ids[-1] == vocab["<end>"]
    return ids[1:-1] if framed else ids


def decode_cases(rng: np.random.Generator) -> list[Case]:
    pad, start, end, unk = range(4)

    def words(n: int, vocab: dict[str, int]) -> list[int]:
        return [int(i) for i in rng.integers(4, len(vocab), n)]

    def case(ids: Sequence[int], group: str, note: str) -> Case:
        return Case((ids, vocab), group, f"{note}; {AS_IDS}" if note else AS_IDS)

    vocab = _vocab(rng, 3)
    small = case([start, *words(3, vocab), end], "ordinary", "")
    vocab = _vocab(rng, 9)
    one, two = words(4, vocab), words(3, vocab)
    return [
        small,
        case([start, *one, end], "ordinary", ""),
        case([start, *two, end, pad, pad, pad], "ordinary", "padding behind it"),
        case([start, *one, end, *two, end, pad], "ordinary", "words behind <end>"),
        case([start, *two, end, pad, *one], "ordinary", "words behind the padding"),
        case([*two, end], "ordinary", "without <start>"),
        case([start, *one], "ordinary", "without <end>"),
        case(two, "edge", "without <start> and <end>"),
        case([start, one[0], unk, *two, end], "edge", "an unknown word"),
        case([start, end, *one], "edge", "nothing before <end>"),
        case([start, *one, pad, pad], "edge", "padding, but no <end>"),
        case(np.array([start, *two, end, pad]), "edge", "the ids are an array"),
    ]


def run_decode(attempt: Callable, ids: Sequence[int], vocab: dict[str, int]) -> list[int]:
    """The words of the caption, each as its id, -1 for what is no word."""
    caption = attempt(ids, vocab)
    if caption is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    words = caption.split() if isinstance(caption, str) else caption
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise Unusable("numbers", f"It returned a {type(caption).__name__}, not a string.")
    return [vocab.get(word, -1) for word in words]


# --- caption_loss ----------------------------------------------------------------------------


def caption_loss_cases(rng: np.random.Generator) -> list[Case]:
    def draw(lengths: Sequence[int], v: int, steps: int = 0, upstream: float = 1.0) -> tuple:
        """Captions of ids from 2 on, padded with 0 to `steps`."""
        steps = steps or max(lengths)
        shape = len(lengths), steps
        logits, targets = rng.standard_normal((*shape, v)), rng.integers(2, v, shape)
        real = np.arange(steps) < np.array(lengths)[:, None]
        return 2 * logits, np.where(real, targets, 0), np.array(lengths), upstream

    logits, targets, lengths, _ = draw((4, 2, 3), 6)
    steep = 1e4 * rng.permuted(np.broadcast_to(np.linspace(-1, 1, 6), logits.shape), axis=2)
    single = logits.astype(np.float32)
    scaled = f"the loss is scaled afterwards; {ARRIVES}"
    return [
        Case(draw((3, 1), 4)),
        Case(draw((5, 2, 4), 7)),
        Case(draw((1, 6, 3, 3), 5, upstream=float(rng.uniform(2, 5))), note=scaled),
        Case(draw((4, 2, 4, 1), 4), note="as many captions as words in the longest"),
        Case(draw((2, 3, 1), 5, 5), note="every caption is padded"),
        Case(draw((4, 4, 4), 5), "edge", "no padding"),
        Case(draw((5,), 6, 7), "edge", "one caption"),
        Case(draw((1, 1), 4, 3), "edge", "captions of one word"),
        Case((steep, targets, lengths, 1.0), "numerical", "logits up to 10000"),
        Case((single, targets, lengths, 2.0), "numerical", "float32 tensors"),
    ]


def run_caption_loss(
    attempt: Callable,
    logits: np.ndarray,
    targets: np.ndarray,
    lengths: np.ndarray,
    upstream: float,
) -> list:
    fixed = tensors(targets, lengths)
    results = run_loss(attempt, ("logits",), (logits,), tuple(fixed), upstream)
    require_unchanged({"targets": targets, "lengths": lengths}, fixed)
    return results


# --- attend ----------------------------------------------------------------------------------

ATTENDED = ("features", "hidden", "wf", "wh", "b", "v")


def attend_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, places: int, d: int, h: int, a: int) -> tuple:
        shapes = [(n, places, d), (n, h), (d, a), (h, a), (a,), (a,)]
        arrays = [rng.standard_normal(shape) for shape in shapes]
        return *arrays, rng.standard_normal((n, d)), rng.standard_normal((n, places))

    def scaled(args: tuple, **by: float) -> tuple:
        named = zip((*ATTENDED, "up", "up"), args, strict=True)
        return tuple(by.get(name, 1.0) * value for name, value in named)

    def steep() -> tuple:
        """Places one above the other in every respect: scores in the ten thousands, far apart."""
        f, h, wf, wh, b, v, *rest = draw(3, 4, 3, 2, 5)
        level = rng.permuted(np.broadcast_to([-0.6, -0.2, 0.2, 0.6], (3, 4)), axis=1)
        f = level[..., None] + 0.02 * f
        wf, v = (rng.uniform(0.5, 1, value.shape) for value in (wf, v))
        return f, 0.2 * h, wf, 0.2 * wh, 0.2 * b, 1e4 * v, *rest

    single = tuple(value.astype(np.float32) for value in draw(3, 5, 4, 3, 4))
    alike = draw(2, 4, 3, 2, 5)
    alike[0][:] = alike[0][:, :1]
    both = "gradients arrive for context and weights"
    return [
        Case(draw(2, 3, 2, 2, 2), note=both),
        Case(draw(3, 5, 4, 2, 6), note=both),
        Case(draw(4, 4, 4, 4, 4), note=f"all sizes equal; {both}"),
        Case(draw(5, 2, 3, 6, 4), note=both),
        Case(scaled(draw(3, 6, 4, 5, 3), v=3.0), note=f"a sharp look; {both}"),
        Case(draw(1, 5, 3, 4, 2), "edge", "one picture"),
        Case(draw(3, 1, 4, 2, 3), "edge", "one place"),
        Case(draw(3, 4, 2, 3, 1), "edge", "A is 1"),
        Case(alike, "edge", "all places look alike"),
        Case(steep(), "numerical", "scores in the ten thousands"),
        Case(single, "numerical", "float32 tensors"),
    ]


def run_attend(attempt: Callable, *args: np.ndarray) -> list:
    """context and weights, and the gradient for each tensor given, zeros where none arrived."""
    import torch

    given, upstream = args[: len(ATTENDED)], tensors(*args[len(ATTENDED) :])
    inputs = tensors(*given, learned=True)
    features, hidden, *params = inputs
    results = attempt(features, hidden, dict(zip(ATTENDED[2:], params, strict=True)))
    flatten(results, ("context", "weights"))  # says what is wrong if these are not two
    pairs = [
        (result * arrives).sum()
        for result, arrives in zip(results, upstream, strict=True)
        if isinstance(result, torch.Tensor) and result.shape == arrives.shape
    ]
    if any(pair.requires_grad for pair in pairs):
        sum(pairs).backward()
    require_unchanged(dict(zip(ATTENDED, given, strict=True)), inputs)
    return [*results, *map(gradient, inputs)]


# --- beam_search -----------------------------------------------------------------------------

SELDOM = -25.0  # the log-probability of what is as good as impossible
LONG = 320  # so many words, of 40, that the probability of a caption is 0 to a float


class Writes:
    """A net that writes captions. scores(words) -> log-probabilities of the next id."""

    def __init__(self, words: str, start: int, end: int, size: int, scores: Callable) -> None:
        self.__doc__ = words
        self.start, self.end, self.size, self.scores = start, end, size, scores

    def __call__(self, prefix: Iterable[int]) -> np.ndarray:
        first, *written = map(int, prefix)
        if first != self.start:
            raise ValueError(f"step was given a list that begins with {first}, not with start")
        if self.end not in written:
            return self.scores(written)
        after = np.full(self.size, 0.7 / (self.size - 1))  # nobody should ask: to go on costs
        after[max({0, 1, 2} - {self.start, self.end})] = 0.3
        return np.log(after)

    def __deepcopy__(self, memo: dict) -> Writes:
        return self


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def by_table(rng: np.random.Generator, words: int, depth: int, ends: str) -> tuple:
    """A net to which the place and the last word are all that counts, and its start and end.

    ends: "late", after `depth` words; "any", after as many at most; "never".
    """
    size = words + 2
    start, end = (int(i) for i in rng.permutation(size)[:2])
    logits = rng.standard_normal((depth + 1, size, size))
    logits[..., start] = SELDOM
    if ends != "any":
        logits[..., end] = SELDOM
    if ends != "never":
        logits[depth, :, :], logits[depth, :, end] = SELDOM, 0.0
    table = _log_softmax(logits)

    def scores(written: list[int]) -> np.ndarray:
        last = written[-1] if written else start
        return table[min(len(written), depth), last].copy()

    when = {"late": f"after {depth} words", "any": f"after {depth} words at most", "never": "never"}
    text = f"a net that knows {words} words and ends {when[ends]}"
    return Writes(text, start, end, size, scores), start, end


def by_place(rng: np.random.Generator, words: int, depth: int) -> tuple:
    """A net to which the place is all that counts: at each, one word is best by far."""
    start, end, *ids = (int(i) for i in rng.permutation(words + 2))
    logits = rng.uniform(0, 0.5, (depth + 1, words + 2))
    logits[np.arange(depth + 1), rng.choice(ids, depth + 1)] += 1.2
    logits[:, [start, end]] = SELDOM
    logits[depth] = np.where(np.arange(words + 2) == end, 0.0, SELDOM)
    table = _log_softmax(logits)
    text = f"a net that knows {words} words and ends after {depth} words"

    def scores(written: list[int]) -> np.ndarray:
        return table[min(len(written), depth)].copy()

    return Writes(text, start, end, words + 2, scores), start, end


def by_tree(rng: np.random.Generator, tree: Mapping[str, str]) -> tuple:
    """A net that follows a tree, and its start and end. After what is not listed comes the end.

    tree: words written -> words that may follow, with their probabilities in percent; a to d are
    words, E is the end. Which ids they have is drawn; the probabilities move a little.
    """
    start, *ids = (int(i) for i in rng.permutation(7)[:6])
    names = dict(zip("abcdE", ids, strict=True))

    def probabilities(text: str) -> np.ndarray:
        p = np.full(7, 1e-9)
        for item in text.split():
            p[names[item[0]]] = float(item[1:]) * rng.uniform(0.99, 1.01)
        return p / p.sum()

    known = {
        tuple(names[letter] for letter in written): probabilities(text)
        for written, text in tree.items()
    }
    last = probabilities("E92 a3 b2 c2 d1")

    def scores(written: list[int]) -> np.ndarray:
        return np.log(known.get(tuple(written), last))

    lines = [
        f"  after {[start, *written]}: " + ", ".join(f"{i} {p[i]:.2f}" for i in np.argsort(-p)[:4])
        for written, p in known.items()
    ]
    end = names["E"]
    text = f"a net that gives these probabilities, and else ends with {end}:\n"
    return Writes(text + "\n".join(lines), start, end, 7, scores), start, end


# Where the most probable first word leads nowhere; where the best caption begins with the third
# best word; where the two best beginnings have the same first word; where an end comes early and is
# not the best, and where it is.
TREES = {
    "greedy": {"": "a55 b40 E5", "a": "E40 c30 d30", "b": "E90 a10"},
    "pruned": {
        "": "a40 b35 c22 E3",
        "a": "d35 c33 b32",
        "b": "d30 a30 c30 E10",
        "c": "E95 a5",
    },
    "one parent": {
        "": "a60 b35 E5",
        "a": "c50 d45 E5",
        "b": "c36 d33 b28 E3",
        "ac": "b32 d30 c28 E10",
        "ad": "E95 a5",
        "bc": "E95 a5",
    },
    "long": {
        "": "a50 b40 c8 E2",
        "a": "c70 E25 d5",
        "b": "d50 E42 c8",
        "c": "a50 b30 E20",
        "ac": "E90 b10",
        "bd": "E90 a10",
    },
    "short": {
        "": "a60 b38 E2",
        "a": "c55 E42 d3",
        "b": "c40 d31 E29",
        "ac": "b34 d32 c28 E6",
    },
    "empty": {"": "E60 a30 b10"},
}


def beam_search_cases(rng: np.random.Generator) -> list[Case]:
    def tree(name: str, width: int, *rest: str) -> Case:
        return Case((*by_tree(rng, TREES[name]), width, 8), *rest)

    def table(words: int, depth: int, ends: str, width: int, max_len: int, *rest: str) -> Case:
        return Case((*by_table(rng, words, depth, ends), width, max_len), *rest)

    return [
        tree("greedy", 2),
        tree("greedy", 1, "ordinary", "a width of 1"),
        tree("one parent", 2),
        table(4, 3, "late", 2, 8),
        table(8, 5, "late", 3, 12),
        tree("long", 3, "ordinary", "an end that comes early, and is not the best"),
        tree("short", 2, "ordinary", "an end that comes early, and is the best"),
        tree("pruned", 2, "ordinary", "what is best in the end is third at first"),
        tree("pruned", 3, "ordinary", "what is best in the end is third at first"),
        table(2, 4, "any", 64, 7, "edge", "a beam that holds every caption"),
        table(5, 6, "never", 2, 4, "edge", "max_len is reached, and nothing has ended"),
        tree("empty", 2, "edge", "the best caption is empty"),
        table(3, 5, "late", 1, 9, "edge", "a width of 1"),
        Case((*by_place(rng, 40, LONG), 2, LONG + 5), "numerical", f"a caption of {LONG} words"),
    ]


def run_beam_search(
    attempt: Callable, step: Writes, start: int, end: int, width: int, max_len: int
) -> np.ndarray:
    """The ids; a start before them and ends behind are taken off."""
    ids = flatten(attempt(step, start, end, width, max_len), ("ids",))["ids"]
    if ids.ndim == 1:
        ids = ids[1:] if len(ids) and ids[0] == start else ids
        while len(ids) and ids[-1] == end:
            ids = ids[:-1]
    return ids


# --- bleu ------------------------------------------------------------------------------------


def bleu_cases(rng: np.random.Generator) -> list[Case]:
    def pair(lengths: Sequence[int], candidate: int) -> tuple[list[str], list[list[str]]]:
        """A candidate and its references, of these lengths; all begin with the same five words."""
        words = _words(rng, 6)
        common = [str(word) for word in rng.choice(words, 5)]

        def text(length: int) -> list[str]:
            return [*common, *(str(word) for word in rng.choice(words, length - 5))]

        return text(candidate), [text(length) for length in lengths]

    def corpus(*pairs: tuple, max_n: int = 4) -> tuple:
        candidates, references = zip(*pairs, strict=True)
        return list(candidates), list(references), max_n

    a, b, c, d, e, f = _words(rng, 6)
    one, two = pair((7, 12), 11), pair((8, 8, 11), 9)
    clipped = [a, a, a, b], [[a, b, c, d], [b, a, d, c]]
    other = [a, b, c, d, e, f], [[b, c, a, e, f, d], [c, a, b, d, f, e, a]]  # no word order shared
    copied = pair((7, 9), 8)[1]
    return [
        Case(corpus(clipped, max_n=1), note="words that come too often"),
        Case(corpus(one)),
        Case(corpus(one, two, pair((10, 10), 10))),
        Case(corpus(pair((12, 14), 8), pair((7,), 12), pair((9, 7), 8)), note="short and long"),
        Case(corpus(pair((12, 15), 9), pair((13, 10), 8)), note="candidates that are too short"),
        Case(corpus(pair((8, 6), 12), pair((7,), 13)), note="candidates that are too long"),
        Case(corpus(one, two, max_n=2), note="max_n 2"),
        Case(corpus(clipped, two, max_n=3), note="max_n 3"),
        Case(corpus(pair((13, 9, 13), 11), two), "edge", "references equally near in length"),
        Case(corpus(other), "edge", "no four words in a row are found"),
        Case(corpus(other, max_n=1), "edge", "every word is found, in another order"),
        Case(corpus(one, ([], [[a, b, c]]), two), "edge", "an empty candidate"),
        Case(corpus(one, ([a, b], [[a, b]]), two), "edge", "a candidate of two words"),
        Case(corpus(([], [[a, b]])), "edge", "nothing but an empty candidate"),
        Case(corpus(([a, b, c], [[a, b, c]])), "edge", "no candidate has four words"),
        Case(corpus((copied[0], copied), (copied[1], copied)), "edge", "candidates as references"),
    ]


EXERCISES = [
    Captioning(
        id="captioning.build_vocab",
        inputs=("captions", "min_count"),
        outputs=("ids", "size"),
        cases=build_vocab_cases,
        run=run_build_vocab,
        section="1. Words and their ids",
    ),
    Captioning(
        id="captioning.encode",
        inputs=("caption", "vocab"),
        outputs=("ids",),
        cases=encode_cases,
        run=run_encode,
        section="1. Words and their ids",
    ),
    Captioning(
        id="captioning.decode",
        inputs=("ids", "vocab"),
        outputs=("words",),
        cases=decode_cases,
        run=run_decode,
        section="1. Words and their ids",
    ),
    Captioning(
        id="captioning.caption_loss",
        inputs=("logits", "targets", "lengths", "upstream"),
        outputs=("loss", "grad_logits"),
        cases=caption_loss_cases,
        run=taped(run_caption_loss),
        section="2. What a caption costs",
    ),
    Captioning(
        id="captioning.attend",
        inputs=(*ATTENDED, "for_context", "for_weights"),
        outputs=("context", "weights", *(f"grad_{name}" for name in ATTENDED)),
        cases=attend_cases,
        run=taped(run_attend),
        section="4. Where to look",
    ),
    Captioning(
        id="captioning.beam_search",
        inputs=("step", "start", "end", "width", "max_len"),
        outputs=("ids",),
        cases=beam_search_cases,
        run=run_beam_search,
        section="5. The best of many captions",
    ),
    Captioning(
        id="captioning.bleu",
        inputs=("candidates", "references", "max_n"),
        outputs=("score",),
        cases=bleu_cases,
        section="6. How good is a caption?",
    ),
]
