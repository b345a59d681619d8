"""`pytest --nbval book` behaves everywhere as in `make test`: see `tools/book/replay.py`."""

pytest_plugins = ["replay"]
collect_ignore_glob = ["book/assignments/*"]  # students' notebooks: tests/test_assignments.py
