"""The fp32 graphs as files."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import ModelProto

from calibration.table import CalibrationError

ENCODER = "encoder.fp32.onnx"
DECODER = "decoder.fp32.onnx"


def load_graphs(folder: Path) -> tuple[ModelProto, ModelProto]:
    """Read the encoder and the decoder of a bundle that holds the flavour fp32.

    Raises:
        CalibrationError: a file is missing or no ONNX graph.
    """
    return _load(folder / ENCODER), _load(folder / DECODER)


def _load(file: Path) -> ModelProto:
    try:
        return onnx.load(file)
    except OSError as error:
        raise CalibrationError(f"{file} can't be read ({error.strerror}); export with --flavours fp32 first") from error
    except Exception as error:  # protobuf raises its own kind
        raise CalibrationError(f"{file} is no ONNX graph ({error}); export it again") from error
