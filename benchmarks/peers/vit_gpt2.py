"""ViT-B/16 at 224 pixels and GPT-2 with attention to it: nlpconnect/vit-gpt2-image-captioning; half deep, distilvit."""

from __future__ import annotations

import functools

from benchmarks.peers.hugging_face import load_transformers, ready
from benchmarks.peers.peer import Ready

SIDE = 224


def load(threads: int, layers: int = 12) -> Ready:
    """Build it with untrained weights.

    Args:
        threads: of torch.
        layers: of GPT-2; DistilGPT-2 has 6.
    """
    transformers = load_transformers()
    decoder = transformers.GPT2Config(n_layer=layers, add_cross_attention=True, is_decoder=True)
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(image_size=SIDE), decoder
    )
    config.decoder_start_token_id = config.pad_token_id = decoder.bos_token_id
    return ready(transformers.VisionEncoderDecoderModel(config), threads, SIDE)


load_distilvit = functools.partial(load, layers=6)
"""Mozilla/distilvit, which describes pictures in Firefox."""
