"""ViT-B/16 at 224 pixels and GPT-2 with attention to it.

With 12 layers of GPT-2 nlpconnect/vit-gpt2-image-captioning, with 6 Mozilla/distilvit, which describes pictures in
Firefox.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from benchmarks.peers import int8_graphs
from benchmarks.peers.hugging_face import load_transformers, speaker
from benchmarks.peers.peer import Say

SIDE, WIDTH = 224, 768

GPT2_LAYERS, DISTILGPT2_LAYERS = 12, 6


def load(_: Path, threads: int) -> Say:
    """Build ViT-GPT2 with untrained weights."""
    return speaker(_model(GPT2_LAYERS), threads, SIDE)


def load_distilvit(_: Path, threads: int) -> Say:
    """Build distilvit with untrained weights."""
    return speaker(_model(DISTILGPT2_LAYERS), threads, SIDE)


def export(folder: Path, layers: int = GPT2_LAYERS) -> None:
    """Write ViT-GPT2 as INT8 ONNX."""
    from benchmarks.peers.int8_export import REGIONS
    from benchmarks.peers.int8_export import export as write

    model = _model(layers)
    write(model.encoder, model.decoder, folder, SIDE, torch.zeros(1, REGIONS, WIDTH))


def export_distilvit(folder: Path) -> None:
    """Write distilvit as INT8 ONNX."""
    export(folder, DISTILGPT2_LAYERS)


def load_int8(folder: Path, threads: int) -> Say:
    """Load what was written."""
    return int8_graphs.load(folder, threads, SIDE)


def _model(layers: int) -> Any:
    transformers = load_transformers()
    decoder = transformers.GPT2Config(n_layer=layers, add_cross_attention=True, is_decoder=True)
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(image_size=SIDE), decoder
    )
    config.decoder_start_token_id = config.pad_token_id = decoder.bos_token_id
    return transformers.VisionEncoderDecoderModel(config)
