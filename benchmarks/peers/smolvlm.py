"""SmolVLM-256M (Marafioti et al. 2025), as HuggingFaceTB/SmolVLM-256M-Instruct.

One picture of 512 pixels becomes 64 tokens; by default the model also cuts it into up to 16 more such pictures, which
are left out here: this is the least that it can cost. The prompt has 16 tokens of text.
"""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.peers.hugging_face import load_transformers, speaker
from benchmarks.peers.peer import Say

SIDE, PATCH, SHUFFLE = 512, 16, 4

PICTURE_TOKENS = (SIDE // PATCH // SHUFFLE) ** 2

PROMPT_TOKENS = 16

VISION = {
    "image_size": SIDE,
    "patch_size": PATCH,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
}

TEXT = {
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "head_dim": 64,
    "vocab_size": 49280,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}

PICTURE = 49190
"""The token that stands for a part of the picture."""


def load(_: Path, threads: int) -> Say:
    """Build it with untrained weights."""
    transformers = load_transformers()
    config = transformers.SmolVLMConfig(
        vision_config=VISION,
        text_config=TEXT,
        scale_factor=SHUFFLE,
        image_token_id=PICTURE,
        tie_word_embeddings=False,
        pad_token_id=2,
    )
    prompt = torch.tensor([[1, *[PICTURE] * PICTURE_TOKENS, *range(10, 9 + PROMPT_TOKENS)]])
    return speaker(transformers.SmolVLMForConditionalGeneration(config), threads, SIDE, prompt)
