from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from edge_caption.errors import BundleError
from edge_caption.model.bundle import open_bundle
from edge_caption.model.captioner import Captioner
from export.shared_weights import share_weights
from tests.export.test_int8 import run


def test_a_graph_computes_the_same_with_its_weights_outside(tiny_bundle: Path, tmp_path: Path) -> None:
    whole = onnx.load(tiny_bundle / "encoder.fp32.onnx")
    (light, again), weights = share_weights([whole, whole], "weights")
    assert light == again
    assert light.ByteSize() + len(weights) < whole.ByteSize() * 1.1
    (tmp_path / "weights").write_bytes(weights)
    onnx.save(light, tmp_path / "light.onnx")
    image = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    back = onnx.load(tmp_path / "light.onnx")
    for one, other in zip(run(whole, image=image), run(back, image=image), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("harm", [lambda data: data[:-1], lambda data: bytes([data[0] ^ 1]) + data[1:]])
def test_altered_weights_are_refused(tiny_bundle: Path, harm) -> None:  # type: ignore[no-untyped-def]
    file = tiny_bundle / open_bundle(tiny_bundle).manifest.flavours["cpu-x86"].weights
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(BundleError, match=r"encoder\.cpu\.weights is not the file"):
        Captioner(tiny_bundle, flavour="cpu-x86")
