"""Grading other people's notebooks.

Read them (`submission`), find what answers a part (`answers`, `statements`), run it shut in
(`sandbox`, with `confine` inside), write down what came out (`pages`, `table`).
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
# Modules of this package that hold a solution: out of reach while a student's code runs
SOLUTIONS = ("objective", "optimiser", "train", "methods.lapgan")
