"""What a user is meant to read is one line, in a notebook too."""

from IPython.core.interactiveshell import InteractiveShell


def test_a_notebook_shows_one_line(capsys):
    InteractiveShell().run_cell(
        "from pytools.errors import CourseError\nraise CourseError('There is no such file.')"
    )
    assert capsys.readouterr().out.strip() == "CourseError: There is no such file."
