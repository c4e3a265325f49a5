"""The built wheel in a clean environment: what a device gets."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_caption.model.bundle import BUNDLES
from tests.conftest import ROOT

FOREIGN = (
    "torch",
    "torchvision",
    "onnx",
    "lightning",
    "matplotlib",
    "amqtt",
    "openvino",
    "training",
    "export",
    "calibration",
    "toolchain",
    "benchmarks",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_holds_the_runtime_only_and_is_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"edge_caption"}
    assert {f"edge_caption/bundles/{name}/manifest.json" for name in BUNDLES} <= set(names)
    assert "edge_caption/demo/photos/PROVENANCE.md" in names
    assert "edge_caption/py.typed" in names
    assert wheel.stat().st_size <= 15_000_000


def test_the_wheel_captions_where_no_torch_is(
    wheel: Path, tmp_path: Path, demo_photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)  # a developer's checkout must not reach the new environment
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(wheel)], check=True, capture_output=True)
    probe = f"import importlib.util; print([name for name in {FOREIGN} if importlib.util.find_spec(name)])"
    assert subprocess.check_output([python, "-c", probe], cwd=tmp_path, text=True) == "[]\n"
    script = tmp_path / "venv" / "bin" / "edge-caption"
    said = subprocess.check_output([script, "caption", *demo_photos], cwd=tmp_path, text=True)
    assert len(said.splitlines()) == len(demo_photos)
    assert (
        subprocess.check_output([script, "caption", "--backend", "auto", *demo_photos], cwd=tmp_path, text=True) == said
    )
    asked = subprocess.run(
        [script, "caption", "--backend", "openvino", demo_photos[0]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 1
    assert asked.stderr.endswith("(No module named 'openvino'); pip install 'edge-caption[openvino]'\n")
