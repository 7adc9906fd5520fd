"""Phase 3: from packed answers to marks, in the grader's own process.

Points come from `score` alone. The bytes that a kernel left are read as plain arrays; what it
printed or returned in a test cell is thrown away and replaced by the trusted table and the points.
Of its other outputs stays what a page only shows: formgrader opens them with the teacher's rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_output

from pytools import exercises
from pytools.exercise import Fault, Outcome
from pytools.grading.execute import Execution
from pytools.grading.plan import Plan, Test, grade_id
from pytools.grading.preflight import Submission
from pytools.grading.results import FAILED, REVIEW, Mark, Result
from pytools.scoring import Score, score
from pytools.table import Table
from pytools.transport import unpack

LONGEST = 1_000  # characters kept of a text that a student's code may have written
WITH_HINT = 2  # the help level of a table that shows its hint
UNREADABLE = Fault("unreadable", "The check left no readable answer.")
INERT = ("text/plain", "image/png", "image/jpeg")
ABOUT = (("alt", str), ("width", int), ("height", int))  # of a picture
LEFT_OUT = "It uses a name that is not there, and cells of the student's own were left out."
AGAIN = "A cell of the student's own, which was left out, defines it again."


def mark(
    student: str, plan: Plan, submission: Submission, execution: Execution | None
) -> tuple[Result, NotebookNode]:
    """The result of a submission and the notebook to keep, with the outcome in each test cell.

    execution is None where preflight found that there is nothing to run.
    """
    result = Result(student, plan.name, notes=list(submission.notes))
    notebook = execution.notebook if execution else submission.notebook
    failed = execution.died if execution else submission.failed
    for cell in notebook.cells:
        _disarm(cell)
    cells = {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}
    for test in plan.tests:
        if failed:
            given, verdict = _open(test, failed), None
        elif test.grade_id in execution.undone:
            given, verdict = _open(test, execution.undone[test.grade_id]), None
        else:
            given, verdict = _score(test, submission, execution, cells[test.solution_id])
        result.marks.append(given)
        cells[test.grade_id].outputs = _outputs(given, verdict)
    reviews = [given.review for given in result.marks if given.review]
    if failed:
        result.status, result.reason = FAILED, failed
    elif reviews:
        result.status, result.reason = REVIEW, " ".join(dict.fromkeys(reviews))
    stopped = execution.stopped if execution else []
    result.notes += [text for text in stopped if text not in result.reason]
    return result, notebook


def _disarm(cell: NotebookNode) -> None:
    """Leave no HTML, no script, and no number that is none: nbconvert writes it into a tag."""
    for output in cell.get("outputs", []):
        if output.output_type in ("display_data", "execute_result"):
            output.data = {kind: output.data[kind] for kind in INERT if kind in output.data}
            about = output.metadata.get("image/png", {})
            known = {key: about[key] for key, kind in ABOUT if isinstance(about.get(key), kind)}
            output.metadata = {"image/png": known} if known else {}


def _open(test: Test, reason: str) -> Mark:
    """A mark that only a person can give."""
    return Mark(test.grade_id, test.solution_id, test.exercise_id, None, test.points, review=reason)


def _score(
    test: Test, submission: Submission, execution: Execution, solution: NotebookNode
) -> tuple[Mark, Score | None]:
    """The least that the checks of a test earn, and why."""
    exercise = exercises.get(test.exercise_id)
    answers = [_outcomes(execution, test, number) for number in range(len(test.checks))]
    try:
        with np.errstate(all="ignore"):
            scores = [
                score(exercise, outcomes, check.seed)
                for outcomes, check in zip(answers, test.checks, strict=True)
            ]
    except Exception as error:  # the fault is ours, not the student's
        return _open(test, f"It could not be scored ({type(error).__name__}: {error})."), None
    worst = min(range(len(scores)), key=lambda number: scores[number].fraction)
    verdict = _shown(scores[worst], test.checks[worst] in test.hidden)
    result = Mark(
        test.grade_id,
        test.solution_id,
        test.exercise_id,
        verdict.points(test.points),
        test.points,
    )
    faults = {outcome.fault.error for outcome in answers[worst] if outcome.fault}
    if verdict.finding:
        if "NameError" in faults and _error(solution):
            text = _plain(f"{verdict.finding.text}. Its own cell stopped with {_error(solution)}")
            verdict.finding = replace(verdict.finding, text=text)
        result.finding, result.text = verdict.finding.name, verdict.finding.text
        result.hint = verdict.finding.hint
    reviews = [submission.reviews.get(test.solution_id, "")]
    if verdict.finding:
        reviews += execution.stopped
        reviews += [LEFT_OUT] if "NameError" in faults and submission.left_out else []
        reviews += [AGAIN] if test.solution_id in submission.again else []
        reviews += [UNREADABLE.text] if verdict.finding.name == UNREADABLE.kind else []
    result.review = " ".join(review for review in reviews if review)
    return result, verdict


def _outcomes(execution: Execution, test: Test, number: int) -> Sequence[Outcome]:
    try:
        return unpack(execution.answers[test.grade_id, number])
    except (KeyError, ValueError):
        return [Outcome(fault=UNREADABLE)]


def _shown(verdict: Score, hidden: bool) -> Score:
    """As much of a verdict as a student may see: no expected value, nothing of a hidden case."""
    finding = verdict.finding and replace(
        verdict.finding, name=_plain(verdict.finding.name), text=_plain(verdict.finding.text)
    )
    if hidden:
        return replace(verdict, finding=finding, called="", got="", expected="", printed="")
    got, printed = _plain(verdict.got), _plain(verdict.printed)
    return replace(verdict, finding=finding, got=got, expected="", printed=printed)


def _plain(text: str) -> str:
    """A text that a student's code had a hand in: not endless, fit for file and database."""
    return text[:LONGEST].replace("\0", "�").encode("utf-8", "replace").decode("utf-8")


def _error(cell: NotebookNode) -> str:
    """The error that a cell ended with, in words; '' where it did not."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
    return ""


def _outputs(given: Mark, verdict: Score | None) -> list[NotebookNode]:
    """What a test cell shows: table and points, or an error where a person gives the mark.

    nbgrader takes a cell's mark from its outputs; a cell that ended well and gave no number would
    earn full points.
    """
    if verdict is None:
        return [
            new_output("error", ename="NotMarked", evalue=given.review, traceback=[given.review])
        ]
    table = Table(verdict, given.out_of, help_level=WITH_HINT)
    return [
        new_output("display_data", data=table._repr_mimebundle_()),
        new_output("execute_result", data={"text/plain": repr(given.points)}),
    ]
