"""Proof that what a flavour is made for runs it as meant: ONNX Runtime in integers, TensorRT at all."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto

from edge_caption.model.backends import BACKENDS
from export.flavours import Flavours, graphs_of
from export.fusion import prove_fusion
from export.lint import prove_accepted, prove_built


def prove_running(model: Flavours, flavour: str, kept: Sequence[str]) -> list[str]:
    """Prove that what a flavour is made for runs it as meant; return what was seen, a line each.

    Raises:
        ExportError: it would be run in float, or refused.
    """
    encoder, decoder = ((name, model.graphs[name]) for name in graphs_of(flavour))
    if flavour in BACKENDS["tensorrt"].flavours:
        return _prove_tensorrt(encoder, decoder)
    fused = prove_fusion(encoder[1], encoder[0], kept) + prove_fusion(decoder[1], decoder[0])
    return [f"{count} {kind}" for kind, count in sorted(fused.items())]


def _prove_tensorrt(*graphs: tuple[str, ModelProto]) -> list[str]:
    for name, graph in graphs:
        prove_accepted(graph, name)
    built = {prove_built(graph, name) for name, graph in graphs}
    return [f"builds with {version}" if version else "passes the lint; not built" for version in built]
