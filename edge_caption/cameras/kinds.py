"""The kinds of sources: which one a source is, and how it is opened. Each kind's file loads only when it is used."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.images.header import SUFFIXES

Kind = Callable[[Source, CameraSettings], Feed]


def feed_of(source: Source, settings: CameraSettings) -> Feed:
    """Return how to open a source."""
    return kind_of(source)(source, settings)


def kind_of(source: Source) -> Kind:
    """Return what sort of source it is, by its form and, for a path, by what is there now."""
    if source.scheme:
        return web if source.scheme in ("http", "https") else stream
    if source.address.isdecimal() or source.address.startswith("/dev/video"):
        return device
    path = Path(source.address).expanduser()
    pattern = glob.has_magic(source.address) and not path.exists()
    return photos if pattern or path.is_dir() or path.suffix.lower() in SUFFIXES else video


def device(source: Source, settings: CameraSettings) -> Feed:
    """Return a camera of this computer."""
    from edge_caption.cameras.device import Device

    return Feed(str(source), lambda: Device(source), live=True, patient=False)


def web(source: Source, settings: CameraSettings) -> Feed:
    """Return a camera on HTTP."""
    from edge_caption.cameras.web import open_web

    return Feed(str(source), lambda: open_web(source, settings), live=True, patient=True)


def stream(source: Source, settings: CameraSettings) -> Feed:
    """Return a camera in the network."""
    from edge_caption.cameras.stream import Stream

    # The watch is to find silence first and to name it; a second later FFmpeg gives the thread back.
    timeouts = settings.open_timeout_s, settings.no_frame_s + 1
    return Feed(str(source), lambda: Stream(source, *timeouts), live=True, patient=True)


def video(source: Source, settings: CameraSettings) -> Feed:
    """Return a video file."""
    from edge_caption.cameras.video import Video

    return Feed(str(source), lambda: Video(source, settings.fps, loop=settings.loop), live=False, patient=False)


def photos(source: Source, settings: CameraSettings) -> Feed:
    """Return a folder of photos, a pattern or one photo."""
    from edge_caption.cameras.photo_folder import PhotoFolder

    return Feed(str(source), lambda: PhotoFolder(source, loop=settings.loop), live=False, patient=False)
