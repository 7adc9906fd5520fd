"""The one error that a user is meant to read."""


class CourseError(Exception):
    """A user's mistake. Its text is one line: what was wrong, what was got, what to do."""

    def _render_traceback_(self) -> list[str]:
        """In a notebook, that line alone."""
        return [f"CourseError: {self}"]
