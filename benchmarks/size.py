"""Bytes: the wheel, the bundle, each flavour's encoder and decoder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge_caption.bundle import open_bundle


def measure(bundle: Path | None) -> dict[str, Any]:
    """Return sizes in bytes; the wheel is built for it."""
    opened = open_bundle(bundle)
    opened.verify()
    sizes = {name: record.size for name, record in opened.manifest.files.items()}
    flavours = {
        name: {"encoder": sizes[graphs.encoder] + sizes.get(graphs.weights, 0), "decoder": sizes[graphs.decoder]}
        for name, graphs in opened.manifest.flavours.items()
    }
    return {"wheel": wheel_bytes(), "bundle": sum(sizes.values()), "flavours": flavours}


def wheel_bytes() -> int:
    """Build the wheel and return its size."""
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(root)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.stat().st_size
