"""A Jetson's CSI camera, through NVIDIA's GStreamer elements."""

from __future__ import annotations

from fractions import Fraction

WIDTH, HEIGHT, FPS = 1280, 720, 30
"""What a sensor gives when nothing else is asked for; all that Jetsons commonly have can do it."""


def csi_pipeline(sensor: int, width: int | None, height: int | None, fps: float | None) -> str:
    """Return the pipeline of a sensor (not tried on hardware).

    Source: the Accelerated GStreamer page of NVIDIA's Jetson Linux developer guide.
    """
    rate = Fraction(fps or FPS).limit_denominator(1001)  # as GStreamer writes 0.5 and 29.97
    size = f"width={width or WIDTH},height={height or HEIGHT},framerate={rate.numerator}/{rate.denominator}"
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! video/x-raw(memory:NVMM),{size} ! nvvidconv ! video/x-raw,format=I420"
    )
