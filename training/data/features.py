"""The frozen backbone's features of every photo, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from edge_caption.files import writing
from training.data.batches import in_steps
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.model.caption_model import Encoder

STEP = 32


def features_of(encoder: Encoder, photos: Sequence[CaptionedPhoto], folder: Path, name: str) -> NDArray[np.float16]:
    """Compute the features or take those of an earlier run over the same photos and weights.

    Returns:
        Shape (2, files, channels, grid, grid): as the photo is, and mirrored; memory-mapped, in `files_of`'s order.
    """
    files = files_of(photos)
    file = folder / f"{name}-{_key(encoder, files)}.npy"
    if (features := _load(file)) is not None:
        return features
    folder.mkdir(parents=True, exist_ok=True)
    with writing(file) as fresh:
        _compute(encoder, files, fresh, f"features of {name}")
    return np.load(file, mmap_mode="r")


def _load(file: Path) -> NDArray[np.float16] | None:
    """Return what an earlier run left, if it is whole."""
    try:
        return np.load(file, mmap_mode="r")
    except (OSError, EOFError, ValueError):
        return None


def _key(encoder: Encoder, files: Sequence[Path]) -> str:
    digest = hashlib.sha256(str(encoder.side).encode())
    for file in files:  # as it is now: another photo may come under its name
        status = file.stat()
        digest.update(f"\n{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode(errors="surrogateescape"))
    for value in encoder.backbone.state_dict().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:16]


@torch.inference_mode()
def _compute(encoder: Encoder, files: Sequence[Path], target: Path, title: str) -> None:
    encoder.eval()  # or else the batch norms would learn from what is seen here
    nothing = torch.zeros(1, encoder.side, encoder.side, 3, dtype=torch.uint8)
    shape = (2, len(files), *encoder.features(nothing).shape[1:])
    features = np.lib.format.open_memmap(target, mode="w+", dtype=np.float16, shape=shape)
    steps = -(-len(files) // STEP)
    for number, images in enumerate(track(in_steps(files, STEP, encoder.side), title, total=steps)):
        rows = slice(number * STEP, number * STEP + len(images))
        for view, pixels in enumerate((images, images.flip(2))):
            features[view, rows] = encoder.features(pixels).half().numpy()
    features.flush()
