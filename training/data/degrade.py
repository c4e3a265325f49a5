"""What dark and poor cameras do to a picture, at random strength, so that a captioner learns to see through it.

`benchmarks.corruptions` measures the same kinds of damage. Code and constants here are different on purpose: else the
benchmark would measure what was learnt by heart.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import decode_photo

Damage = Callable[[Pixels, random.Random], Pixels]

SECOND = 0.3
"""How often a picture gets a second kind: a camera in the dark is noisy, too, and compresses what it sees."""


def low_light(pixels: Pixels, chance: random.Random) -> Pixels:
    """Bend the brightness down (gamma), give less light, and add the noise that a high gain shows."""
    gamma, light = chance.uniform(1.2, 3.0), chance.uniform(0.15, 0.8)
    dark = (pixels.astype(np.float32) / 255) ** gamma * light
    shot, read = chance.uniform(0.0, 0.06), chance.uniform(0.0, 0.03)
    noise = _normal(pixels.shape, chance) * np.sqrt(shot**2 * dark + read**2)
    return _to_pixels((dark + noise) * 255)


def infrared(pixels: Pixels, chance: random.Random) -> Pixels:
    """See grey, as with the infrared lamp of a camera at night: bright in the middle, dark in the corners, grainy."""
    red, green = chance.uniform(0.3, 0.8), chance.uniform(0.1, 0.6)
    total = red + green + 0.1
    grey = pixels.astype(np.float32) @ np.array([red / total, green / total, 0.1 / total], np.float32)
    height, width = grey.shape
    down, across = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lamp = 1 - chance.uniform(0.0, 0.6) * np.clip((down**2 + across**2) / 2, 0, 1)
    grain = _normal(grey.shape, chance) * chance.uniform(0, 12)
    return np.repeat(_to_pixels(grey * lamp * chance.uniform(0.7, 1.2) + grain)[..., None], 3, axis=2)


def motion_blur(pixels: Pixels, chance: random.Random) -> Pixels:
    """Smear along a straight line of any direction, of up to a twelfth of the width."""
    length, angle = chance.uniform(3, max(4, pixels.shape[1] / 12)), chance.uniform(0, math.pi)
    size = math.ceil(length) | 1
    kernel = np.zeros((size, size), np.float32)
    across, down = (length / 2 * part for part in (math.cos(angle), math.sin(angle)))
    middle = size // 2
    ends = [(round(middle + sign * across), round(middle + sign * down)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum()), np.uint8)


def gaussian_noise(pixels: Pixels, chance: random.Random) -> Pixels:
    """Add noise to each colour, or the same to all three."""
    shape = pixels.shape if chance.random() < 0.5 else (*pixels.shape[:2], 1)
    return _to_pixels(pixels + _normal(shape, chance) * chance.uniform(5, 55))


def jpeg(pixels: Pixels, chance: random.Random) -> Pixels:
    """Compress at a quality of 10 to 50."""
    _done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, chance.randint(10, 50)])
    return decode_photo(data.tobytes(), "the compressed picture")


DAMAGES: tuple[Damage, ...] = (low_light, infrared, motion_blur, gaussian_noise, jpeg)


def degrade(pixels: Pixels, chance: random.Random) -> Pixels:
    """Damage a picture in one way, sometimes in two, in the order in which a camera would."""
    count = 2 if chance.random() < SECOND else 1
    for place in sorted(chance.sample(range(len(DAMAGES)), count)):
        pixels = DAMAGES[place](pixels, chance)
    return pixels


def _normal(shape: tuple[int, ...], chance: random.Random) -> NDArray[np.float32]:
    return np.random.default_rng(chance.getrandbits(64)).standard_normal(shape, np.float32)


def _to_pixels(picture: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.rint(np.clip(picture, 0, 255)), np.uint8)
