"""What the tools of short runs share: half a run is no row, and no row is lost."""

import json
import signal

import pytest
import rows

from urdgn_lite import presets
from urdgn_lite import train as training

SMOKE = presets.get("smoke")


def test_an_interrupted_training_ends_the_tool_and_goes_on_from_there(
    few_faces, tmp_path, monkeypatch
):
    def stop(run, h):
        if run.step == 1:
            signal.raise_signal(signal.SIGINT)
        return training.algorithm_1(run, h)

    monkeypatch.setitem(training.GAMES, "mine", stop)
    options = {"out": tmp_path, "steps": 4}
    with pytest.raises(KeyboardInterrupt):
        rows.trained(SMOKE.but(game="mine"), few_faces, **options)
    steps = []

    def count(run, h):
        steps.append(run.step)
        return training.algorithm_1(run, h)

    monkeypatch.setitem(training.GAMES, "mine", count)
    assert rows.trained(SMOKE.but(game="mine"), few_faces, **options).done
    assert steps == [2, 3]


def test_an_interrupted_training_without_a_folder_ends_the_tool_too(few_faces, monkeypatch):
    def stop(run, h):
        signal.raise_signal(signal.SIGINT)
        return training.algorithm_1(run, h)

    monkeypatch.setitem(training.GAMES, "mine", stop)
    with pytest.raises(KeyboardInterrupt):
        rows.trained(SMOKE.but(game="mine"), few_faces, steps=4)


def test_two_tools_that_fill_one_table_keep_each_others_rows(tmp_path):
    path = tmp_path / "table.json"

    def measure(name):
        if name == "a":  # meanwhile another one writes
            rows.fill(path, ["b"], lambda name: {"gain_psnr": 2.0, "seconds": 1})
        return {"gain_psnr": 1.0, "seconds": 1}

    rows.fill(path, ["a"], measure)
    assert json.loads(path.read_text()).keys() == {"a", "b"}


def test_what_is_there_is_not_measured_again(tmp_path):
    path = tmp_path / "table.json"
    path.write_text('{"a": {}}')
    rows.fill(path, ["a"], measure=lambda name: pytest.fail(f"{name} was measured again"))
    assert json.loads(path.read_text()) == {"a": {}}
