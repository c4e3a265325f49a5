"""A bundle's fp32 graphs."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import ModelProto

from calibration.table import CalibrationError
from edge_caption.model.backends import REFERENCE
from edge_caption.model.bundle import open_bundle
from edge_caption.model.flavour import load_flavour

FLAVOUR = "fp32"


def load_graphs(folder: Path) -> tuple[ModelProto, ModelProto]:
    """Read the encoder and the decoder of a bundle that holds the flavour fp32.

    Raises:
        CalibrationError: it lacks the flavour.
        BundleError: there is no bundle, a file is missing or altered, or a graph is not what the manifest says.
        BackendError: a graph can't be run.
    """
    bundle = open_bundle(folder)
    if FLAVOUR not in bundle.manifest.flavours:
        raise CalibrationError(f"{folder} has no flavour {FLAVOUR}; export it with --flavours {FLAVOUR} first")
    load_flavour(bundle, FLAVOUR, REFERENCE, 1)  # as a device does, it refuses graphs that are no such encoder, decoder
    _, encoder, decoder = bundle.graphs(FLAVOUR)
    return onnx.load(encoder), onnx.load(decoder)
