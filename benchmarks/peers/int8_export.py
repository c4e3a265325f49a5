"""A peer of an encoder and a decoder as INT8 ONNX: what a careful user would make of it with public tools.

torch.onnx exports both parts, onnxruntime.quantization makes their matrices INT8 (dynamic: as its documentation advises
for transformers). The decoder sees all words so far at each step, without a cache of keys and values.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from benchmarks.peers.int8_graphs import GRAPHS
from benchmarks.peers.peer import PeerError

WORDS, REGIONS = 4, 10
"""Of the export's example; their numbers are left open."""

RANK = 3
"""Of regions: (1, R, D)."""


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


def export(encoder: nn.Module, decoder: Callable[..., Any], folder: Path, side: int, seen: Tensor) -> None:
    """Export and quantize both parts.

    Args:
        encoder: `transformers`' vision model, or what answers like one.
        decoder: a language model with attention to the picture, or what answers like one.
        folder: gets both graphs.
        side: of the square picture, in pixels.
        seen: an example of what the encoder hands to the decoder, (1, R, D) or as these two like it.

    Raises:
        PeerError: a part can't be exported or quantized.
    """
    pixels, words = torch.zeros(1, 3, side, side), torch.ones(1, WORDS, dtype=torch.long)
    open_sizes = {"words": {1: "words"}, "seen": {1: "regions"} if seen.ndim == RANK else {}}
    with exporting():
        write(Regions(encoder), {"pixels": pixels}, folder / GRAPHS[0], {})
        write(Words(decoder), {"words": words, "seen": seen}, folder / GRAPHS[1], open_sizes)


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Make one kind of error of whatever exporters raise."""
    try:
        yield
    except Exception as error:  # exporters raise everything there is
        raise PeerError(f"it does not export to INT8 ONNX: {str(error).splitlines()[0]}") from error


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Let no log say anything below an error for a while."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def write(module: nn.Module, example: dict[str, Tensor], file: Path, open_sizes: dict[str, Any]) -> None:
    """Export a module and make its matrices INT8."""
    floats = write_floats(module, example, file.with_suffix(".fp32.onnx"), open_sizes)
    quantize_dynamic(floats, file, weight_type=QuantType.QInt8, per_channel=True)
    floats.unlink()


def write_floats(module: nn.Module, example: dict[str, Tensor], file: Path, open_sizes: dict[str, Any]) -> Path:
    """Export a module as it is; returns the file."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), silent():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            file,
            input_names=list(example),
            dynamic_axes=open_sizes,
            dynamo=False,
            opset_version=17,
        )
    return file
