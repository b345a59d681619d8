"""Lies in the sandbox where the package has a module that holds a solution."""

raise ImportError(f"{__name__} is not there while grading")
