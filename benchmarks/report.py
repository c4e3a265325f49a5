"""What a benchmark found, with the machine it was found on."""

from __future__ import annotations

import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from edge_caption.files import write_whole

RESULTS = Path(__file__).parent / "results"

PACKAGES = ("edge-caption", "numpy", "onnxruntime", "opencv-python-headless", "openvino", "torch")


def report(name: str, figures: dict[str, Any], *, save: bool) -> None:
    """Print the figures as JSON; with `save`, also write them to benchmarks/results/<name>.json, with a plot."""
    text = as_json({"benchmark": name, "machine": machine(), **figures})
    print(text)
    if save:
        file = RESULTS / f"{name}.json"
        write_whole(file, f"{text}\n".encode())
        from benchmarks.plots import plot

        plot(file)


def as_json(figures: dict[str, Any]) -> str:
    """Return indented JSON in which a list of numbers takes one line."""
    text = json.dumps(figures, indent=2)
    return re.sub(r"\[[-+.\deE,\s]+\]", lambda numbers: f"[{' '.join(numbers[0][1:-1].split())}]", text)


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    installed = {package: _version(package) for package in PACKAGES}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {package: version for package, version in installed.items() if version},
    }


def _processor() -> str:
    """Return its name, and on x86 its family and model: one name may stand for several generations."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    found = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = found.get("model name", platform.processor())
    return f"{name}, family {found['cpu family']} model {found['model']}" if "cpu family" in found else name


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
