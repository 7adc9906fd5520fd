"""Reading a YAML file that a person wrote: every mistake becomes one line that names the place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from pytools.errors import CourseError


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds. CourseError where there is none; OSError for no file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise CourseError(f"{path}{line}: no valid YAML: {problem}") from None
    if not isinstance(content, dict):
        got = "is empty" if content is None else f"holds a {type(content).__name__}"
        raise CourseError(f"{path} {got}; it should hold lines of the form 'key: value'")
    return content


def place(path: Path, word: str) -> str:
    """The file, and the line where the word first stands on its own, if it does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pattern = rf"(?<![\w.]){re.escape(word)}(?![\w.])"
    found = (n for n, text in enumerate(lines, 1) if re.search(pattern, text.partition("#")[0]))
    number = next(found, None)
    return f"{path}, line {number}" if number else str(path)


def unknown(what: str, word: Any, known: Iterable[str]) -> str:
    """'unknown key 'x'; did you mean 'y'?', or all that is known where nothing is near."""
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1)
    guess = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown {what} {word!r}; {guess}"
