"""Fixtures that several packages' tests share."""

from __future__ import annotations

import ctypes
import hashlib
import json
import logging
import os
import shutil
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_caption.images.frame import Pixels
from edge_caption.model.backends.cuda import LIBRARY
from edge_caption.model.bundle import digest_line
from edge_caption.model.captioner import Captioner

ROOT = Path(__file__).parent.parent

PHOTOS = sorted(
    [*(ROOT / "edge_caption" / "demo" / "photos").glob("*.jpg"), *(ROOT / "tests" / "data" / "photos").glob("*.jpg")],
    key=lambda file: file.name,
)


def has_gpu() -> bool:
    try:
        return bool(ctypes.CDLL(LIBRARY).cuInit(0) == 0)
    except OSError:
        return False


def obeying_rights(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run as a user whom a file's mode binds; root is bound without these two of its rights."""
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is not installed (Debian: util-linux)")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


without_gpu = pytest.mark.skipif(has_gpu(), reason="there is a GPU here")


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    """A private copy of the committed tiny bundle, made by scripts/make_tiny_bundle.py."""
    return Path(shutil.copytree(ROOT / "tests" / "data" / "tiny_bundle", tmp_path / "tiny_bundle"))


@pytest.fixture
def tensorrt_bundle(tiny_bundle: Path) -> Path:
    """The tiny bundle with the flavours for TensorRT, made from its fp32 graphs."""
    onnx = pytest.importorskip("onnx", reason="the toolchain is not installed")
    from calibration.table import load_table
    from export.flavours import graphs_of, make_flavours

    encoder, decoder = (onnx.load(tiny_bundle / f"{part}.fp32.onnx") for part in ("encoder", "decoder"))
    model = make_flavours(encoder, decoder, load_table(tiny_bundle / "calibration.json"), ("trt", "fp16"))
    manifest = json.loads((tiny_bundle / "manifest.json").read_text())
    for flavour in ("trt", "fp16"):
        files = model.files((flavour,))
        manifest["flavours"][flavour] = dict(zip(("encoder", "decoder"), graphs_of(flavour), strict=True))
        for name, data in files.items():
            (tiny_bundle / name).write_bytes(data)
            manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    write_manifest(tiny_bundle, manifest)
    return tiny_bundle


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Change a bundle's manifest on purpose: with its digest."""
    data = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.sha256").write_bytes(digest_line(hashlib.sha256(data).hexdigest()))


@pytest.fixture
def tiny_captioner(tiny_bundle: Path) -> Captioner:
    return Captioner(tiny_bundle, threads=1)


@pytest.fixture
def demo_photos() -> list[Path]:
    """Real photos: those that ship with the package, and others."""
    return list(PHOTOS)


@pytest.fixture
def picture() -> Pixels:
    """A gradient with a square in it: shape (240, 320, 3)."""
    rows, columns = np.mgrid[0:240, 0:320]
    pixels = np.stack([rows, columns // 2, (rows + columns) // 3], -1).astype(np.uint8)
    pixels[60:120, 80:200] = (220, 40, 40)
    return pixels


@pytest.fixture
def flickr8k() -> Path:
    """The real data set beside the checkout; the product never needs it."""
    folder = ROOT.parent / "shared" / "flickr8k"
    if not folder.is_dir():
        pytest.skip(f"needs Flickr8k in {folder}")
    return folder


def peak_of(work: Callable[[], object]) -> int:
    """Return the bytes that Python's own memory grew by at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def encode(pixels: Pixels, suffix: str) -> bytes:
    """Encode pixels as the file type that the suffix names."""
    done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert done
    return data.tobytes()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """See that no test silences the log of those after it."""
    disabled = logging.root.manager.disable
    yield
    assert logging.root.manager.disable == disabled
