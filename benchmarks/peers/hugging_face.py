"""What the peers of `transformers` share: they are built from their configurations, so nothing is downloaded."""

from __future__ import annotations

import os
from typing import Any

import torch

from benchmarks.peers.peer import Say, to_array
from edge_caption.images.frame import Pixels
from training.model.torchvision_import import ensure_importable


def load_transformers() -> Any:
    """Import the package without a network.

    Raises:
        ImportError: it is not installed; pip install --group peers
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    ensure_importable()
    import transformers

    messages: Any = transformers.logging  # untyped in some versions
    messages.set_verbosity_error()
    return transformers


def speaker(model: Any, threads: int, side: int, prompt: torch.Tensor | None = None) -> Say:
    """Let a model caption frames greedily, with its cache of keys and values.

    Args:
        model: with untrained weights.
        threads: of torch.
        side: of its square picture, in pixels.
        prompt: tokens before the sentence, (1, T), for a model of pictures among text.
    """
    torch.set_num_threads(threads)
    model.eval()
    given = {} if prompt is None else {"input_ids": prompt, "attention_mask": torch.ones_like(prompt)}

    @torch.inference_mode()
    def say(frame: Pixels, steps: int) -> object:
        pixels = torch.from_numpy(to_array(frame, side))
        shaped = pixels if prompt is None else pixels[:, None]
        # Untrained weights may end a sentence at any word.
        counts = {"min_new_tokens": steps, "max_new_tokens": steps}
        return model.generate(pixel_values=shaped, do_sample=False, num_beams=1, **counts, **given)

    return say
