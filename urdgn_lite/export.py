"""A generator for use elsewhere: `urdgn-lite export NAME` writes ONNX that onnxruntime plays."""

import hashlib
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from urdgn_lite import store, zoo
from urdgn_lite.degrade import LR_SIZE

PARITY = 1e-4  # largest difference from torch, in [-1, 1], that an export may have


def export(name: str | Path, path: Path) -> float:
    """Write a generator as ONNX: input `lr` (batch, 3, 16, 16), output `hr` (batch, 3, 128, 128).

    The batch may have any size. Metadata hold the card, and the SHA-256 of the weights' file. The
    file is played before it is kept.

    Parameters
    ----------
    name : a generator of the zoo, or the path of a `generator.safetensors`.
    path : the file to write.

    Returns
    -------
    The largest difference between onnxruntime and torch, in [-1, 1]; at most `PARITY`.

    Raises
    ------
    ValueError : no such generator, the extra `export` is missing, or the difference is larger.
    FileExistsError : the file is somebody else's.
    """
    network, card = zoo.load(name), zoo.card(name)
    store.spare(path)
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise ValueError(f"{error}: pip install 'urdgn_lite[export]'") from error
    example = torch.rand(2, 3, LR_SIZE, LR_SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    model = _model(network, example)
    weights = hashlib.sha256(zoo.path_of(name).read_bytes()).hexdigest()
    about = {"card": json.dumps(card, ensure_ascii=False), "sha256": weights}
    onnx.helper.set_model_props(model, about)
    model.producer_name = "urdgn_lite"
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in (example, torch.cat([example, example.flip(0), example])[:5]):
        (played,) = session.run(["hr"], {"lr": batch.numpy()})
        with torch.no_grad():
            worst = max(worst, (torch.from_numpy(played) - network(batch)).abs().max().item())
    if not worst <= PARITY:
        raise ValueError(f"{name}: ONNX differs from torch by {worst:.1e}, more than {PARITY:.0e}")
    store.write(path, data)
    return worst


def _model(network: nn.Module, example: torch.Tensor) -> Any:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    how: dict[str, Any] = {"input_names": ["lr"], "output_names": ["hr"], "verbose": False}
    how |= {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about its own exporter
        program = torch.onnx.export(network, (example,), **how)
    assert program is not None
    return program.model_proto
