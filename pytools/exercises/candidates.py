"""Classifiers for checks: they note what they are trained on and asked about, and guess by rule."""

from __future__ import annotations

from typing import Any

import numpy as np


class Notes(list):
    """What classifiers noted, (name, rows trained on, their labels, rows asked about).

    Copies of a classifier write into the same notes: a copy of the notes is the notes.
    """

    def __deepcopy__(self, memo: dict) -> Notes:
        return self

    __copy__ = __deepcopy__


class Candidate:
    """A classifier in scikit-learn's manner whose guess for a row stands in one of its columns.

    Column 0 of the features is the number of the row; `column` holds this classifier's guesses.
    """

    def __init__(self, name: str = "", column: int = 1, notes: Notes | None = None) -> None:
        self.name, self.column, self.notes = name, column, notes

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"name": self.name, "column": self.column, "notes": self.notes}

    def set_params(self, **params: Any) -> Candidate:
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, features: Any, labels: Any) -> Candidate:
        self.rows_ = _numbers(features)
        self.labels_ = np.array(labels).ravel()
        self.classes_ = np.unique(self.labels_)
        return self

    def predict(self, features: Any) -> np.ndarray:
        if not hasattr(self, "rows_"):
            raise ValueError(f"{self.name} is asked for predictions before it is trained.")
        self.notes.append((self.name, self.rows_, self.labels_, _numbers(features)))
        return np.rint(np.asarray(features)[:, self.column]).astype(int)

    def score(self, features: Any, labels: Any) -> float:
        return float(np.mean(self.predict(features) == np.array(labels).ravel()))


def _numbers(features: Any) -> np.ndarray:
    """Column 0: which rows these are. ValueError where they are not rows as they were given."""
    numbers = np.asarray(features)[:, 0]
    if np.any(numbers < 0) or np.any(numbers != np.rint(numbers)):
        raise ValueError("these are no rows of features: candidates get rows as they are")
    return numbers.astype(int)
