"""nbgrader's settings: where everything lies, and what a student finds in place of a solution."""

c = get_config()  # noqa: F821 (nbgrader defines it)

c.CourseDirectory.course_id = "backprop-to-captions"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "course"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"
# The percent scripts beside the notebooks hold the solutions: they are never released.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.py", "*.pyc", "__pycache__", "*.tmp"]

c.ClearSolutions.code_stub = {"python": "# write your solution here\nraise NotImplementedError"}
