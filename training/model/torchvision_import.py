"""Make torchvision importable beside a CPU build of torch.

The wheel on PyPI is compiled against CUDA. Beside a CPU build its operators don't load, and `import torchvision` (which
Lightning's metrics do too) fails on two schemas it expects. Models and transforms need neither operator, so declaring
the schemas is enough; box operators and image decoders stay unusable. A matching pair of wheels is left alone.
"""

from __future__ import annotations

import importlib
import sys

import torch

_declared: list[torch.library.Library] = []  # a library's schemas vanish when it is collected


def ensure_importable() -> None:
    """Import torchvision, declaring its detection operators first where that is what fails."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declare_detection_operators()
        importlib.import_module("torchvision")


def _declare_detection_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)
