"""BLIP-base (Li et al. 2022), as Salesforce/blip-image-captioning-base: ViT-B/16 at 384 pixels and a BERT-base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from benchmarks.peers import int8_graphs
from benchmarks.peers.hugging_face import load_transformers, speaker
from benchmarks.peers.peer import Say

SIDE, WIDTH = 384, 768


def load(_: Path, threads: int) -> Say:
    """Build it with untrained weights."""
    return speaker(_model(), threads, SIDE)


def export(folder: Path) -> None:
    """Write it as INT8 ONNX."""
    from benchmarks.peers.int8_export import REGIONS
    from benchmarks.peers.int8_export import export as write

    model = _model()
    write(model.vision_model, model.text_decoder, folder, SIDE, torch.zeros(1, REGIONS, WIDTH))


def load_int8(folder: Path, threads: int) -> Say:
    """Load what `export` wrote."""
    return int8_graphs.load(folder, threads, SIDE)


def _model() -> Any:
    transformers = load_transformers()
    config = transformers.BlipConfig(vision_config={"image_size": SIDE})
    return transformers.BlipForConditionalGeneration(config)
