"""What happens at the cameras, put on disk as records with ids."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from edge_caption.model.caption import Caption
from edge_caption.outbox import Outbox
from edge_caption.records import AlertRecord, CameraEvent, CaptionRecord, encode, sentence

R = TypeVar("R", CaptionRecord, CameraEvent, AlertRecord)


class Journal:
    """The records of one node; once a method returns, its record will reach the broker."""

    def __init__(self, outbox: Outbox, node: str) -> None:
        """Take where they go and whose they are."""
        self._outbox = outbox
        self._node = node

    def write_caption(
        self, camera: str, caption: Caption, captured_at: float, age_ms: float, dropped: int
    ) -> CaptionRecord:
        """Put a caption on disk and return its record.

        Args:
            camera: whose frame it tells of.
            caption: what was said.
            captured_at: seconds since the Unix epoch.
            age_ms: from the frame's arrival to now.
            dropped: frames that were replaced by a newer one since the last caption.

        Raises:
            OutboxError: the disk refuses.
        """

        def build(own_id: str) -> CaptionRecord:
            return CaptionRecord(
                id=own_id,
                node=self._node,
                camera=camera,
                captured_at=round(captured_at, 3),
                age_ms=round(age_ms, 1),
                dropped_since_last=dropped,
                **sentence(caption),
            )

        return self._commit(camera, build)

    def write_event(self, camera: str, event_type: str, reason: str) -> CameraEvent:
        """Put on disk that a camera was lost or is back, and return the record.

        Raises:
            OutboxError: the disk refuses.
        """

        def build(own_id: str) -> CameraEvent:
            return CameraEvent(
                id=own_id,
                event_type=event_type,
                node=self._node,
                camera=camera,
                captured_at=round(time.time(), 3),
                reason=reason,
            )

        return self._commit(camera, build)

    def write_alert(self, alert: str, caption: CaptionRecord) -> AlertRecord:
        """Put on disk that a caption raised an alert, and return the record.

        Raises:
            OutboxError: the disk refuses.
        """

        def build(own_id: str) -> AlertRecord:
            return AlertRecord(
                id=own_id,
                node=self._node,
                camera=caption.camera,
                captured_at=caption.captured_at,
                alert=alert,
                caption=caption.caption,
                caption_id=caption.id,
            )

        return self._commit(caption.camera, build)

    def _commit(self, camera: str, build: Callable[[str], R]) -> R:
        built: list[R] = []

        def payload(sequence: int) -> bytes:
            built.append(build(f"{self._node}:{sequence}"))
            return encode(built[0])

        # Without prefix and node: a message that waits on disk goes out under the prefix of its day.
        self._outbox.commit(f"cam/{camera}/event", payload)
        return built[0]
