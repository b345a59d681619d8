"""Grading other people's notebooks.

Read them (`submission`), find what answers a part (`answers`, `statements`), run it shut in
(`sandbox`, with `confine` inside and `traces` to clear up), write down what came out (`pages`).
"""
