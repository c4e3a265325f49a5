"""GIT-base (Wang et al. 2022), as microsoft/git-base-coco: ViT-B/16 at 224 pixels, six layers that see picture and text."""

from __future__ import annotations

from benchmarks.peers.hugging_face import load_transformers, ready
from benchmarks.peers.peer import Ready

SIDE = 224


def load(threads: int) -> Ready:
    """Build it with untrained weights."""
    transformers = load_transformers()
    config = transformers.GitConfig(vision_config={"image_size": SIDE})
    return ready(transformers.GitForCausalLM(config), threads, SIDE)
