"""Names of topics, and what may be in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from edge_caption.errors import ConfigError

DOCTOR = "doctor"
"""The command that `edge-caption doctor mqtt` sends to see whether commands come through; it does nothing."""

LONGEST_NAME = 100
"""Characters. MQTT allows 65,535 bytes a topic, but a node's name is also a folder's, which holds 255 bytes."""


def check_name(name: str, what: str) -> str:
    """Return the name when it can be one level of a topic.

    Args:
        name: the name of a node or camera, or the prefix.
        what: how the message calls it.

    Raises:
        ConfigError: it is empty, too long, or has a character that means something else in a topic.
    """
    if not name.strip():
        raise ConfigError(f"{what} is empty; give it a name")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise ConfigError(f"{what} is longer than {LONGEST_NAME} bytes; choose a shorter name")
    for character in name:
        if character in "+#/" or not character.isprintable():
            raise ConfigError(f"{what} {name!r} has {character!r} in it, which a topic's name may not have")
    # "$" begins the broker's own topics; "." and ".." are folders that exist already.
    if name.startswith(("$", ".")) or name != name.strip():
        raise ConfigError(f"{what} {name!r} may not begin with {name[0]!r} or have spaces around it")
    return name


def check_topic(topic: str, what: str) -> str:
    """Return a topic to publish on when each of its levels can be one.

    Args:
        topic: as in edge_caption/work.
        what: how the message calls it.

    Raises:
        ConfigError: a level is empty, too long, or has a character that means something else.
    """
    for level in topic.split("/"):
        check_name(level, f"{what} {topic!r}" if not level else what)
    return topic


def answer_topic(work_topic: str, name: str) -> str:
    """Return where workers answer somebody who publishes photos on their topic."""
    return f"{work_topic}/answer/{name}"


@dataclass(frozen=True)
class Topics:
    """Every topic of one node; `prefix` and `node` have passed `check_name`."""

    prefix: str
    node: str

    @property
    def root(self) -> str:
        """What every topic of this node begins with."""
        return f"{self.prefix}/{self.node}"

    @property
    def status(self) -> str:
        """Retained `online` or `offline`; the will."""
        return f"{self.root}/status"

    @property
    def health(self) -> str:
        """Retained figures about the device."""
        return f"{self.root}/health"

    def camera_status(self, camera: str) -> str:
        """Retained `online` or `offline` of one camera."""
        return f"{self.root}/cam/{camera}/status"

    def caption(self, camera: str) -> str:
        """Retained: the newest caption of one camera."""
        return f"{self.root}/cam/{camera}/caption"

    def event(self, camera: str) -> str:
        """Everything that happened at one camera, in order, at least once."""
        return f"{self.root}/cam/{camera}/event"

    def alert(self, camera: str, name: str) -> str:
        """Retained `ON` or `OFF` of one alert at one camera."""
        return f"{self.root}/cam/{camera}/alert/{name}"

    def snapshot(self, camera: str) -> str:
        """The picture of the newest caption, where the user allows it."""
        return f"{self.root}/cam/{camera}/snapshot"

    def enabled(self, camera: str) -> str:
        """Retained `ON` or `OFF`; commands come to `/set` below the camera's `enabled`."""
        return f"{self.root}/cam/{camera}/enabled/state"

    def trigger(self, camera: str) -> str:
        """What asks for a caption of one camera now."""
        return f"{self.root}/cam/{camera}/trigger"

    @property
    def info(self) -> str:
        """Retained: version, model and settings."""
        return f"{self.root}/info"

    @property
    def update(self) -> str:
        """Retained: which model runs, and what becomes of an update."""
        return f"{self.root}/update"

    @property
    def chunks(self) -> str:
        """Filter of the topics that an update's bytes come to."""
        return f"{self.root}/update/+/+"

    def chunk_of(self, update: str, offset: int) -> str:
        """The bytes of an update from `offset` on."""
        return f"{self.root}/update/{update}/{offset}"

    @staticmethod
    def chunk(topic: str) -> tuple[str, int]:
        """Return which update a topic that matches `chunks` names, and the offset; -1 where that is no number."""
        update, offset = topic.split("/")[-2:]
        return update, int(offset) if offset.isascii() and offset.isdecimal() and len(offset) < 16 else -1

    def request(self, command: str) -> str:
        """Where one kind of command comes to."""
        return f"{self.root}/bridge/request/{command}"

    def response(self, command: str) -> str:
        """Answers to one kind of command."""
        return f"{self.root}/bridge/response/{command}"

    def retained(self, alerts: Mapping[str, Collection[str]], *, updates: bool) -> set[str]:
        """Return every topic on which this node's broker keeps a value.

        Args:
            alerts: the names of each camera's alerts, cameras without any included.
            updates: whether the node takes updates.
        """
        own = {self.status, self.health, self.info, *([self.update] if updates else [])}
        for camera, names in alerts.items():
            own |= {self.camera_status(camera), self.caption(camera), self.enabled(camera)}
            own |= {self.alert(camera, name) for name in names}
        return own

    def alerts_of(self, camera: str, topics: Iterable[str]) -> list[str]:
        """Return the names of a camera's alerts among topics."""
        base = self.alert(camera, "")
        return sorted(topic.removeprefix(base) for topic in topics if topic.startswith(base))

    @property
    def commands(self) -> tuple[str, ...]:
        """Filters of the topics that commands come to."""
        return (f"{self.root}/cam/+/enabled/set", f"{self.root}/cam/+/trigger", f"{self.root}/bridge/request/+")

    def command(self, topic: str) -> tuple[str, str | None]:
        """Return the command's name and the camera that a topic names; it matches one of `commands`."""
        levels = topic.removeprefix(f"{self.root}/").split("/")
        if levels[0] == "cam":
            return levels[2], levels[1]
        return levels[-1], None
