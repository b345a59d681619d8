import importlib
import sys
from types import SimpleNamespace

import pytest
import torch

from urdgn_lite.measure import _compat


@pytest.fixture
def failing(monkeypatch):
    """Let `import torchvision` fail with an error."""

    def arrange(error):
        def fail(name):
            raise error

        monkeypatch.setattr(_compat, "importlib", SimpleNamespace(import_module=fail))

    return arrange


def test_torchvision_can_be_imported_beside_any_torch():
    _compat.import_torchvision()
    _compat.import_torchvision()  # harmless
    ops = importlib.import_module("torchvision.ops")  # needs the operators to be declared
    assert callable(ops.nms)
    assert torch.ops.torchvision.nms


def test_without_torchvision_nothing_happens(failing):
    failing(ImportError("No module named 'torchvision'"))
    loaded, declared = set(sys.modules), list(_compat._DECLARED)
    _compat.import_torchvision()
    assert (set(sys.modules), _compat._DECLARED) == (loaded, declared)


def test_another_failure_is_not_hidden(failing):
    failing(RuntimeError("out of memory"))
    with pytest.raises(RuntimeError, match="out of memory"):
        _compat.import_torchvision()
