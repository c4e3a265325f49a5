"""A peer of an encoder and a decoder as INT8 ONNX: what a careful user would make of it with public tools.

torch.onnx exports both parts, onnxruntime.quantization makes their matrices INT8 (dynamic: as its documentation advises
for transformers). The decoder sees all words so far at each step, without a cache of keys and values.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from benchmarks.peers.int8_graphs import GRAPHS
from benchmarks.peers.peer import PeerError

WORDS, REGIONS = 4, 10
"""Of the export's example; their numbers are left open."""


class Words(nn.Module):
    """A decoder's likeliest next word: (1, T) words, (1, R, D) of the picture -> (1,)."""

    def __init__(self, decoder: Callable[..., Any]) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, words: Tensor, seen: Tensor) -> Tensor:
        """Go on from all words so far."""
        whole = torch.ones_like(words)
        said = self.decoder(input_ids=words, attention_mask=whole, encoder_hidden_states=seen, use_cache=False)
        return torch.as_tensor(said.logits[:, -1].argmax(-1))


class Regions(nn.Module):
    """What an encoder sees: (1, 3, side, side) -> (1, R, D)."""

    def __init__(self, encoder: Callable[..., Any]) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pixels: Tensor) -> Tensor:
        """See a picture."""
        return torch.as_tensor(self.encoder(pixels).last_hidden_state)


def export(encoder: nn.Module, decoder: nn.Module, folder: Path, side: int, width: int) -> None:
    """Export and quantize both parts.

    Args:
        encoder: `transformers`' vision model.
        decoder: its language model with attention to the picture.
        folder: gets both graphs.
        side: of the square picture, in pixels.
        width: numbers of a region.

    Raises:
        PeerError: a part can't be exported or quantized.
    """
    pixels, words = torch.zeros(1, 3, side, side), torch.ones(1, WORDS, dtype=torch.long)
    seen = torch.zeros(1, REGIONS, width)
    open_sizes = {"words": {1: "words"}, "seen": {1: "regions"}}
    try:
        _write(Regions(encoder), {"pixels": pixels}, folder / GRAPHS[0], {})
        _write(Words(decoder), {"words": words, "seen": seen}, folder / GRAPHS[1], open_sizes)
    except Exception as error:  # exporters raise everything there is
        raise PeerError(f"it does not export to INT8 ONNX: {str(error).splitlines()[0]}") from error


def _write(module: nn.Module, example: dict[str, Tensor], file: Path, open_sizes: dict[str, Any]) -> None:
    logging.disable(logging.WARNING)
    floats = file.with_suffix(".fp32.onnx")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            floats,
            input_names=list(example),
            dynamic_axes=open_sizes,
            dynamo=False,
            opset_version=17,
        )
    quantize_dynamic(floats, file, weight_type=QuantType.QInt8, per_channel=True)
    floats.unlink()
