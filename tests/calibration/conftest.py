from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import ModelProto

from calibration.graphs import load_graphs

TINY = Path(__file__).parent.parent / "data" / "tiny_bundle"


@pytest.fixture(scope="session")
def graphs() -> tuple[ModelProto, ModelProto]:
    return load_graphs(TINY)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    files = [folder / f"{number:02}.png" for number in range(24)]
    for file in files:
        colours = random.integers(0, 256, (4, 4, 3), np.uint8)
        cv2.imwrite(str(file), cv2.resize(colours, (120, 90), interpolation=cv2.INTER_NEAREST))
    return files
