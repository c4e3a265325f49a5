"""Words leave the device, and only where they are sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPORTS = ("ORT_DISABLE_TELEMETRY", "CI")
"""What keeps ONNX Runtime from reporting: ours, and what would hide that ours is missing."""


@pytest.mark.parametrize("package", ["edge_caption.model.captioner", "calibration.observe", "export.fusion"])
def test_onnx_runtime_keeps_no_record_of_its_use(
    package: str, tiny_bundle: Path, demo_photos: list[Path], tmp_path: Path
) -> None:
    if not package.startswith("edge_caption"):
        pytest.importorskip("onnx", reason="the toolchain is not installed")
    script = f"import sys, {package}; from edge_caption import Captioner;Captioner(sys.argv[1]).caption(sys.argv[2])"
    kept = {name: value for name, value in os.environ.items() if name not in REPORTS and not name.startswith("XDG_")}
    command = [sys.executable, "-c", script, str(tiny_bundle), str(demo_photos[0])]
    subprocess.run(command, check=True, env={**kept, "HOME": str(tmp_path)})
    assert not [file for file in tmp_path.rglob("*") if "onnxruntime" in file.name]
