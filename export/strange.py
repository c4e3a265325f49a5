"""Pictures of no kind that a captioner knows: plain, gradients, noise, screens of text and close-ups.

No sentence about them is right, so the confidence learns from them what it looks like to see nothing.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo

SIZE = 288
"""Width and height in pixels."""

CLOSE = 12
"""A close-up is so much narrower and lower than its photo: a few pixels of one thing."""


def strange_pictures(photos: Sequence[Path], count: int) -> list[Pixels]:
    """Make pictures of each kind in turn, the same ones again for the same photos.

    Args:
        photos: for close-ups.

    Raises:
        PhotoError: a photo can't be read.
    """
    chance = random.Random(1)
    kinds = (_plain, _gradient, _noise, _text, _close_up)
    return [kinds[number % len(kinds)](chance, photos[number % len(photos)]) for number in range(count)]


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(256), chance.randrange(256), chance.randrange(256)


def _plain(chance: random.Random, _: Path) -> Pixels:
    picture = np.full((SIZE, SIZE, 3), _colour(chance), np.float64)
    return _pixels(picture + _normal((SIZE, SIZE, 3), chance) * chance.uniform(0, 6))


def _gradient(chance: random.Random, _: Path) -> Pixels:
    rows = np.linspace(_colour(chance), _colour(chance), SIZE)[:, np.newaxis]
    picture = np.broadcast_to(rows, (SIZE, SIZE, 3))
    return _pixels(picture if chance.random() < 0.5 else picture.swapaxes(0, 1))


def _noise(chance: random.Random, _: Path) -> Pixels:
    coarse = chance.choice((SIZE, SIZE // 2, SIZE // 4))
    picture = 128 + _normal((coarse, coarse, 3), chance) * chance.uniform(20, 90)
    return cv2.resize(_pixels(picture), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)  # type: ignore[return-value]


def _text(chance: random.Random, _: Path) -> Pixels:
    dark = chance.random() < 0.5
    picture = np.full((SIZE, SIZE, 3), 20 if dark else 250, np.uint8)
    scale = chance.uniform(0.3, 0.7)
    for line in range(round(30 * scale), SIZE, round(36 * scale)):
        words = ("".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(9))
        ink = (200, 230, 200) if dark else (40, 40, 40)
        cv2.putText(picture, " ".join(words), (6, line), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
    return picture


def _close_up(chance: random.Random, photo: Path) -> Pixels:
    pixels = read_photo(photo)
    height, width = (min(size, max(4, size // CLOSE)) for size in pixels.shape[:2])
    top, left = (
        chance.randrange(max(1, whole - part)) for whole, part in zip(pixels.shape, (height, width), strict=False)
    )
    part = pixels[top : top + height, left : left + width]
    return np.asarray(cv2.resize(part, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _normal(shape: tuple[int, ...], chance: random.Random) -> np.ndarray:
    return np.random.default_rng(chance.getrandbits(64)).standard_normal(shape)


def _pixels(picture: np.ndarray) -> Pixels:
    return np.asarray(np.clip(picture, 0, 255), np.uint8)
