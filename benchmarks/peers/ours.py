"""This project's model: what ships, and the same sizes in ONNX Runtime fp32, in PyTorch eager and compiled.

All but what ships have untrained weights: speed does not depend on their values.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch

from benchmarks.latency import TorchDecoder, TorchEncoder, captioner, untrained
from benchmarks.peers.peer import Ready, weights
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.bundle import open_bundle
from edge_caption.model.flavour import load_flavour
from export.to_onnx import to_onnx
from training.recover import dimensions


def shipped(threads: int) -> Ready:
    """Load the bundle that ships, INT8, in ONNX Runtime."""
    bundle = open_bundle()
    loaded = load_flavour(bundle, None, "onnxruntime", threads)
    parameters, _ = weights(_model())
    size = sum(bundle.bytes_of(loaded.flavour).values())
    return Ready(captioner(loaded.encoder, loaded.decoder, bundle.manifest.sizes.side), parameters, size)


def onnx_fp32(threads: int) -> Ready:
    """Export the model to ONNX and run it in fp32."""
    model = _model()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("encoder.onnx", "decoder.onnx")]
        for graph, file in zip(to_onnx(model), files, strict=True):
            onnx.save(graph, file)
        encoder, decoder = OnnxSession(files[0], threads), OnnxSession(files[1], 1)
        size = sum(file.stat().st_size for file in files)
    return Ready(captioner(encoder, decoder, _side()), weights(model)[0], size)


def eager(threads: int) -> Ready:
    """Run the model in PyTorch as it is."""
    torch.set_num_threads(threads)
    model = _model()
    return Ready(captioner(TorchEncoder(model), TorchDecoder(model), _side()), *weights(model))


def compiled(threads: int) -> Ready:
    """Compile encoder and decoder step with TorchInductor."""
    torch.set_num_threads(threads)
    model: Any = _model()
    model.encoder.forward = torch.compile(model.encoder.forward)
    model.decoder.step = torch.compile(model.decoder.step)
    return Ready(captioner(TorchEncoder(model), TorchDecoder(model), _side()), *weights(model))


def _model() -> Any:
    bundle = open_bundle()
    return untrained(dimensions(bundle), bundle.manifest.sizes.words)


def _side() -> int:
    return open_bundle().manifest.sizes.side
