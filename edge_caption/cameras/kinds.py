"""The kinds of sources: which one a source is, and how it is opened. Each kind's file loads only when it is used."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.images.header import SUFFIXES

if TYPE_CHECKING:
    from edge_caption.cameras.topic import TopicFeed

log = logging.getLogger(__name__)

Kind = Callable[[Source, CameraSettings], Feed]


def feed_of(source: Source, settings: CameraSettings) -> Feed:
    """Return how to open a source; settings that such a source has no use for are named in the log."""
    kind = kind_of(source)
    idle = [name for name, kinds in HEEDED_BY.items() if kind not in kinds and getattr(settings, name)]
    if idle:
        log.warning("%s has no use for the setting %s; docs/cameras.md tells what has", source, " and ".join(idle))
    return kind(source, settings)


def kind_of(source: Source) -> Kind:
    """Return what sort of source it is, by its form and, for a path, by what is there now."""
    if source.scheme:
        return BY_SCHEME.get(source.scheme, stream)
    if source.address.isdecimal():
        return device
    path = Path(source.address).expanduser()
    # Such as /dev/v4l/by-id/…: the names that stay when cameras change places. It may be unplugged now.
    if path.is_relative_to("/dev") and not path.is_relative_to("/dev/shm") and not path.is_file():
        return device
    pattern = glob.has_magic(source.address) and not path.exists()
    return photos if pattern or path.is_dir() or path.suffix.lower() in SUFFIXES else video


def device(source: Source, settings: CameraSettings) -> Feed:
    """Return a USB camera."""
    from edge_caption.cameras.device import Device

    return Feed(str(source), lambda: Device(source, settings), live=True, patient=False)


def csi(source: Source, settings: CameraSettings) -> Feed:
    """Return a Jetson's camera."""
    from edge_caption.cameras.csi import csi_pipeline
    from edge_caption.cameras.gstreamer import open_pipeline

    text = csi_pipeline(_number(source), settings.width, settings.height, settings.capture_fps)
    name, timeout_s = str(source), settings.no_frame_s + 1
    return Feed(name, lambda: open_pipeline(text, name, timeout_s), live=True, patient=False)


def picamera(source: Source, settings: CameraSettings) -> Feed:
    """Return a Raspberry Pi's camera."""
    from edge_caption.cameras.raspberry import RaspberryCamera

    return Feed(str(source), lambda: RaspberryCamera(_number(source), settings), live=True, patient=False)


def pipeline(source: Source, settings: CameraSettings) -> Feed:
    """Return what a GStreamer pipeline gives."""
    from edge_caption.cameras.gstreamer import open_pipeline

    name, timeout_s = str(source), settings.no_frame_s + 1
    return Feed(name, lambda: open_pipeline(source.rest, name, timeout_s), live=True, patient=False)


def stream(source: Source, settings: CameraSettings) -> Feed:
    """Return a camera in the network."""
    from edge_caption.cameras.stream import Stream

    return Feed(str(source), lambda: Stream(source, settings), live=True, patient=True)


def web(source: Source, settings: CameraSettings) -> Feed:
    """Return a camera on HTTP."""
    from edge_caption.cameras.web import open_web

    return Feed(str(source), lambda: open_web(source, settings), live=True, patient=True)


def topic(source: Source, settings: CameraSettings) -> TopicFeed:
    """Return the pictures of an MQTT topic."""
    from edge_caption.cameras.topic import Mailbox, Topic, TopicFeed

    mailbox, name, timeout_s = Mailbox(), str(source), settings.no_frame_s + 1
    return TopicFeed(
        name,
        lambda: Topic(mailbox, name, timeout_s),
        live=True,
        patient=True,
        topic=source.rest,
        put=mailbox.put,
    )


def video(source: Source, settings: CameraSettings) -> Feed:
    """Return a video file."""
    from edge_caption.cameras.video import Video

    return Feed(str(source), lambda: Video(source, settings.fps, loop=settings.loop), live=False, patient=False)


def photos(source: Source, settings: CameraSettings) -> Feed:
    """Return a folder of photos, a pattern or one photo."""
    if settings.watch:
        from edge_caption.cameras.photo_watch import PhotoWatch

        return Feed(str(source), lambda: PhotoWatch(source), live=False, patient=False)
    from edge_caption.cameras.photo_folder import PhotoFolder

    return Feed(str(source), lambda: PhotoFolder(source, loop=settings.loop), live=False, patient=False)


BY_SCHEME: dict[str, Kind] = {
    "csi": csi,
    "gst": pipeline,
    "http": web,
    "https": web,
    "mqtt": topic,
    "picamera": picamera,
}
"""FFmpeg reads the others."""

HEEDED_BY: dict[str, tuple[Kind, ...]] = {
    "watch": (photos,),
    "transport": (stream,),
    "tls_insecure": (web,),
    "width": (device, csi, picamera),
    "height": (device, csi, picamera),
    "capture_fps": (device, csi, picamera),
    "pixel_format": (device,),
}
"""Settings that are for some kinds alone, where somebody could wonder why nothing comes of them."""


def _number(source: Source) -> int:
    return int(source.address.partition("://")[2])
