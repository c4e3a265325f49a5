"""What the gates before the model and before the decoder save, and what they miss, on a day made of real photos.

A fixed camera looks at one photo after another, each for a while. Light drifts, the sensor is noisy, frames are JPEG.
Now and then a part of another photo comes into the picture and goes again. Each coming, going and change of photo is a
change that should be captioned within a few frames.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from edge_caption.model.captioner import Captioner
from edge_caption.node.gates.gates import Gates
from edge_caption.node.gates.settings import GateSettings

WIDTH, HEIGHT = 640, 480
FRAMES = 60
"""That the camera looks at one photo for."""

VISIT = (20, 40)
"""Frames of each photo between which something stands in the picture."""

SIZES = (0.3, 0.5)
"""Of what comes into the picture, as shares of its width and height."""

NOISE = 3.0
DRIFT = 0.25
"""The light's, up and down, as a share of the brightness."""

LATE = 3
"""A change that is captioned within so many frames is seen."""


def measure(photos: Sequence[Path], bundle: Path | None, motion: float, scene: float, seed: int) -> dict[str, object]:
    """Run the day through the gates.

    Args:
        photos: that the camera looks at, and that visitors are cut from.
        bundle: whose encoder compares scenes; the one that ships if None.
        motion: the gate of that name.
        scene: likewise.
        seed: of noise, drift and visitors.
    """
    captioner = Captioner(bundle, threads=1)
    gates = Gates(GateSettings(motion=motion, scene=scene))
    frames, encoded, changes, waiting, missed = 0, 0, 0, -1, 0
    decoded = 0
    for pixels, changed in day(photos, random.Random(seed)):
        frames += 1
        if changed:
            missed += waiting >= 0
            changes, waiting = changes + 1, 0
        elif waiting >= LATE:
            missed, waiting = missed + 1, -1
        elif waiting >= 0:
            waiting += 1
        if gates.hold_frame(pixels, wanted=False):
            continue
        encoded += 1
        seen = captioner.encode(pixels)
        if gates.hold_view(seen.seen.regions, wanted=False):
            continue
        decoded, waiting = decoded + 1, -1
        gates.hold_caption(caption := seen.caption(), wanted=False)
        gates.note_published(caption)
    return {
        "motion": motion,
        "scene": scene,
        "frames": frames,
        "encoded": round(encoded / frames, 4),
        "decoded": round(decoded / frames, 4),
        "changes": changes,
        "missed": round(missed / changes, 4),
        "held": dict(gates.held),
    }


def day(photos: Sequence[Path], chance: random.Random) -> Iterator[tuple[Pixels, bool]]:
    """Yield each frame, and whether something has changed since the last one."""
    grain = np.random.default_rng(chance.randrange(2**32))
    for number, photo in enumerate(photos):
        ground = _fit(read_photo(photo), WIDTH, HEIGHT)
        visited = _visited(ground, read_photo(photos[number - 1]), chance)
        phase = chance.uniform(0, 2 * math.pi)
        for frame in range(FRAMES):
            light = 1 + DRIFT * math.sin(phase + 2 * math.pi * frame / FRAMES)
            shown = visited if VISIT[0] <= frame < VISIT[1] else ground
            yield _seen(shown, light, grain), frame in (0, *VISIT)


def _fit(pixels: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _visited(ground: Pixels, other: Pixels, chance: random.Random) -> Pixels:
    """Put the middle of another photo somewhere into the picture."""
    share = chance.uniform(*SIZES)
    width, height = int(share * WIDTH), int(share * HEIGHT)
    left, top = chance.randrange(WIDTH - width), chance.randrange(HEIGHT - height)
    rows, columns = other.shape[:2]
    middle = other[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    picture = ground.copy()
    picture[top : top + height, left : left + width] = _fit(middle, width, height)
    return picture


def _seen(picture: Pixels, light: float, grain: np.random.Generator) -> Pixels:
    noisy = picture * light + grain.normal(0, NOISE, picture.shape)
    done, data = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
