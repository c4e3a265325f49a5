"""What happens at a camera, put on disk as messages with ids."""

from __future__ import annotations

import time
from typing import Protocol

from edge_caption.caption import Caption
from edge_caption.mqtt.messages import CameraEvent, CaptionMessage, ModelPart, encode, encode_event, word_parts
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox


class Model(Protocol):
    """Which model captions."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def flavour(self) -> str: ...
    @property
    def backend(self) -> str: ...


class Events:
    """The events of one camera; once a method returns, its event will reach the broker."""

    def __init__(self, outbox: Outbox, topics: Topics, camera: str, model: Model) -> None:
        """Take where they go and what they say of their origin."""
        self._outbox = outbox
        self._node = topics.node
        self._camera = camera
        self._model = ModelPart(model.name, model.sha256, model.flavour, model.backend)
        # Without prefix and node: a message that waits on disk goes out under the prefix of its day.
        self._topic = topics.event(camera).removeprefix(f"{topics.root}/")

    def commit_caption(self, caption: Caption, captured_at: float, age_ms: float, dropped: int) -> CaptionMessage:
        """Put a caption on disk and return it as the newest.

        Args:
            caption: what was said.
            captured_at: seconds since the Unix epoch.
            age_ms: from the frame's arrival to now.
            dropped: frames that were replaced by a newer one since the last caption.

        Raises:
            OutboxError: the disk refuses.
        """

        def message(sequence: int) -> CaptionMessage:
            return CaptionMessage(
                id=self._id(sequence),
                node=self._node,
                camera=self._camera,
                caption=caption.text,
                language=caption.language,
                words=word_parts(caption),
                confidence=round(caption.confidence, 4),
                captured_at=round(captured_at, 3),
                age_ms=round(age_ms, 1),
                stages_ms={stage: round(spent, 2) for stage, spent in caption.stages_ms.items()},
                dropped_since_last=dropped,
                model=self._model,
            )

        committed = self._outbox.commit(self._topic, lambda sequence: encode_event(message(sequence)))
        return message(committed.sequence)

    def commit_camera(self, event_type: str, reason: str) -> None:
        """Put on disk that the camera was lost or is back.

        Raises:
            OutboxError: the disk refuses.
        """

        def message(sequence: int) -> CameraEvent:
            return CameraEvent(
                id=self._id(sequence),
                event_type=event_type,
                node=self._node,
                camera=self._camera,
                captured_at=round(time.time(), 3),
                reason=reason,
            )

        self._outbox.commit(self._topic, lambda sequence: encode(message(sequence)))

    def _id(self, sequence: int) -> str:
        return f"{self._node}:{sequence}"
