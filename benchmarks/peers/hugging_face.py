"""What the peers of `transformers` share: they are built from their configurations, so nothing is downloaded."""

from __future__ import annotations

import os
from typing import Any

import torch

from benchmarks.peers.peer import Ready, to_tensor, weights
from edge_caption.images.frame import Pixels
from training.torchvision_import import ensure_importable


def load_transformers() -> Any:
    """Import the package without a network.

    Raises:
        ImportError: it is not installed: pip install --group peers
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    ensure_importable()
    import transformers

    transformers.logging.set_verbosity_error()
    return transformers


def ready(model: Any, threads: int, side: int, **inputs: Any) -> Ready:
    """Let a model caption frames greedily, with its cache of keys and values.

    Args:
        model: with untrained weights.
        threads: of torch.
        side: of its square picture, in pixels.
        inputs: what `generate` takes beside the pixels.
    """
    torch.set_num_threads(threads)
    model.eval()

    @torch.inference_mode()
    def say(frame: Pixels, steps: int) -> object:
        pixels = to_tensor(frame, side)
        shaped = pixels[:, None] if "input_ids" in inputs and inputs["input_ids"].shape[1] > 1 else pixels
        # A beginning and an end of its own would end untrained sentences early.
        counts = {"min_new_tokens": steps, "max_new_tokens": steps}
        return model.generate(pixel_values=shaped, do_sample=False, num_beams=1, **counts, **inputs)

    return Ready(say, *weights(model))
