"""One fp32 model and one calibration table -> the graphs that each kind of device runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from calibration.table import Table
from edge_caption.model.bundle import Graphs
from export.errors import ExportError
from export.half import to_half
from export.qdq import convolutions, quantize_encoder
from export.shared_weights import share_weights
from export.symmetric import products_of_regions, products_of_words, quantize_products, store_weights
from export.weights_only import quantize_decoder

REFERENCE = "fp32"
"""The flavour that the others are measured against."""

FLAVOURS: dict[str, Graphs] = {
    REFERENCE: Graphs("encoder.fp32.onnx", "decoder.fp32.onnx"),
    # Weights in 8 bits (or 4) serve both kinds of processor alike: one decoder file for two flavours.
    "cpu-x86": Graphs("encoder.cpu-x86.onnx", "decoder.cpu.onnx", "encoder.cpu.weights"),
    "cpu-arm": Graphs("encoder.cpu-arm.onnx", "decoder.cpu.onnx", "encoder.cpu.weights"),
    # For TensorRT. A decoder step is a few vectors times matrices, for which INT8 has to quantize more than it saves
    # (docs/decisions/2026-11-23-tensorrt-flavours.md): trt's multiplies in FP16, and trt-int8 is there to compare.
    "fp16": Graphs("encoder.fp16.onnx", "decoder.fp16.onnx"),
    "trt": Graphs("encoder.trt.onnx", "decoder.trt.onnx"),
    "trt-int8": Graphs("encoder.trt.onnx", "decoder.trt-int8.onnx"),
}

SHIPPED = ("cpu-x86", "cpu-arm")
"""What a bundle holds unless asked otherwise."""


@dataclass(frozen=True)
class Flavours:
    """A captioner in one flavour or more."""

    graphs: Mapping[str, ModelProto]
    """File name -> graph."""

    def files(self, flavours: Sequence[str]) -> dict[str, bytes]:
        """Return the flavours' files; weights that they share come once."""
        graphs = {name: self.graphs[name] for flavour in flavours for name in graphs_of(flavour)}
        files = {}
        for weights in sorted({FLAVOURS[flavour].weights for flavour in flavours} - {""}):
            names = sorted({FLAVOURS[flavour].encoder for flavour in flavours if FLAVOURS[flavour].weights == weights})
            light, files[weights] = share_weights([graphs[name] for name in names], weights)
            graphs |= dict(zip(names, light, strict=True))
        return files | {name: graph.SerializeToString(deterministic=True) for name, graph in graphs.items()}

    def size(self, flavour: str) -> int:
        """Return the bytes of a flavour's graphs."""
        return sum(len(data) for data in self.files((flavour,)).values())


def graphs_of(flavour: str) -> tuple[str, str]:
    """Return the names of a flavour's encoder and decoder."""
    return FLAVOURS[flavour].encoder, FLAVOURS[flavour].decoder


def check_kept(encoder: ModelProto, kept: Collection[str]) -> None:
    """Make sure that an encoder has the convolutions that shall stay in float.

    Raises:
        ExportError: there is none of that name.
    """
    if unknown := sorted(set(kept) - set(convolutions(encoder))):
        raise ExportError(f"the encoder has no convolution {unknown[0]}; python -m export.sensitivity names them")


def make_flavours(
    encoder: ModelProto,
    decoder: ModelProto,
    table: Table,
    flavours: Sequence[str] = tuple(FLAVOURS),
    kept: Collection[str] = (),
    decoder_bits: int = 8,
) -> Flavours:
    """Make flavours of one model.

    Args:
        table: of these graphs: `Table.check`.
        kept: names of the encoder's convolutions that stay in float: `check_kept`.
        decoder_bits: of a weight of the decoder for processors and of trt's, 8 or 4.
    """
    ranges, means = table.ranges["encoder"], table.means["encoder"]
    makers: dict[str, Callable[[], ModelProto]] = {
        "encoder.fp32.onnx": lambda: encoder,
        "decoder.fp32.onnx": lambda: decoder,
        "encoder.cpu-x86.onnx": lambda: quantize_encoder(encoder, ranges, means, np.uint8, kept),
        "encoder.cpu-arm.onnx": lambda: quantize_encoder(encoder, ranges, means, np.int8, kept),
        "decoder.cpu.onnx": lambda: quantize_decoder(decoder, decoder_bits),
        "encoder.fp16.onnx": lambda: to_half(encoder),
        "decoder.fp16.onnx": lambda: to_half(decoder),
        "encoder.trt.onnx": lambda: quantize_products(
            to_half(encoder), ranges, means, products_of_regions(encoder, kept)
        ),
        "decoder.trt.onnx": lambda: store_weights(to_half(decoder), products_of_words(decoder), decoder_bits),
        "decoder.trt-int8.onnx": lambda: quantize_products(
            to_half(decoder), table.ranges["decoder"], {}, products_of_words(decoder)
        ),
    }
    wanted = {name for flavour in flavours for name in graphs_of(flavour)}
    return Flavours({name: make() for name, make in makers.items() if name in wanted})
