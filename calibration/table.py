"""The calibration table: what every INT8 flavour of a model is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from onnx import ModelProto

from calibration.observe import CLAMPS, observed_tensors
from calibration.ranges import IMAGE_LIKE, Range
from edge_caption.errors import EdgeCaptionError
from edge_caption.model import preprocess
from edge_caption.text import decode_json, read_text

LARGEST = float(np.finfo(np.float32).max)
"""That a graph can hold."""


class CalibrationError(EdgeCaptionError):
    """The table is damaged or was made for another model; calibrate again."""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `calibration.json` holds."""

    method: str
    photos: int
    photos_sha256: str
    """Over the photos' names and contents."""
    preprocessing: str
    graphs_sha256: dict[str, str]
    """encoder, decoder -> the fp32 graph that was watched."""
    ranges: dict[str, dict[str, tuple[float, float]]]
    """encoder, decoder -> tensor -> lowest and highest value to represent."""
    means: dict[str, dict[str, list[float]]]
    """encoder, decoder -> tensor with channels -> each channel's mean."""

    def check(self, encoder: ModelProto, decoder: ModelProto) -> None:
        """Make sure that it belongs to these fp32 graphs and to this program's preprocessing, and is whole.

        Raises:
            CalibrationError: it does not.
        """
        if self.graphs_sha256 != graphs_sha256(encoder, decoder):
            raise CalibrationError("the calibration was made with another model; calibrate this one")
        if self.preprocessing != preprocess.NAME:
            raise CalibrationError(
                f"the calibration used preprocessing {self.preprocessing}, not {preprocess.NAME}; calibrate again"
            )
        self._check_numbers("encoder", encoder)
        self._check_numbers("decoder", decoder)

    def _check_numbers(self, part: str, model: ModelProto) -> None:
        ranges, means = self.ranges.get(part, {}), self.means.get(part, {})
        clamped = {name for node in model.graph.node if node.op_type in CLAMPS for name in node.output}
        for tensor, shape in observed_tensors(model).items():
            if not _usable(ranges.get(tensor), 0 if tensor in clamped else -LARGEST):
                raise CalibrationError(f"the calibration lacks a sound range of the {part}'s {tensor}; calibrate again")
            if len(shape) == IMAGE_LIKE and not _whole(means.get(tensor, ()), shape[1]):
                raise CalibrationError(
                    f"the calibration lacks a mean for each channel of the {part}'s {tensor}; calibrate again"
                )

    def encode(self) -> bytes:
        """Return it as a JSON file's bytes."""
        return msgspec.json.encode(self, order="sorted") + b"\n"


def _usable(limits: Range | None, lowest: float) -> bool:
    return limits is not None and lowest <= limits[0] <= limits[1] <= LARGEST


def _whole(means: Sequence[float], channels: int) -> bool:
    return len(means) == channels and all(abs(mean) <= LARGEST for mean in means)


def load_table(file: Path) -> Table:
    """Read a table.

    Raises:
        CalibrationError: the file is missing or not a table.
    """
    try:
        return decode_json(read_text(file), Table)
    except (OSError, UnicodeError, msgspec.DecodeError) as error:
        raise CalibrationError(f"{file} is not a calibration table ({error}); calibrate again") from error


def graphs_sha256(encoder: ModelProto, decoder: ModelProto) -> dict[str, str]:
    """Return what a table knows its model by."""
    models = {"encoder": encoder, "decoder": decoder}
    return {
        name: hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest() for name, model in models.items()
    }
