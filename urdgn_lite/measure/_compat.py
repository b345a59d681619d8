"""One repair that a CPU-only torch needs beside the torchvision of the package index.

That torchvision is built against CUDA. Its compiled operators do not load beside a CPU build of
torch, and `import torchvision` then fails with "operator torchvision::nms does not exist", which
takes torchmetrics down with it. None of those operators is used here: declaring them is enough.
"""

import importlib
import sys

import torch

_DECLARED: list[torch.library.Library] = []  # a library's operators live as long as the object


def import_torchvision() -> None:
    """Import torchvision, if installed, declaring its operators where they did not load."""
    try:
        importlib.import_module("torchvision")
    except ImportError:
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _DECLARED.append(library)
        importlib.import_module("torchvision")
