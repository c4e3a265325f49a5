from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_caption.commands.cli import main
from tests.conftest import without_gpu


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_engines_are_built_once_without_a_gpu(tensorrt_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    for how in (r"built in [\d.]+ s", "there already"):
        assert main(["build-engine", str(tensorrt_bundle), "--without-gpu"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.partition(":")[0] for line in lines] == ["encoder.trt.onnx", "decoder.trt.onnx"]
        for line in lines:
            assert re.search(f"{how}, [\\d.]+ MB, ", line)
            assert Path(line.rpartition(", ")[2]).is_file()


def test_ctrl_c_at_any_moment_leaves_no_half_engine(tensorrt_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    command = [sys.executable, "-c", PROGRAM, "build-engine", str(tensorrt_bundle), "--without-gpu"]
    for moment in (2, 100, 400, 700):  # of the encoder's 800
        environment = {**os.environ, "MOMENT": str(moment), "XDG_CACHE_HOME": str(tmp_path / f"cache-{moment}")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stderr) == (130, "")
        assert not list(tmp_path.glob(f"cache-{moment}/**/*.engine"))


PROGRAM = """
import os, signal, sys
from edge_caption.model.backends import tensorrt_library
from edge_caption.commands.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
calls = 0
def count(*arguments):
    global calls
    calls += 1
    if calls == int(os.environ["MOMENT"]):
        signal.raise_signal(signal.SIGINT)
tensorrt_library.log.debug = count  # TensorRT logs all the way through a build
sys.exit(main())
"""


@without_gpu
def test_a_machine_without_a_driver_is_told_so_in_one_line(
    tensorrt_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build-engine", str(tensorrt_bundle)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("edge-caption: error: ")
    assert "NVIDIA driver" in error
    assert error.count("\n") == 1


def test_who_has_no_such_flavour_is_told_to_export_one(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build-engine", str(tiny_bundle)]) == 1
    assert (
        "has no flavour trt or fp16 or trt-int8; export one (docs/export.md, docs/tensorrt.md)"
        in capsys.readouterr().err
    )
