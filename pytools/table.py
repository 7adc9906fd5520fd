"""A score as a small table: HTML in a notebook, plain text in a terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape

from pytools.scoring import Score

PASS, FAIL = "#1a7f37", "#b42318"  # readable on JupyterLab's light and dark pages
STYLE = "margin:4px 0; border-left:4px solid {colour}; padding:2px 10px; line-height:1.45"
CELL = "padding:1px 12px 1px 0; vertical-align:top; text-align:left; border:none"


@dataclass(frozen=True)
class Table:
    """What a check shows.

    points is None while working; then a failing check shows what was expected, and help_level
    (failures in a row) opens the hint at 2 and the section to read again at 3. In a graded cell no
    expected value is shown.
    """

    score: Score
    points: float | None = None
    help_level: int = 1

    def headline(self) -> str:
        s = self.score
        sign = "✓" if s.passed else "✗"
        if self.points is not None:
            return f"{sign} {s.exercise_id}: {s.points(self.points):g} of {self.points:g} points"
        return f"{sign} {s.exercise_id}: {'right' if s.passed else 'not right yet'}"

    def rows(self) -> list[tuple[str, str]]:
        s = self.score
        cases = ", ".join(f"{name} {right}/{all_}" for name, (right, all_) in s.groups.items())
        rows = [("Cases", cases)]
        if s.finding is None:
            return rows
        rows += [("Called", s.called), ("Came back", s.got)]
        if self.points is None:
            rows.append(("Expected", s.expected))
        rows.append(("Finding", s.finding.text))
        if s.known:
            rows.append(("Looks like", s.finding.name.replace("_", " ")))
        if self.help_level >= 2:
            rows.append(("Hint", s.finding.hint))
        if self.help_level >= 3:
            rows.append(("Read again", f"section {s.section}"))
        rows.append(("Printed", s.printed))
        return [(name, value) for name, value in rows if value]

    def text(self) -> str:
        lines = [self.headline()]
        for name, value in self.rows():
            first, *rest = value.splitlines()
            lines += [f"  {name + ':':<12}{first}", *(" " * 14 + line for line in rest)]
        return "\n".join(lines)

    def html(self) -> str:
        colour = PASS if self.score.passed else FAIL
        head = f'<b style="color:{colour}">{escape(self.headline())}</b>'
        body = "".join(_row(name, value) for name, value in self.rows())
        style = STYLE.format(colour=colour)
        return f'<div style="{style}">{head}<table style="margin:2px 0">{body}</table></div>'

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.text()}


def _row(name: str, value: str) -> str:
    shown = escape(value)
    if name in ("Called", "Came back", "Expected", "Printed"):
        shown = f'<pre style="margin:0; white-space:pre-wrap; font-family:monospace">{shown}</pre>'
    label = f'<th style="{CELL}; font-weight:600; white-space:nowrap">{name}</th>'
    return f'<tr style="background:none">{label}<td style="{CELL}">{shown}</td></tr>'


def in_notebook() -> bool:
    """True in a Jupyter kernel; IPython is asked only where it is loaded already."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def display(table: Table) -> None:
    if in_notebook():
        from IPython.display import display as show

        show(table)
    else:
        print(table.text())
