"""What is wrong with one array, said from its numbers alone; and small pictures of values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Outcome

DOUBLE = (1e-6, 1e-6)  # tolerance: relative to the largest expected entry, absolute
LOOSE = (1e-4, 1e-9)  # for guessing what a wrong array shows
SHOWN = 20  # arrays up to this many entries are shown in full

HINTS = {  # of general findings; a misconception brings its own
    "raised": "Call your function like that in a cell of your own, and print every shape.",
    "shape": "Write the shape of every result beside its line. Which one surprises you?",
    "transposed": "Which axis belongs to which letter of the formula? Write both shapes down.",
    "swapped": "In which order does the text name the results?",
    "sign": "Which of the two is subtracted from which?",
    "factor": "Count: over how many things do you sum or average, and over how many should you?",
    "value": "Work this small case out on paper, one entry, and compare step by step.",
    "value of a large case": "Which line of yours decides about that? Try it on a small case.",
    "nan": "Where can you divide by 0, take the logarithm of 0, or meet ∞ · 0, ∞ − ∞ or ∞ / ∞?",
    "dtype": "What dtype has the array that you write the results into?",
    "changed": "Does one of your names stand for the caller's own array? += writes into it.",
    "unsteady": "Look for a list or set as a default argument, and for global variables.",
    "count": "How many values does the text ask for, and what does your return statement give?",
}


@dataclass(frozen=True)
class Finding:
    """What is wrong. name: a misconception's, or a general one such as 'shape' or 'sign'.

    result names the array that shows it, where one does, and index its first wrong entry.
    """

    name: str
    text: str
    hint: str = ""
    result: str = ""
    index: tuple[int, ...] = ()


def close(a: np.ndarray, b: np.ndarray, tolerance: tuple[float, float]) -> bool:
    """Every entry of a within tolerance of b; infinities must be equal, a NaN is never close."""
    relative, absolute = tolerance
    a, b = np.asarray(a, np.float64).reshape(b.shape), np.asarray(b, np.float64)
    largest = np.max(np.abs(b), initial=0, where=np.isfinite(b))
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(a - b) <= relative * largest + absolute) | (a == b)))


def shape_finding(name: str, got: np.ndarray, wanted: dict[str, np.ndarray]) -> Finding:
    want = wanted[name]
    for other, array in wanted.items():
        if other != name and got.shape == array.shape and close(got, array, LOOSE):
            return _swapped(name, other, False)
    if got.ndim == 2 and got.shape == want.shape[::-1]:
        text = f"{name} has shape {got.shape}, not {want.shape}: is it transposed?"
        return Finding("transposed", text)
    due = "() (one number)" if want.shape == () else str(want.shape)
    return Finding("shape", f"{name} has shape {got.shape}, not {due}.")


def _swapped(name: str, other: str, other_is_right: bool) -> Finding:
    text = f"{name} holds what {other} should be"
    if other_is_right:
        return Finding("value", f"{text}.")
    return Finding("swapped", f"{text}: are they swapped?")


def value_finding(name: str, got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> Finding:
    """Say what the numbers of one wrong result show, the telling patterns first."""
    a, b = got[name].astype(np.float64).reshape(want[name].shape), want[name].astype(np.float64)
    if not np.all(np.isfinite(a)) and np.all(np.isfinite(b)):
        what = "NaN" if np.any(np.isnan(a)) else "infinite"
        share = f" in {np.sum(~np.isfinite(a))} of {a.size} entries" if a.size > 1 else ""
        return Finding("nan", f"{name} is {what}{share}.")
    for other in want:
        if other != name and want[other].shape == b.shape and close(a, want[other], LOOSE):
            return _swapped(name, other, close(got[other], want[other], LOOSE))
    if a.ndim == 2 and a.shape[0] == a.shape[1] and close(a.T, b, LOOSE) and _nearer(a.T, a, b):
        return Finding("transposed", f"{name} has its rows and columns exchanged (transposed).")
    if np.any(b) and close(-a, b, LOOSE):
        return Finding("sign", f"{name} has the wrong sign in every entry.")
    factor = _constant_factor(a, b)
    if factor:
        return Finding("factor", f"{name} is {factor}")
    whole = got[name].dtype.kind in "iu" and np.any(a != 0) and np.any(b != np.round(b))
    if whole and np.all(np.abs(a - b) <= 1):
        text = f"{name} holds whole numbers ({got[name].dtype}) where fractions are due."
        return Finding("dtype", text)
    relative, absolute = DOUBLE
    wrong = np.abs(a - b) > relative * np.max(np.abs(b), initial=0) + absolute
    if a.ndim == 0 or wrong.sum() == 0:
        return Finding("value", f"{name} has the wrong value.")
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    text = f"{name} is wrong in {wrong.sum()} of {a.size} entries, the first at {list(index)}."
    return Finding("value", text, index=index)


def _nearer(a: np.ndarray, other: np.ndarray, b: np.ndarray) -> bool:
    """Whether a is much nearer to b than other is."""
    return bool(np.max(np.abs(a - b)) < 0.1 * np.max(np.abs(other - b)))


def _constant_factor(a: np.ndarray, b: np.ndarray) -> str:
    """In words, where a is a whole multiple or a whole part of b; else ''.

    Of two counts or shares, such as 3/4 and 1/4, one often is a multiple of the other by chance.
    """
    if a.size == 1 and _is_share(a.reshape(())) and _is_share(b.reshape(())):
        return ""
    square = np.sum(b * b)
    ratio = np.sum(a * b) / square if 0 < square < np.inf else 0.0
    if not 1e-4 < abs(ratio) < 1e4 or not close(a, ratio * b, LOOSE):
        return ""
    whole = ratio if abs(ratio) > 1 else 1 / ratio
    if abs(whole - round(whole)) > 1e-3 or not 2 <= abs(round(whole)) <= 1000:
        return ""
    if abs(ratio) > 1:
        return f"{whole:.0f} times too large: is a division (a mean) missing?"
    return f"{whole:.0f} times too small: divided once too often, or a factor forgotten?"


def _is_share(number: np.ndarray) -> bool:
    """Whether a number is a fraction with a small denominator."""
    return (
        bool(np.isfinite(number))
        and abs(Fraction(float(number)).limit_denominator(100) - float(number)) < 1e-9
    )


def general_hint(finding: Finding, case: Case, got: Outcome) -> str:
    """The hint of a finding that no misconception explains. Only small cases fit on paper."""
    arrays = [v for v in (*case.args, *got.arrays.values()) if isinstance(v, np.ndarray)]
    large = finding.name == "value" and any(array.size > SHOWN for array in arrays)
    return HINTS.get("value of a large case" if large else finding.name, "")


def describe_call(exercise: Exercise, case: Case) -> str:
    """The call in words: the function, its arguments (small ones in full), what is special."""
    given = [show(v, f"{n} = ") for n, v in zip(exercise.inputs, case.args, strict=True)]
    call = f"{exercise.function}({', '.join(exercise.inputs)})" + (case.note and f", {case.note}")
    return "\n".join([call, *given])


def describe_result(finding: Finding, got: Outcome, want: Outcome) -> tuple[str, str]:
    """The array that shows what is wrong, as it came back and as expected; '' where none does."""
    arrays = [outcome.arrays.get(finding.result) for outcome in (got, want)]
    if any(array is None for array in arrays):
        return "", ""
    a, b = arrays
    alike = a.shape == b.shape and close(a, b, (1e-2, 0.0))
    digits = 8 if alike else 4  # so that a small difference is seen
    texts = [show(array, f"{finding.result} = ", digits) for array in arrays]
    if a.shape == b.shape and a.size > SHOWN and finding.index:
        where = list(finding.index)
        texts = [
            f"{t}\nat {where}: {x[finding.index]:.{digits}g}"
            for t, x in zip(texts, arrays, strict=True)
        ]
    return texts[0], texts[1]


def show(value: Any, prefix: str = "", digits: int = 4) -> str:
    """A value in short: small arrays in full, large ones by shape, functions by their docstring."""
    if isinstance(value, np.ndarray) and value.size <= SHOWN:
        floats = value.dtype.kind == "f"
        tiny = floats and np.max(np.abs(value), initial=0) < 1e-3
        text = np.array2string(
            value + 0 if floats else value,  # no -0
            prefix=prefix,
            precision=digits,
            separator=", ",
            suppress_small=not tiny,
        )
        text = text.removesuffix(".")  # of a single whole number
    elif isinstance(value, np.ndarray):
        text = f"array of shape {value.shape}, {value.dtype}"
    elif isinstance(value, np.random.Generator):
        text = "a random generator"  # its repr is an address in memory
    elif callable(value):
        text = (value.__doc__ or getattr(value, "__name__", "a function")).strip()
    else:
        text = repr(value)
    return prefix + text
