"""training.model.recover: what export makes of a captioner, read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from edge_caption.errors import BundleError
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import open_bundle
from edge_caption.model.flavour import load_flavour
from edge_caption.model.preprocess import to_input
from export.flavours import make_flavours
from export.write_bundle import write_bundle
from tests.conftest import write_manifest
from tests.export.conftest import SIZE, Exported
from training.model.checkpoint import load_checkpoint

RECIPE = {"model": msgspec.to_builtins(SIZE)}


@pytest.mark.parametrize(("flavour", "bits"), [("fp32", 8), ("cpu-x86", 8), ("cpu-arm", 8), ("cpu-x86", 4)])
def test_a_bundle_can_be_read_back(exported: Exported, tmp_path: Path, flavour: str, bits: int) -> None:
    model = make_flavours(exported.encoder, exported.decoder, exported.table, decoder_bits=bits)
    contents = replace(exported.contents, model=model, trained_on={"recipe": RECIPE, "data": "none"})
    write_bundle(contents, (flavour,), "card", tmp_path)

    found, original = load_checkpoint(tmp_path), exported.checkpoint.model

    assert found.trained_on["data"] == "none"
    assert found.vocabulary.words == exported.checkpoint.vocabulary.words
    image = torch.from_numpy(to_input(read_photo(exported.photos[0]), SIZE.side))
    token, state = torch.tensor([[7]]), torch.full((1, 1, SIZE.state), 0.3)
    with torch.inference_mode():
        seen = original.encoder(image)
        steps = [one.decoder.step(token, state, seen.regions, seen.keys) for one in (original, found.model)]
        again = found.model.encoder(image)
    limit = 1e-3 if flavour == "fp32" else 0.1 if bits == 8 else 0.6
    for name, expected, actual in zip(seen._fields, seen, again, strict=True):
        assert noise(expected, actual) < limit, name
    for expected, actual in zip(*steps, strict=True):
        assert noise(expected, actual) < limit


def noise(expected: torch.Tensor, actual: torch.Tensor) -> float:
    """Return the difference's size beside the values'."""
    return float((actual - expected).norm() / expected.norm())


def test_the_shipped_bundle_can_be_read_back(demo_photos: list[Path]) -> None:
    bundle = open_bundle()
    engine, model = load_flavour(bundle, None, "onnxruntime", 1), load_checkpoint(bundle.folder).model
    images = [to_input(read_photo(photo), bundle.manifest.sizes.side) for photo in demo_photos]
    with torch.inference_mode():
        seen = [[part.numpy() for part in model.encoder(torch.from_numpy(image))] for image in images]
    states = [np.asarray(engine.encoder.run(image=image)[2]) for image in images]
    for mine, (_, _, others) in zip(states, seen, strict=True):
        nearest = min(states, key=lambda state: float(np.linalg.norm(state - others)))
        assert nearest is mine


def test_a_bundle_that_names_no_recipe_can_not(tiny_bundle: Path) -> None:
    manifest = msgspec.json.decode((tiny_bundle / "manifest.json").read_bytes())
    manifest["training"] = {"data": "unknown"}
    write_manifest(tiny_bundle, manifest)
    with pytest.raises(BundleError, match="does not say which recipe it was trained by"):
        load_checkpoint(tiny_bundle)


def test_a_captioner_of_another_kind_can_not(tiny_bundle: Path) -> None:
    manifest = msgspec.json.decode((tiny_bundle / "manifest.json").read_bytes())
    manifest["training"] = {"recipe": RECIPE}
    write_manifest(tiny_bundle, manifest)
    with pytest.raises(BundleError, match=r"no captioner of this version \(.*\); give its checkpoint"):
        load_checkpoint(tiny_bundle)
