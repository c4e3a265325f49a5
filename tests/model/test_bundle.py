from __future__ import annotations

import hashlib
import json
import platform
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_caption.errors import BundleError
from edge_caption.model.bundle import BUNDLES, open_bundle
from edge_caption.model.captioner import Captioner
from tests.conftest import peak_of, write_manifest


def change(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    write_manifest(folder, {**manifest, **fields})


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def nest(folder: Path) -> None:
    (folder / "manifest.json").write_text(f'{{"training": {"[" * 100_000}{"]" * 100_000}}}')
    (folder / "manifest.sha256").unlink()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "encoder.cpu-x86.onnx is not the file": lambda folder: flip_a_byte(folder / "encoder.cpu-x86.onnx"),
    "vocabulary.json can't be read": lambda folder: (folder / "vocabulary.json").unlink(),
    "vocabulary.json is not the file": lambda folder: (folder / "vocabulary.json").write_text("[]"),
    "manifest.json is not what manifest.sha256 says": lambda folder: flip_a_byte(folder / "manifest.json"),
    "is not a bundle": lambda folder: (folder / "manifest.json").unlink(),
    "has schema 99": lambda folder: change(folder, schema=99),
    "wants preprocessing crop-224": lambda folder: change(folder, preprocessing="crop-224"),
    "is damaged (Expected `object` of length >= 1 - at `$.flavours`)": lambda folder: change(folder, flavours={}),
    "is damaged (Expected `object` of length >= 1 - at `$.languages`)": lambda folder: change(folder, languages={}),
    "is damaged (Expected `int` <= 20 - at `$.decoding.beam`)": lambda folder: change(
        folder, decoding={"beam": 1_000_000}
    ),
    "does not name": lambda folder: change(folder, files={}),
    "manifest.json is damaged (it is nested too deeply)": nest,
}


def resize(folder: Path, **sizes: int) -> None:
    change(folder, sizes={**json.loads((folder / "manifest.json").read_text())["sizes"], **sizes})


DAMAGE |= {
    "is damaged (Expected `int` >= 1 - at `$.sizes.side`)": lambda folder: resize(folder, side=0),
    "is damaged (Expected `int` >= 1 - at `$.decoding.max_words`)": lambda folder: change(
        folder, decoding={"max_words": 0}
    ),
    "(has image of shape (1, 224, 224, 3), not (1, 100, 100, 3))": lambda folder: resize(folder, side=100),
    "(has regions of shape (1, 49, 32), not (1, 25, 32))": lambda folder: resize(folder, grid=5),
    "(has log_probs of shape (None, 40), not (None, 41))": lambda folder: resize(folder, words=41),
    "decoder.fp32.onnx is not the graph that manifest.json describes (has token, ": lambda folder: change(
        folder, flavours={"cpu-x86": {"encoder": "decoder.fp32.onnx", "decoder": "encoder.fp32.onnx"}}
    ),
}


@pytest.mark.parametrize("says", DAMAGE)
def test_a_damaged_or_foreign_bundle_is_refused_in_one_sentence(tiny_bundle: Path, says: str) -> None:
    DAMAGE[says](tiny_bundle)
    with pytest.raises(BundleError, match=re.escape(says)) as caught:
        Captioner(tiny_bundle, flavour="cpu-x86")
    assert "\n" not in str(caught.value)


def test_a_manifest_with_a_byte_order_mark_is_read(tiny_bundle: Path) -> None:
    manifest = tiny_bundle / "manifest.json"
    manifest.write_bytes(BOM_UTF8 + manifest.read_bytes())
    (tiny_bundle / "manifest.sha256").unlink()
    assert open_bundle(tiny_bundle).manifest.name == "tiny"


def test_a_whole_bundle_verifies(tiny_bundle: Path) -> None:
    open_bundle(tiny_bundle).verify()


def test_a_file_is_checked_without_being_held_in_memory(tiny_bundle: Path) -> None:
    data = bytes(8_000_000)
    (tiny_bundle / "large").write_bytes(data)
    files = json.loads((tiny_bundle / "manifest.json").read_text())["files"]
    record = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    change(tiny_bundle, files={**files, "large": record})
    assert peak_of(open_bundle(tiny_bundle).verify) < 2_000_000


def test_a_flavour_that_is_not_there_is_named_with_those_that_are(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"no flavour trt; choose one of: cpu-arm, cpu-x86"):
        Captioner(tiny_bundle, flavour="trt")


@pytest.mark.parametrize(("machine", "flavour"), [("x86_64", "cpu-x86"), ("AMD64", "cpu-x86"), ("aarch64", "cpu-arm")])
def test_the_machine_picks_its_flavour(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, machine: str, flavour: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert open_bundle(tiny_bundle).graphs()[0] == flavour


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_that_ships_is_whole_and_small(name: str) -> None:
    bundle = open_bundle(BUNDLES[name])
    bundle.verify()
    assert all(sum(bundle.bytes_of(flavour).values()) <= 7_500_000 for flavour in bundle.manifest.flavours)
    assert {"cpu-x86", "cpu-arm"} <= set(bundle.manifest.flavours)
    assert sum(record.size for record in bundle.manifest.files.values()) < 12_000_000
    assert bundle.manifest.training["terms"]
    assert (bundle.folder / "MODEL_CARD.md").exists()
    on_disk = {file.name for file in bundle.folder.iterdir()}
    assert on_disk == {"manifest.json", "manifest.sha256", *bundle.manifest.files}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_that_ships_is_known_by_its_name(name: str) -> None:
    assert open_bundle(Path(name)).folder == BUNDLES[name]
    assert Captioner(name).model.sha256 == open_bundle(BUNDLES[name]).sha256


def test_another_name_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"give accurate, .*or a bundle's folder"):
        open_bundle(tmp_path / "accurate")
