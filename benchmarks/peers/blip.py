"""BLIP-base (Li et al. 2022), as Salesforce/blip-image-captioning-base: ViT-B/16 at 384 pixels, BERT-base as decoder."""

from __future__ import annotations

from benchmarks.peers.hugging_face import load_transformers, ready
from benchmarks.peers.peer import Ready

SIDE = 384


def load(threads: int) -> Ready:
    """Build it with untrained weights."""
    transformers = load_transformers()
    config = transformers.BlipConfig(vision_config={"image_size": SIDE})
    return ready(transformers.BlipForConditionalGeneration(config), threads, SIDE)
