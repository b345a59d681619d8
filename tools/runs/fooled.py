"""Pictures made to fool a measure, measured: `python tools/runs/fooled.py`."""

from __future__ import annotations

from urdgn_lite import faces, store
from urdgn_lite.degrade import to_float
from urdgn_lite.lesson.fool import N, measure
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.provenance import circumstances


def main() -> None:
    """Measure, and write the ledger's file."""
    h = to_float(faces.load("imaginary", "test", limit=N).images)
    row = {"pictures": measure(h), "n": N, **circumstances()}
    store.write_json(ledger() / "fooled.json", row)


if __name__ == "__main__":
    main()
