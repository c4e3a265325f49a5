"""Pixels -> JPEG."""

from __future__ import annotations

import cv2

from edge_caption.images.frame import Pixels

QUALITY = 85
"""OpenCV's scale, 0-100."""


def to_jpeg(pixels: Pixels) -> bytes:
    """Encode pixels of shape (height, width, 3), RGB."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError("the picture can't be encoded as JPEG")
    return data.tobytes()
