"""ONNX files play as torch does, for any batch, and say what they are."""

import hashlib
import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from urdgn_lite import export as e
from urdgn_lite import zoo
from urdgn_lite.cli import app

onnx = pytest.importorskip("onnx", reason="the extra `export` is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "deeper/residual-s.onnx"
    assert e.export("residual-s", path) <= 1e-4
    return path


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_it_plays_as_torch_does_for_any_batch(exported, batch):
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    lr = torch.rand(batch, 3, 16, 16) * 2 - 1
    (played,) = session.run(["hr"], {"lr": lr.numpy()})
    with torch.no_grad():
        assert np.abs(played - zoo.load("residual-s")(lr).numpy()).max() <= 1e-4


def test_it_says_what_it_is(exported):
    about = {p.key: p.value for p in onnx.load(exported).metadata_props}
    assert json.loads(about["card"])["preset"]["name"] == "residual-s"
    weights = (zoo.SHELF / "residual-s.safetensors").read_bytes()
    assert about["sha256"] == hashlib.sha256(weights).hexdigest()


def test_nothing_half_written_stays(exported):
    assert [p.name for p in exported.parent.iterdir()] == ["residual-s.onnx"]


def test_a_difference_is_refused_and_not_kept(tmp_path, monkeypatch, generator_file):
    monkeypatch.setattr(e, "PARITY", -1.0)
    with pytest.raises(ValueError, match="ONNX differs from torch by"):
        e.export(generator_file, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_exports_a_file_of_ones_own(tmp_path, generator_file):
    path = tmp_path / "mine.onnx"
    result = CliRunner().invoke(app, ["export", str(generator_file), "--out", str(path)])
    assert result.exit_code == 0, result.output
    assert path.exists()
    assert "as in torch" in result.output


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="did you mean"):
        e.export("residual-z", tmp_path / "a.onnx")
