"""Grading other people's notebooks: read them (`submission`), run their functions (`sandbox`)."""
