"""Questions about scenes from one grammar, with what ten people answer.

Five forms of questions, of three kinds, as in Antol et al. (2015), VQA: visual question answering:

    yes/no   exists    is there a red circle
             relation  is the red circle left of the blue square
    number   count     how many rings are there, how many red shapes are there
    other    colour    what colour is the square
             shape     what shape is above the red circle

What is asked is balanced for some forms and not for others, on purpose. 'exists' is true half of
the time, and the answers to 'shape' are spread as the shapes are. But people like to ask about what
is there: 'relation' is true three times in four, and few counts are 0. And as bananas are yellow,
each shape has a usual colour, about which 'colour' asks more often than not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pytools.data.scenes import (
    COLOURS,
    KNOWN,
    OPPOSITE,
    SHAPES,
    Scene,
    SceneObject,
    relation,
)

KINDS = {
    "exists": "yes/no",
    "relation": "yes/no",
    "count": "number",
    "colour": "other",
    "shape": "other",
}
PATTERNS = (  # in capitals: one of the words below
    ("exists", "is there a COLOUR SHAPE"),
    ("relation", "is the COLOUR SHAPE RELATION the COLOUR SHAPE"),
    ("count", "how many THINGS are there"),
    ("count", "how many COLOUR shapes are there"),
    ("colour", "what colour is the SHAPE"),
    ("shape", "what shape is RELATION the COLOUR SHAPE"),
)
PLURALS = {"cross": "crosses"} | {name: f"{name}s" for name in SHAPES if name != "cross"}
WORDS = {
    "COLOUR": tuple(COLOURS),
    "SHAPE": SHAPES,
    "THINGS": (*(PLURALS[name] for name in SHAPES), "shapes"),
    "RELATION": tuple(OPPOSITE),
}
POSSIBLE = {  # the answers to each form
    "exists": ("yes", "no"),
    "relation": ("yes", "no"),
    "count": ("0", "1", "2", "3"),
    "colour": tuple(COLOURS),
    "shape": SHAPES,
}
ANSWERS = tuple(dict.fromkeys(word for words in POSSIBLE.values() for word in words))
USUAL = {
    "circle": "red",
    "square": "blue",
    "triangle": "yellow",
    "cross": "white",
    "ring": "purple",
}

TRUE = 0.75  # of the questions 'relation' are answered by yes
ABSENT = 0.2  # of the questions 'count' are about what may not be there
UNUSUAL = 0.2  # of the shapes that don't have their usual colour are asked for it
PEOPLE = 10  # who answer each question
CARELESS = 0.1  # of the people; the others are careful
ERRS = {"careful": 0.02, "careless": 0.4}  # how often


class Question(NamedTuple):
    """scene: its place in the list; form and kind: as above; answer: the true one; answers: what
    ten people say."""

    scene: int
    text: str
    form: str
    kind: str
    answer: str
    answers: list[str]


def scene_questions(scenes: Sequence[Scene], rng: np.random.Generator) -> list[Question]:
    """Questions about each scene: one of each form, where it has one true answer.

    (Of 'colour', the text above tells why many are left out.) All chance comes from rng.
    """
    found = []
    for place, scene in enumerate(scenes):
        for form, draw in DRAW.items():
            text = draw(scene, rng)
            if text is not None:
                answer = true_answer(scene, text)
                people = _people(answer, form, rng)
                found.append(Question(place, text, form, KINDS[form], answer, people))
    return found


# --- reading a question -------------------------------------------------------------------------


def parse_question(text: str) -> tuple[str, list[str]]:
    """The form of a question, and the words that fill its pattern: 'is there a red circle?' gives
    'exists', ['red', 'circle'].

    Capitals, punctuation and the spelling color don't matter. Raises ValueError for a question that
    is not of the grammar, with the first word that does not fit, and what can stand there.
    """
    fits, read = [(form, pattern.split(), []) for form, pattern in PATTERNS], []
    for word in re.findall(rf"(?:{'|'.join(OPPOSITE)})(?!\S)|\S+", plain_question(text)):
        longer = [(f, p, _filled(p, word, found)) for f, p, found in fits if p]
        longer = [(f, p[1:], found) for f, p, found in longer if found is not None]
        if not longer:
            raise ValueError(_wrong(f"the word {word!r} does not fit", read, fits))
        fits, read = longer, [*read, word]
    for form, pattern, found in fits:
        if not pattern:
            return form, found
    raise ValueError(_wrong("the question is not complete", read, fits))


def plain_question(text: str) -> str:
    """The question in small letters, without punctuation, with colour for color."""
    return " ".join(re.findall(r"[\w'-]+", text.lower())).replace("color", "colour")


def _filled(pattern: list[str], word: str, found: list[str]) -> list[str] | None:
    """The words that fill the pattern so far, if this word fits its next place."""
    if word in WORDS.get(pattern[0], ()):
        return [*found, word]
    return found if word == pattern[0] else None


def _wrong(what: str, read: list[str], fits: list[tuple[str, list[str], list[str]]]) -> str:
    """One line: what is wrong, after which words, and what can be asked."""
    next_words = [word for _, p, _ in fits if p for word in WORDS.get(p[0], p[:1])]
    after = f"after {' '.join(read)!r}" if read else "at the beginning"
    can = f"what can stand there: {', '.join(dict.fromkeys(next_words))}"
    return f"{what} {after}; {can if next_words else 'the question ends there'}"


# --- answering it -------------------------------------------------------------------------------


def true_answer(scene: Scene, text: str) -> str:
    """The answer to a question, one of ANSWERS.

    Raises ValueError as parse_question, and for a question that supposes what is not so: one about
    'the red circle' where there is none, or two; or about what is above it, where nothing is, or
    two shapes are.
    """
    form, words = parse_question(text)
    things = scene.objects
    if form == "exists":
        return "yes" if words in [[thing.colour, thing.shape] for thing in things] else "no"
    if form == "count":
        return str(sum(_counts(thing, words[0]) for thing in things))
    if form == "colour":
        return _only([t for t in things if t.shape == words[0]], words[0]).colour
    if form == "relation":
        colour, shape, said, *other = words
        return "yes" if relation(_the(scene, colour, shape), _the(scene, *other)) == said else "no"
    said, colour, shape = words
    middle = _the(scene, colour, shape)
    there = [t for t in things if t is not middle and relation(t, middle) == said]
    return _only(there, f"shape {said} the {colour} {shape}").shape


def _counts(thing: SceneObject, what: str) -> bool:
    """Whether it is one of the 'rings', 'shapes' or what is 'red'."""
    return what in ("shapes", thing.colour, PLURALS[thing.shape])


def _the(scene: Scene, colour: str, shape: str) -> SceneObject:
    found = [t for t in scene.objects if (t.colour, t.shape) == (colour, shape)]
    return _only(found, f"{colour} {shape}")


def _only(found: list[SceneObject], what: str) -> SceneObject:
    if len(found) != 1:
        number = "no" if not found else "more than one"
        raise ValueError(f"the question has no answer, since there is {number} {what}")
    return found[0]


# --- asking: for each form a text, or None where the scene gives none ---------------------------


def _exists(scene: Scene, rng: np.random.Generator) -> str:
    """About what is there, or about another known pair that has the colour or the shape of it."""
    thing, there = _any(scene.objects, rng), {(t.colour, t.shape) for t in scene.objects}
    pair = thing.colour, thing.shape
    if rng.random() < 0.5:
        near = [p for p in KNOWN if (p[0] == pair[0] or p[1] == pair[1]) and p not in there]
        pair = _any(near, rng)
    return f"is there a {pair[0]} {pair[1]}"


def _relation(scene: Scene, rng: np.random.Generator) -> str | None:
    named = _named(scene)
    if len(named) < 2:
        return None
    a, b = (named[k] for k in rng.choice(len(named), 2, replace=False))
    said = relation(a, b)
    if rng.random() >= TRUE:
        said = _any([word for word in OPPOSITE if word != said], rng)
    return f"is the {a.colour} {a.shape} {said} the {b.colour} {b.shape}"


def _count(scene: Scene, rng: np.random.Generator) -> str:
    thing, absent, which = _any(scene.objects, rng), rng.random() < ABSENT, rng.integers(3)
    if which == 0:
        return "how many shapes are there"
    if which == 1:
        return f"how many {PLURALS[_any(SHAPES, rng) if absent else thing.shape]} are there"
    return f"how many {_any(WORDS['COLOUR'], rng) if absent else thing.colour} shapes are there"


def _colour(scene: Scene, rng: np.random.Generator) -> str | None:
    shapes = [thing.shape for thing in scene.objects]
    single = [thing for thing in scene.objects if shapes.count(thing.shape) == 1]
    if not single:
        return None
    thing = _any(single, rng)
    keep = thing.colour == USUAL[thing.shape] or rng.random() < UNUSUAL
    return f"what colour is the {thing.shape}" if keep else None


def _shape(scene: Scene, rng: np.random.Generator) -> str | None:
    texts = []
    for middle in _named(scene):
        said = [relation(thing, middle) for thing in scene.objects if thing is not middle]
        single = [word for word in said if said.count(word) == 1]
        texts += [f"what shape is {word} the {middle.colour} {middle.shape}" for word in single]
    return _any(texts, rng) if texts else None


DRAW = {
    "exists": _exists,
    "relation": _relation,
    "count": _count,
    "colour": _colour,
    "shape": _shape,
}


def _named(scene: Scene) -> list[SceneObject]:
    """The objects that colour and shape single out."""
    pairs = [(thing.colour, thing.shape) for thing in scene.objects]
    return [t for t, pair in zip(scene.objects, pairs, strict=True) if pairs.count(pair) == 1]


def _any(choices: Sequence, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


def _people(answer: str, form: str, rng: np.random.Generator) -> list[str]:
    """What ten people say. Who errs says something else that is possible; of a number, one more or
    one less."""
    others = [word for word in POSSIBLE[form] if word != answer]
    if form == "count":
        others = [word for word in others if abs(int(word) - int(answer)) == 1]
    careless = rng.random(PEOPLE) < CARELESS
    errs = rng.random(PEOPLE) < np.where(careless, ERRS["careless"], ERRS["careful"])
    return [_any(others, rng) if wrong else answer for wrong in errs]
