"""Assignments are no chapters: the book's replay leaves them alone (tests run the solutions)."""

collect_ignore_glob = ["*.py", "**/*.ipynb", "*.ipynb"]
