"""The `course` command. Each command imports what it needs, so that --help is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from pytools.errors import CourseError

SOME_OPEN = 3  # exit code of `course grade`; the command line's own are 1 and 2

app = typer.Typer(
    name="course",
    help="Backprop to Captions: work on the course, build it, grade it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def main() -> None:
    """Run the command line; a user's mistake ends in one red line and exit code 1."""
    try:
        app()
    except (CourseError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        sys.exit(1)


@app.command()
def lab(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: the first free one from 8888.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser on the first notebook.")] = True,
) -> None:
    """Open the course in JupyterLab."""
    from pytools import lab

    lab.start(port, browser)


@app.command()
def doctor() -> None:
    """Check this computer, and say what would mend it."""
    from pytools import doctor

    findings = doctor.examine()
    typer.echo(doctor.report(findings))
    sys.exit(any(finding.status == "FAIL" for finding in findings))


@app.command()
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as 01_backprop; all where none is named.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what differs; write nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Execute what is in step, too.")] = False,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train its stored nets anew, too. Takes long.")
    ] = False,
) -> None:
    """Make the executed pair and the release of each notebook from its source."""
    from pytools import build

    selected = build.select(Path.cwd(), names or [])
    if check:
        differences = [line for paths in selected for line in build.check(paths)]
        differences += [] if names else build.strays(Path.cwd())
        if differences:
            raise CourseError("\n".join(differences))
        typer.echo(f"in step: {', '.join(paths.name for paths in selected)}")
        return
    for paths in selected:
        build.build(paths, force, retrain)
        typer.echo(f"built {paths.name}")


@app.command()
def train(
    net: Annotated[Path, typer.Option(help="The net file, YAML.")],
    solver: Annotated[Path, typer.Option(help="The solver file, YAML.")],
    data: Annotated[
        str,
        typer.Option(help="digits, mnist, fashion_mnist, cifar10; or a folder of class folders."),
    ] = "digits",
    weights: Annotated[
        Path | None, typer.Option(help="Start from these, layer by layer, by name.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last good snapshot.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder for all that is written.")] = Path(
        "trained"
    ),
) -> None:
    """Train a net without code: its layers are one file, how it learns is another."""
    from pytools.models import train_from_files

    train_from_files(net, solver, data, weights, resume, out, say=typer.echo)


@app.command()
def grade(
    name: Annotated[str, typer.Argument(help="The assignment, such as 01_backprop.")],
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student; may be given again.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Notebooks at a time. Default: one for each core.")
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=1, help="The most that one cell may run; a notebook: 15 times that.")
    ] = 60,
    sandbox: Annotated[
        Literal["bwrap", "none"], typer.Option(help="none: what students wrote runs as you.")
    ] = "bwrap",
    cold: Annotated[
        bool, typer.Option("--cold", help="A new Python for each notebook. Slower.")
    ] = False,
    scheduler: Annotated[
        str, typer.Option(help="Run notebooks on a Dask cluster, such as tcp://host:8786.")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Grade what is graded and has not changed, too.")
    ] = False,
) -> None:
    """Grade what the class handed in, into nbgrader's gradebook.

    Exit code 0: all graded; 3: some failed or need review; 1: stopped, and the last line says why.
    """
    from pytools.grading.options import COLD, NONE, WARM, Options

    kernels = NONE if sandbox == "none" else COLD if cold else WARM
    options = Options(workers, seconds, kernels, scheduler, again)
    if kernels == WARM and not scheduler:
        from pytools.grading.sandbox import warm

        warm.prepare()  # before the imports below, which take as long as it does

    from pytools.grading.console import grade_and_tell
    from pytools.grading.course import Course

    if not grade_and_tell(Course(), name, student or [], options):
        raise typer.Exit(SOME_OPEN)


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="The assignment, such as 01_backprop.")],
) -> None:
    """Draw how the class did, from the last grading: a page and two tables."""
    from pytools.grading.course import Course
    from pytools.grading.report import write_report

    typer.echo(f"wrote {', '.join(write_report(Course(), name))}")


if __name__ == "__main__":
    main()
