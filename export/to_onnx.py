"""Torch modules -> fp32 ONNX graphs, the same bytes each time."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from onnx import ModelProto
from torch import Tensor, nn

from export.graphs import DecoderGraph, EncoderGraph
from export.surgery import Surgery
from training.model.caption_model import CaptionModel

OPSET = 20
"""With IR 10 the newest that ONNX Runtime 1.23 (JetPack's Python 3.10) is sure to load."""

MAX_BEAMS = 64
"""Only a bound for the exporter; the graph takes any number."""

ENCODER_OUTPUTS = ("regions", "keys", "state")
DECODER_INPUTS = ("token", "state", "regions", "keys")
DECODER_OUTPUTS = ("log_probs", "next_state", "attention")


def encoder_to_onnx(graph: nn.Module, side: int) -> ModelProto:
    """Trace the encoder: `image` (1, side, side, 3) uint8 RGB -> `regions`, `keys`, `state`."""
    image = torch.zeros(1, side, side, 3, dtype=torch.uint8)
    return _trace(graph, (image,), ("image",), ENCODER_OUTPUTS, None)


def decoder_to_onnx(graph: DecoderGraph) -> ModelProto:
    """Trace one step: `token` (B,), `state`, `regions`, `keys` -> `log_probs`, `next_state`, `attention`."""
    size = graph.decoder.size
    inputs = (
        torch.zeros(2, dtype=torch.int64),
        torch.zeros(2, size.state),
        torch.zeros(1, size.grid**2, size.region),
        torch.zeros(1, size.grid**2, size.attention),
    )
    beams = {0: torch.export.Dim("beams", min=1, max=MAX_BEAMS)}
    return _trace(graph, inputs, DECODER_INPUTS, DECODER_OUTPUTS, (beams, beams, None, None))


def to_onnx(model: CaptionModel) -> tuple[ModelProto, ModelProto]:
    """Return the encoder and the decoder of a trained captioner."""
    return encoder_to_onnx(EncoderGraph(model), model.size.side), decoder_to_onnx(DecoderGraph(model.decoder))


def _trace(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: Sequence[str],
    outputs: Sequence[str],
    dynamic: tuple[dict[int, Any] | None, ...] | None,
) -> ModelProto:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter warns of its own deprecations and of shared axis names; neither is about this model.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            inputs,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(names),
            output_names=list(outputs),
            dynamic_shapes=dynamic,
            verbose=False,
        )
    assert program is not None  # only the old exporter returns None
    surgery = Surgery(program.model_proto)
    surgery.tidy()
    return surgery.finish()
