"""What the page shows: each camera's newest frame, the newest records, and who is looking."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import cv2
import msgspec
import numpy as np

from edge_caption.images.jpeg import to_jpeg
from edge_caption.model.caption import CaptionedFrame
from edge_caption.records import CameraEvent, CaptionRecord, Health, Record, encode, sentence
from edge_caption.web.control import Control
from edge_caption.web.events import Audience, event

KEPT_RECORDS = 1000
"""Captions and events that the history shows."""

KEPT_HEALTH = 240
"""Health records that the charts show: two hours at one each 30 s."""

WIDEST = 1280
"""Pixels of the picture's longer side, as the page gets it."""


@dataclass(frozen=True)
class Seen:
    """A caption and the frame that it tells of. What a browser needs of them is made when one asks."""

    record: CaptionRecord
    frame: CaptionedFrame

    @cached_property
    def jpeg(self) -> bytes:
        """The frame, made smaller where it is large."""
        height, width = self.frame.pixels.shape[:2]
        pixels = self.frame.pixels
        if (scale := WIDEST / max(height, width)) < 1:
            pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        return to_jpeg(pixels)

    @cached_property
    def event(self) -> bytes:
        """The record with each word's attention."""
        words = sentence(self.frame.caption, attention=True)["words"]
        return event("caption", encode(msgspec.structs.replace(self.record, words=words)))


class View:
    """A sink that keeps what browsers may ask for, and tells those that look. While nobody does, it only keeps."""

    name = "the page"
    wants_frames = True

    def __init__(self) -> None:
        """Begin empty."""
        self.audience = Audience()
        self.control: Control | None = None
        """None until the node runs."""
        self._newest: dict[str, Seen] = {}
        self._lock = threading.Lock()
        self._records: deque[CaptionRecord | CameraEvent] = deque(maxlen=KEPT_RECORDS)
        self._health: deque[Health] = deque(maxlen=KEPT_HEALTH)
        self._told: bytes = b""

    def steer(self, control: Control) -> None:
        """Take what the page may ask of the node."""
        self.control = control

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        """Keep a record, and tell those that look."""
        match record:
            case CaptionRecord() if frame:
                seen = self._newest[record.camera] = Seen(record, frame)
                self._keep(record)
                self.audience.tell(lambda: seen.event)
            case CameraEvent():
                self._keep(record)
                self.audience.tell(lambda: event("event", encode(record)))
            case Health():
                with self._lock:
                    self._health.append(record)
                self.audience.tell(lambda: event("health", encode(record)))
        self.tell_cameras()

    def tell_cameras(self) -> None:
        """Tell those that look which cameras there are, where that has changed."""
        if (cameras := self._cameras_event()) != self._told:
            self._told = cameras
            self.audience.tell(lambda: cameras)

    def beginning(self) -> list[bytes]:
        """Return the events that somebody needs who begins to look."""
        with self._lock:
            health = list(self._health)
        return [
            self._cameras_event(),
            *(event("health", encode(record)) for record in health),
            *(seen.event for seen in list(self._newest.values())),
        ]

    def newest(self, camera: str) -> Seen | None:
        """Return a camera's newest frame with its record, None before the first."""
        return self._newest.get(camera)

    def search(self, words: str, camera: str | None, most: int) -> list[CaptionRecord | CameraEvent]:
        """Return the newest records whose sentence, or reason, has all of the words; with none given, all records."""
        with self._lock:
            records = list(self._records)
        wanted = words.casefold().split()
        found = (
            record
            for record in reversed(records)
            if camera in (None, record.camera) and all(word in _text(record) for word in wanted)
        )
        return list(islice(found, most))

    def _keep(self, record: CaptionRecord | CameraEvent) -> None:
        with self._lock:
            self._records.append(record)

    def _cameras_event(self) -> bytes:
        enabled: Mapping[str, bool] = self.control.cameras if self.control else {}
        return event("cameras", msgspec.json.encode({name: {"enabled": on} for name, on in enabled.items()}))


def _text(record: CaptionRecord | CameraEvent) -> str:
    return (record.caption if isinstance(record, CaptionRecord) else record.reason).casefold()
