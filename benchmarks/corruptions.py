"""What cameras do to pictures, in five severities: Hendrycks & Dietterich 2019 ("common corruptions"), their constants.

Low light, which they lack, is that of Kar et al. 2022 with noise that grows as in Kong et al. 2023. All work on the
encoder's input; the constants were chosen for 224x224 pixels, so blur and noise are a little finer at more.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import decode_photo

SEVERITIES = (1, 2, 3, 4, 5)

Floats = NDArray[np.float64]

Corruption = Callable[[Pixels, int, np.random.Generator], Pixels]
"""Picture, severity (1-5) and chance -> what a worse camera would have seen."""


def gaussian_noise(pixels: Pixels, severity: int, chance: np.random.Generator) -> Pixels:
    """Add the noise of electronics."""
    return _to_pixels(_with_noise(pixels / 255, (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1], chance))


def low_light(pixels: Pixels, severity: int, chance: np.random.Generator) -> Pixels:
    """Darken (stretched contrast, gamma 2, less light), then count photons and add noise."""
    light = (0.6, 0.5, 0.4, 0.3, 0.2)[severity - 1]
    photons = (600, 250, 120, 50, 30)[severity - 1]
    deviation = (0.008, 0.012, 0.018, 0.026, 0.038)[severity - 1]
    darkest, brightest = float(pixels.min()), float(pixels.max())
    dark = light * ((pixels - darkest) / max(1.0, brightest - darkest)) ** 2
    counted = np.clip(chance.poisson(dark * photons) / photons, 0, 1)
    return _to_pixels(_with_noise(counted, deviation, chance))


def defocus_blur(pixels: Pixels, severity: int, _: np.random.Generator) -> Pixels:
    """Spread every point over a disk."""
    radius, softness = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    across, down = np.meshgrid(np.arange(-radius - 2, radius + 3), np.arange(-radius - 2, radius + 3))
    disk = (across**2 + down**2 <= radius**2).astype(np.float64)
    return _blurred(pixels, np.asarray(cv2.GaussianBlur(disk, (5, 5), softness), np.float64))


def motion_blur(pixels: Pixels, severity: int, chance: np.random.Generator) -> Pixels:
    """Smear every point along a line within 45 degrees of level, as half a Gaussian (ImageMagick's motion blur)."""
    radius, deviation = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    angle = math.radians(chance.uniform(-45, 45))
    steps = np.arange(2 * radius + 1)
    across, down = (np.rint(steps * part).astype(int) for part in (math.cos(angle), math.sin(angle)))
    kernel = np.zeros((4 * radius + 1, 4 * radius + 1))
    np.add.at(kernel, (2 * radius + down, 2 * radius + across), np.exp(-(steps**2) / (2 * deviation**2)))
    return _blurred(pixels, kernel)


def jpeg(pixels: Pixels, severity: int, _: np.random.Generator) -> Pixels:
    """Compress at a quality of 25 down to 7."""
    return _compressed(pixels, (25, 18, 15, 10, 7)[severity - 1])


def infrared(pixels: Pixels) -> Pixels:
    """Take the colours away, as a camera at night."""
    return np.repeat(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)[..., None], 3, axis=2)


def streamed(pixels: Pixels) -> Pixels:
    """Compress at a quality of 30, as a camera that saves."""
    return _compressed(pixels, 30)


CAMERAS: dict[str, Callable[[Pixels], Pixels]] = {"infrared": infrared, "jpeg_30": streamed}
"""What common cameras give, without severities."""

CORRUPTIONS: dict[str, Corruption] = {
    "defocus_blur": defocus_blur,
    "motion_blur": motion_blur,
    "gaussian_noise": gaussian_noise,
    "low_light": low_light,
    "jpeg": jpeg,
}


def _with_noise(picture: Floats, deviation: float, chance: np.random.Generator) -> Floats:
    return picture + chance.normal(0, deviation, picture.shape)


def _blurred(pixels: Pixels, kernel: Floats) -> Pixels:
    return np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum()), np.uint8)


def _to_pixels(picture: Floats) -> Pixels:
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)


def _compressed(pixels: Pixels, quality: int) -> Pixels:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return decode_photo(data.tobytes(), "the compressed picture")
