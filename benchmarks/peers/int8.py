"""Peers of an encoder and a decoder as INT8 ONNX: what a careful user would make of them with public tools.

torch.onnx exports both parts, onnxruntime.quantization makes their matrices INT8 (dynamic: as its documentation advises
for transformers). The decoder sees all words so far at each step, without a cache of keys and values.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from benchmarks.peers.peer import PeerError, Ready, to_array
from edge_caption.images.frame import Pixels

PROMPT = 4
"""Words of the export's example; their number is left open."""


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


def ready(encoder: nn.Module, decoder: nn.Module, threads: int, side: int, width: int, parameters: int) -> Ready:
    """Export, quantize and load both parts.

    Args:
        encoder: `transformers`' vision model.
        decoder: its language model with attention to the picture.
        threads: of ONNX Runtime.
        side: of the square picture, in pixels.
        width: numbers of a region.
        parameters: of both.

    Raises:
        PeerError: a part can't be exported or quantized.
    """
    pixels, words = torch.zeros(1, 3, side, side), torch.ones(1, PROMPT, dtype=torch.long)
    seen = torch.zeros(1, 10, width)
    with tempfile.TemporaryDirectory() as folder:
        graphs = Path(folder) / "encoder.onnx", Path(folder) / "decoder.onnx"
        try:
            see_file = _quantized(Regions(encoder), (pixels,), graphs[0], {})
            open_sizes = {"words": {1: "words"}, "seen": {1: "regions"}}
            say_file = _quantized(Words(decoder), (words, seen), graphs[1], open_sizes)
        except Exception as error:  # exporters raise everything there is
            raise PeerError(f"it does not export to INT8 ONNX: {str(error).splitlines()[0]}") from error
        size = see_file.stat().st_size + say_file.stat().st_size
        see, step = _session(see_file, threads), _session(say_file, threads)

    def say(frame: Pixels, steps: int) -> object:
        (regions,) = see.run(None, {"pixels": to_array(frame, side)})
        said = np.ones((1, 1), np.int64)
        for _ in range(steps):
            (word,) = step.run(None, {"words": said, "seen": regions})
            said = np.append(said, word[:, np.newaxis], 1)
        return said

    return Ready(say, parameters, size)


def _quantized(module: nn.Module, example: tuple[Tensor, ...], file: Path, open_sizes: dict[str, Any]) -> Path:
    names = list(module.forward.__code__.co_varnames[1 : 1 + len(example)])
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), example, file, input_names=names, dynamic_axes=open_sizes, dynamo=False, opset_version=17
        )
    quantized = file.with_suffix(".int8.onnx")
    quantize_dynamic(file, quantized, weight_type=QuantType.QInt8, per_channel=True)
    return quantized


def _session(file: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
