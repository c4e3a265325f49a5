"""One fp32 model and one calibration table -> the graphs that each kind of device runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from calibration.table import Table
from edge_caption.bundle import Graphs
from export.qdq import quantize_encoder
from export.weights_only import quantize_decoder

REFERENCE = "fp32"
"""The flavour that the others are measured against."""

FLAVOURS: dict[str, Graphs] = {
    REFERENCE: Graphs("encoder.fp32.onnx", "decoder.fp32.onnx"),
    # Weights in 8 bits serve both kinds of processor alike: one decoder file for two flavours.
    "cpu-x86": Graphs("encoder.cpu-x86.onnx", "decoder.cpu.onnx"),
    "cpu-arm": Graphs("encoder.cpu-arm.onnx", "decoder.cpu.onnx"),
}

SHIPPED = ("cpu-x86", "cpu-arm")
"""What a bundle holds unless asked otherwise."""


@dataclass(frozen=True)
class Model:
    """A captioner in every flavour."""

    graphs: Mapping[str, ModelProto]
    """File name -> graph."""

    def files(self, flavour: str) -> dict[str, bytes]:
        """Return a flavour's files."""
        names = FLAVOURS[flavour]
        return {
            name: self.graphs[name].SerializeToString(deterministic=True) for name in (names.encoder, names.decoder)
        }

    def size(self, flavour: str) -> int:
        """Return the bytes of a flavour's graphs."""
        return sum(len(data) for data in self.files(flavour).values())


def make_flavours(encoder: ModelProto, decoder: ModelProto, table: Table) -> Model:
    """Make all flavours.

    Raises:
        CalibrationError: the table is of another model.
    """
    table.check(encoder, decoder)
    ranges, means = table.ranges["encoder"], table.means["encoder"]
    graphs = {
        "encoder.fp32.onnx": encoder,
        "decoder.fp32.onnx": decoder,
        "encoder.cpu-x86.onnx": quantize_encoder(encoder, ranges, means, np.uint8),
        "encoder.cpu-arm.onnx": quantize_encoder(encoder, ranges, means, np.int8),
        "decoder.cpu.onnx": quantize_decoder(decoder),
    }
    return Model(graphs)
