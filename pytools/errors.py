"""The one error that a user is meant to read."""


class CourseError(Exception):
    """A user's mistake. Its text is one line: what was wrong, what was got, what to do."""
