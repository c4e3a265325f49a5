"""This project's model: what ships, and the same sizes in ONNX Runtime fp32, in PyTorch eager and compiled.

All but what ships have untrained weights, which never end a sentence: speed does not depend on their values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.composed import captioner
from benchmarks.peers.peer import Say
from edge_caption.model.backends import REFERENCE
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.bundle import open_bundle
from edge_caption.model.flavour import load_flavour

GRAPHS = ("encoder.onnx", "decoder.onnx")


def shipped(folder: Path, _: Path, threads: int) -> Say:
    """Load a bundle, INT8, in ONNX Runtime."""
    bundle = open_bundle(folder)
    loaded = load_flavour(bundle, None, REFERENCE, threads)
    return captioner(loaded.encoder, loaded.decoder, bundle.manifest.sizes.side)


def export_fp32(bundle: Path, folder: Path) -> None:
    """Write the model's two graphs."""
    import onnx

    from export.to_onnx import to_onnx

    for graph, name in zip(to_onnx(_model(bundle)), GRAPHS, strict=True):
        onnx.save(graph, folder / name)


def onnx_fp32(bundle: Path, folder: Path, threads: int) -> Say:
    """Run the two graphs in ONNX Runtime."""
    encoder, decoder = (folder / name for name in GRAPHS)
    return captioner(OnnxSession(encoder, threads), OnnxSession(decoder, 1), _side(bundle))


def eager(bundle: Path, _: Path, threads: int) -> Say:
    """Run the model in PyTorch as it is."""
    return _in_torch(_model(bundle), _side(bundle), threads)


def compiled(bundle: Path, _: Path, threads: int) -> Say:
    """Compile encoder and decoder step with TorchInductor."""
    import torch

    model = _model(bundle)
    model.encoder.forward = torch.compile(model.encoder.forward)
    model.decoder.step = torch.compile(model.decoder.step)
    return _in_torch(model, _side(bundle), threads)


def _in_torch(model: Any, side: int, threads: int) -> Say:
    import torch

    from benchmarks.latency import TorchDecoder, TorchEncoder

    torch.set_num_threads(threads)
    return captioner(TorchEncoder(model), TorchDecoder(model), side)


def _model(folder: Path) -> Any:
    from benchmarks.latency import untrained
    from training.model.recover import dimensions

    bundle = open_bundle(folder)
    return untrained(dimensions(bundle), bundle.manifest.sizes.words)


def _side(bundle: Path) -> int:
    return open_bundle(bundle).manifest.sizes.side
