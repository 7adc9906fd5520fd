"""Grading in four phases: preflight, execute, mark, save; and the report on a class."""
