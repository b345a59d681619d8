"""A few seconds of every kind of damaged input; `make fuzz` goes on for minutes."""

import hashlib
import random

import fuzz
import pytest

TRIED = {
    "images": 60,
    "archives": 20,
    "checkpoints": 8,
    "cards": 12,
    "settings": 14,
    "notebooks": 25,
}


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_damaged_and_hostile_inputs_get_a_message(kind):
    assert [
        f"{seed}: {found}" for seed in range(TRIED[kind]) if (found := fuzz.fault(kind, seed))
    ] == []


def test_a_fault_of_each_sort_is_seen(monkeypatch):
    def traceback(r, folder):
        raise IndexError("list index out of range")

    def outside(r, folder):
        (folder.parent / f"{folder.name}-outside").write_text("here")
        (folder.parent / f"{folder.name}-outside").unlink()

    def hang(r, folder):
        while True:
            pass

    def answered_twice(r, folder):
        fuzz.command("faces", "nowhere")

    monkeypatch.setattr(fuzz, "SECONDS", 1)
    for name, kind in {"a": traceback, "b": outside, "c": hang, "d": answered_twice}.items():
        monkeypatch.setitem(fuzz.KINDS, name, kind)
    assert "IndexError: list index out of range" in fuzz.fault("a", 0)
    assert "wrote outside: open " in fuzz.fault("b", 0)
    assert fuzz.fault("c", 0) == "took more than 1 s"
    assert fuzz.fault("d", 0) == ""  # one line: as it should be


def test_a_seed_makes_its_input_again():
    def made(seed):
        r = random.Random(seed)
        return hashlib.sha256(fuzz.mutate(r, fuzz.picture(r))).hexdigest()

    assert [made(seed) for seed in range(20)] == [made(seed) for seed in range(20)]
    assert len({made(seed) for seed in range(20)}) == 20
