"""Tencent's ncnn, through its converter pnnx."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray

from edge_caption.errors import BackendError
from edge_caption.model.backends.session import Arrays


class NcnnSession:
    """A graph in ncnn."""

    def __init__(self, graph: Path, threads: int) -> None:
        """Convert and load it.

        Raises:
            ImportError: ncnn is not installed.
            BackendError: pnnx is missing, or writes layers that ncnn does not have.
        """
        import ncnn

        with tempfile.TemporaryDirectory() as folder:
            onnx.save(onnx.load(graph), Path(folder) / "graph.onnx")  # pnnx does not find weights in another file
            _convert(Path(folder))
            self._net = ncnn.Net()
            self._net.opt.num_threads = threads
            layers = Path(folder) / "graph.ncnn.param"
            if not layers.exists():
                raise BackendError("pnnx can't convert it")
            if self._net.load_param(str(layers)):
                raise BackendError(f"ncnn does not know what pnnx makes of it: {', '.join(_foreign(layers))}")

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order."""
        raise BackendError("it loads, for the first time: write how its outputs are read")


def _convert(folder: Path) -> None:
    program = Path(sys.executable).with_name("pnnx")
    if not program.exists():
        raise BackendError("its converter is missing; pip install --group engines")
    subprocess.run([str(program), "graph.onnx"], cwd=folder, capture_output=True, check=False)


def _foreign(layers: Path) -> list[str]:
    """Return the layers of the written graph that are still ONNX's or pnnx's."""
    kinds = {line.split()[0] for line in layers.read_text("utf-8").splitlines()[2:] if line.strip()}
    return sorted(kind for kind in kinds if "." in kind or kind.endswith(("Linear", "NBits", "Quantized")))
