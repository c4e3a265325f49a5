"""Bytes: the wheel, the bundle, each flavour's encoder and decoder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge_caption.model.bundle import open_bundle


def measure(bundle: Path | None) -> dict[str, Any]:
    """Return sizes in bytes; the wheel is built for it."""
    opened = open_bundle(bundle)
    opened.verify()
    files = opened.manifest.files.values()
    return {
        "wheel": wheel_bytes(),
        "bundle": sum(file.size for file in files),
        "flavours": {flavour: opened.bytes_of(flavour) for flavour in opened.manifest.flavours},
    }


def wheel_bytes() -> int:
    """Build the wheel and return its size."""
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(root)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.stat().st_size
