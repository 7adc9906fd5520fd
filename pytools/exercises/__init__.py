"""Every exercise of the course, by id. A topic is a module here; its answers lie in `answers/`."""

from __future__ import annotations

import difflib
import importlib

from pytools.exercise import Exercise

__all__ = ["TOPICS", "UnknownExercise", "get", "ids"]

# In the order of the notebooks; each is a module of this folder.
TOPICS = (
    "start",
    "backprop",
    "classifiers",
    "optimizers",
    "cnn",
    "lstm",
    "gcn",
    "unsupervised",
    "pytorch",
    "devices",
    "training",
    "transfer",
    "siamese",
    "net2net",
    "scoring",
    "ocr",
    "captioning",
    "vqa",
)


class UnknownExercise(KeyError):
    """No exercise has this id."""

    def __str__(self) -> str:
        return self.args[0]

    def _render_traceback_(self) -> list[str]:
        """In a notebook, one line."""
        return [f"UnknownExercise: {self}"]


def ids() -> list[str]:
    """All exercise ids, `<topic>.<function>`, in the order of the notebooks."""
    return [exercise.id for topic in TOPICS for exercise in _exercises(topic)]


def get(exercise_id: str) -> Exercise:
    """The exercise with this id; UnknownExercise names the nearest one."""
    topic = str(exercise_id).split(".")[0]
    for exercise in _exercises(topic) if topic in TOPICS else []:
        if exercise.id == exercise_id:
            return exercise
    near = difflib.get_close_matches(str(exercise_id), ids(), n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownExercise(f"There is no exercise {exercise_id!r}.{guess}")


def _exercises(topic: str) -> list[Exercise]:
    return importlib.import_module(f"{__name__}.{topic}").EXERCISES
