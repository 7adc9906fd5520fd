"""The check log: one line of JSON for each check, and the board that is drawn from it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pytools import exercises

__all__ = ["Board", "board", "log_file", "record"]


def log_file() -> Path:
    """$COURSE_HOME/checks.jsonl; the folder is ~/.backprop-to-captions unless set."""
    home = os.environ.get("COURSE_HOME") or Path.home() / ".backprop-to-captions"
    return Path(home) / "checks.jsonl"


def record(exercise_id: str, finding: str | None) -> None:
    """Note a check: finding is None where it passed. A full or read-only disk stops no check."""
    line = json.dumps({"time": int(time.time()), "id": exercise_id, "finding": finding})
    try:
        path = log_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
    except OSError:
        pass


@dataclass(frozen=True)
class Board:
    """Which exercises pass. `state` maps every id to 'passed', 'tried' or 'open'."""

    state: dict[str, str]

    def topics(self) -> dict[str, dict[str, str]]:
        grouped: dict[str, dict[str, str]] = {}
        for exercise_id, state in self.state.items():
            topic, function = exercise_id.split(".")
            grouped.setdefault(topic, {})[function] = state
        return grouped

    def __repr__(self) -> str:
        signs = {"passed": "✓", "tried": "✗", "open": "·"}
        lines = []
        for topic, functions in self.topics().items():
            passed = sum(state == "passed" for state in functions.values())
            lines.append(f"{topic}: {passed} of {len(functions)} pass")
            lines += [f"  {signs[state]} {function}" for function, state in functions.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return "".join(_topic(*item) for item in self.topics().items())


def board() -> Board:
    """The board from the local check log: the last check of each exercise counts."""
    state = dict.fromkeys(exercises.ids(), "open")
    for exercise_id, finding in _entries():
        if exercise_id in state:
            state[exercise_id] = "passed" if finding is None else "tried"
    return Board(state)


def _entries() -> list[tuple[str, str | None]]:
    """The log's entries; lines that cannot be read (a cut-off write) are passed over."""
    try:
        lines = log_file().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            row = json.loads(line)
            entries.append((str(row["id"]), row["finding"]))
        except (ValueError, KeyError, TypeError):
            continue
    return entries


def _topic(topic: str, functions: dict[str, str]) -> str:
    colours = {"passed": "#1a7f37", "tried": "#b42318", "open": "#6e7781"}
    signs = {"passed": "✓", "tried": "✗", "open": "○"}
    passed = sum(state == "passed" for state in functions.values())
    chips = "".join(
        f'<span style="border:1px solid {colours[state]}; color:{colours[state]}; '
        f'border-radius:10px; padding:1px 9px; margin:2px 4px 2px 0; display:inline-block">'
        f"{signs[state]} {escape(function)}</span>"
        for function, state in functions.items()
    )
    share = f"{passed} of {len(functions)}"
    return f'<div style="margin:6px 0"><b>{escape(topic)}</b> &nbsp;{share}<br>{chips}</div>'
