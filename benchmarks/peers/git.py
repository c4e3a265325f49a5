"""GIT-base (Wang et al. 2022), as microsoft/git-base-coco: ViT-B/16 at 224 pixels, six layers over picture and text."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.hugging_face import load_transformers, speaker
from benchmarks.peers.peer import Say

SIDE = 224


def load(_: Path, threads: int) -> Say:
    """Build it with untrained weights."""
    transformers = load_transformers()
    config = transformers.GitConfig(vision_config={"image_size": SIDE})
    return speaker(transformers.GitForCausalLM(config), threads, SIDE)
