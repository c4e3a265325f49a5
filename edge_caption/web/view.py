"""What the page shows: each camera's newest frame, the newest records, and who is looking."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import cv2
import msgspec
import numpy as np

from edge_caption.bounds import Polygons, Region
from edge_caption.images.frame import Pixels
from edge_caption.images.jpeg import to_jpeg
from edge_caption.images.masks import hide
from edge_caption.model.caption import CaptionedFrame
from edge_caption.records import AlertRecord, CameraEvent, CaptionRecord, Health, Record, encode, sentence
from edge_caption.web.control import Camera, Control
from edge_caption.web.events import Audience, event
from edge_caption.web.past import Told

KEPT_RECORDS = 1000
"""Captions, events and alerts that the history shows where none is kept on disk."""

KEPT_HEALTH = 240
"""Health records that the charts show: two hours at one each 30 s."""

TROUBLES = ("camera_lost", "camera_obstructed")
"""Events whose reason stands over a camera's picture."""

WIDEST = 1280
"""Pixels of the picture's longer side, as the page gets it."""


@dataclass(frozen=True)
class Seen:
    """A caption and the frame that it tells of. What a browser needs of them is made when one asks."""

    record: CaptionRecord
    frame: CaptionedFrame
    taken: float = field(default_factory=time.monotonic)
    """When it was taken, by a clock that nobody sets."""
    _jpegs: dict[Polygons, bytes] = field(default_factory=dict)

    def jpeg(self, masks: Polygons, region: Region | None) -> bytes:
        """Return the frame, made smaller where it is large.

        Args:
            masks: what is hidden by now. The frame may be older than they are.
            region: what the frame shows of the camera's picture.
        """
        made = self._jpegs.get(masks)
        if made is None:
            made = to_jpeg(self._small(masks, region))
            self._jpegs.clear()  # those of other masks; another browser may do the same at once
            self._jpegs[masks] = made
        return made

    def _small(self, masks: Polygons, region: Region | None) -> Pixels:
        pixels = hide(self.frame.pixels, masks, region) if masks else self.frame.pixels
        if (scale := WIDEST / max(pixels.shape[:2])) < 1:
            pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        return pixels

    @cached_property
    def event(self) -> bytes:
        """The record with each word's attention."""
        return self._event(self.record.age_ms)

    @property
    def event_of_now(self) -> bytes:
        """The same for somebody who begins to look, with the age that it has by now."""
        return self._event(self.record.age_ms + (time.monotonic() - self.taken) * 1000)

    def _event(self, age_ms: float) -> bytes:
        words = sentence(self.frame.caption, attention=True)["words"]
        return event("caption", encode(msgspec.structs.replace(self.record, words=words, age_ms=round(age_ms, 1))))


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
        self._records: deque[Told] = deque(maxlen=KEPT_RECORDS)
        self._reasons: dict[str, str] = {}
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
            case CameraEvent() | AlertRecord():
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
            *(seen.event_of_now for seen in list(self._newest.values())),
        ]

    def newest(self, camera: str) -> Seen | None:
        """Return a camera's newest frame with its record, None before the first."""
        return self._newest.get(camera)

    def picture(self, seen: Seen) -> bytes:
        """Return a frame as JPEG, without what its camera's masks hide by now."""
        camera = self._cameras.get(seen.record.camera)
        return seen.jpeg(camera.masks, camera.region) if camera else seen.jpeg((), None)

    def search(self, words: str, camera: str | None, most: int) -> list[Told]:
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

    @property
    def _cameras(self) -> Mapping[str, Camera]:
        return self.control.cameras if self.control else {}

    def _keep(self, record: Told) -> None:
        with self._lock:
            self._records.append(record)
            if isinstance(record, CameraEvent) and record.event_type in TROUBLES:
                self._reasons[record.camera] = record.reason

    def _cameras_event(self) -> bytes:
        cameras = {name: self._card(name, camera) for name, camera in self._cameras.items()}
        return event("cameras", msgspec.json.encode(cameras))

    def _card(self, name: str, camera: Camera) -> dict[str, object]:
        troubled = camera.state in ("offline", "obstructed")
        return {
            "enabled": camera.enabled,
            "state": camera.state,
            "reason": self._reasons.get(name) if troubled else None,
            "masks": camera.masks,
            "region": camera.region,
        }


def _text(record: Told) -> str:
    match record:
        case CaptionRecord():
            return record.caption.casefold()
        case CameraEvent():
            return record.reason.casefold()
        case AlertRecord():
            return f"{record.alert} {record.caption}".casefold()
