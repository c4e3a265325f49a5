"""Pictures of captions on MQTT, where the user allows it."""

from __future__ import annotations

from edge_caption.errors import ConfigError
from edge_caption.images.frame import Frame
from edge_caption.images.jpeg import to_jpeg
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.publication import Publication
from edge_caption.mqtt.topics import Topics
from edge_caption.records import CaptionRecord, Record


class Snapshots:
    """A sink that publishes the frame of each caption, with QoS 0 and never retained."""

    name = "the snapshot topic"
    wants_frames = True

    def __init__(self, client: Client, topics: Topics) -> None:
        """Take where to."""
        self._client = client
        self._topics = topics
        self._newest: dict[str, bytes] = {}

    def take(self, record: Record, frame: Frame | None) -> None:
        """Publish a caption's frame."""
        if frame and isinstance(record, CaptionRecord):
            self._newest[record.camera] = to_jpeg(frame.pixels)
            self.publish(record.camera)

    def publish(self, camera: str) -> int:
        """Publish the newest picture again and return its bytes.

        Raises:
            ConfigError: there is none yet.
        """
        picture = self._newest.get(camera)
        if picture is None:
            raise ConfigError(f"{camera} has no picture yet; try again after its first caption")
        self._client.publish(Publication(self._topics.snapshot(camera), picture, qos=0))
        return len(picture)
