"""Weights of before presets had `start` and `game`: `python tools/runs/convert.py OLD NAME NEW`.

OLD is a generator.safetensors of then, NAME the preset that made it, NEW the file to write. The
tensors stay as they are; the card's preset gets today's fields, and a note where the preset of
that name would make other weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from safetensors import safe_open

from urdgn_lite import presets, store, zoo

GONE = ("balanced", "split_batch")
GAMES = {"lapgan": "pyramid"}


def converted(card: dict[str, Any], name: str) -> dict[str, Any]:
    """A card of then as one of today."""
    old, start = card["preset"], card.get("start") or {}
    game = "released" if old.get("balanced") or old.get("split_batch") else "algorithm_1"
    made = {key: value for key, value in old.items() if key not in GONE} | {
        "name": name, "steps": card["steps"], "start": start.get("name", ""),
        "game": GAMES.get(name, game),
    }  # fmt: skip
    preset = presets.Preset(**made)
    kept = {key: value for key, value in card.items() if key not in ("rows", "note")}
    new = kept | {"preset": preset.to_dict(), "start": start}
    return new | ({"note": reason} if (reason := why(preset, new)) else {})


def why(preset: presets.Preset, card: dict[str, Any]) -> str:
    """Why the preset of that name would not make these weights; "" if it would."""
    start = card["start"]
    if preset != presets.get(preset.name):
        before = f", from {start['name']} after {start['steps']:,}" if start else ""
        return f"not by today's preset: {preset.steps:,} steps of {preset.batch}{before}"
    if start and start["steps"] != zoo.steps_and_seconds(zoo.card(preset.start))[0]:
        return f"began as an earlier {preset.start}, of {start['steps']:,} steps"
    return ""


def main(old: Path, name: str, new: Path) -> None:
    """Read, convert, write."""
    with safe_open(old, framework="pt") as stored:
        card = json.loads(stored.metadata()["card"])
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
    store.write_tensors(new, tensors, converted(card, name))
    print(f"wrote {new}: {zoo.card(new).get('note') or 'as its preset says'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
