"""Two processes learn what one does."""

import os
import subprocess
import sys

import pytest
import torch
from PIL import Image

from urdgn_lite import presets, zoo
from urdgn_lite.faces import load
from urdgn_lite.run import Run
from urdgn_lite.train import train


@pytest.fixture
def folder(tmp_path, few_faces):
    for split, count in (("train", 8), ("val", 2)):
        (tmp_path / "faces" / split).mkdir(parents=True)
        for i, face in enumerate(few_faces.images[:count].permute(0, 2, 3, 1).numpy()):
            Image.fromarray(face).save(tmp_path / "faces" / split / f"{i}.png")
    return tmp_path / "faces"


def together(folder, out, preset, *more):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "urdgn_lite", "train", "--preset", preset, "--faces", str(folder)]
    return subprocess.run(
        [*command, "--steps", "6", "--out", str(out), *more],
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_processes_get_the_weights_of_one(folder, tmp_path):
    """No batch normalisation, no dropout, the same batch of all processes together."""
    done = together(folder, tmp_path / "two", "smoke")
    assert done.returncode == 0, done.stderr[-3000:]
    both, card = zoo.load_weights(tmp_path / "two" / "generator.safetensors")
    smoke, faces = presets.get("smoke"), load(folder, "train")
    alone, fresh = train(smoke, faces, steps=6).G.state_dict(), Run.begin(smoke).G.state_dict()
    for name, value in both.state_dict().items():
        torch.testing.assert_close(value, alone[name].half().float(), rtol=2e-3, atol=1e-5)
    assert max((alone[name] - fresh[name]).abs().max() for name in alone) > 1e-3  # it did move
    assert [row["step"] for row in card["history"]] == [2, 4, 6]  # epochs


def test_two_players_are_trained_by_two_processes_too(folder, tmp_path):
    done = together(folder, tmp_path / "two", "smoke-gan")
    assert done.returncode == 0, done.stderr[-3000:]
    card = zoo.card(tmp_path / "two" / "generator.safetensors")
    assert card["step"] == 6
    assert {"bce_real", "gain"} <= card["history"][-1].keys()
    over = together(folder, tmp_path / "two", "smoke-gan")
    assert over.returncode != 0
    assert "checkpoint.safetensors exists: resume it" in over.stderr
    again = together(folder, tmp_path / "two", "smoke-gan", "--resume")
    assert again.returncode == 0, again.stderr[-3000:]
