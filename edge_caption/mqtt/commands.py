"""Commands that come over MQTT: read, carried out by the node, answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, get_args, get_type_hints

import msgspec

from edge_caption.bounds import Positive
from edge_caption.errors import ConfigError, EdgeCaptionError
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.topics import DOCTOR, LONGEST_NAME, Topics
from edge_caption.records import SCHEMA, CaptionRecord, Health, UpdateState, encode

log = logging.getLogger(__name__)

ANSWER_EXPIRY_S = 60
"""Nobody waits longer for an answer."""

UNEXPECTED = "it failed unexpectedly; the node's log says more"

LONGEST_SENTENCE = 500
"""Characters of an error: it may repeat what the request says, and topics are up to 65,535 bytes long."""

ASKED, SWITCHED = '{"transaction": "1"}', 'ON, OFF or {"enabled": true}'
"""How a request is written."""

LARGEST_REQUEST = 4096
"""Bytes."""

LARGEST_UPDATE = 131_072
"""Bytes of a request to update; the signed head is in it."""


class Commanded(Protocol):
    """What carries commands out."""

    def health(self) -> Future[Health]: ...

    def enable(self, camera: str, enabled: bool) -> None: ...

    def trigger(self, camera: str) -> Future[CaptionRecord]: ...

    def set_fps(self, camera: str, fps: float) -> None: ...


class Pictured(Protocol):
    """What publishes pictures."""

    def publish(self, camera: str) -> int: ...


class Updated(Protocol):
    """What updates the model."""

    def order(self, request: UpdateRequest) -> Future[UpdateState]: ...


class Marked(msgspec.Struct, frozen=True):
    """What is read of a request that may be none."""

    transaction: str | int | None = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request may hold."""

    transaction: str | int | None = None
    """Comes back in the answer."""


class StatusRequest(Request, frozen=True, kw_only=True, tag="status"):
    """Asks for the node's health now."""


class EnabledRequest(Request, frozen=True, kw_only=True, tag="enabled"):
    """Switches a camera on or off; off outlives a restart."""

    camera: str
    enabled: bool


class TriggerRequest(Request, frozen=True, kw_only=True, tag="trigger"):
    """Asks for a caption of a camera's next frame. The answer is its record."""

    camera: str


class SnapshotRequest(Request, frozen=True, kw_only=True, tag="snapshot"):
    """Asks for the picture of a camera's newest caption, on its snapshot topic."""

    camera: str


class SettingsRequest(Request, frozen=True, kw_only=True, tag="settings"):
    """Changes what can be changed while the node runs, until it is restarted."""

    camera: str | None = None
    fps: Positive | None = None
    """Of that camera."""
    log_level: Literal["debug", "info", "warning", "error"] | None = None


class RestartRequest(Request, frozen=True, kw_only=True, tag="restart"):
    """Stops the program cleanly and starts it again with the same arguments."""


class UpdateRequest(Request, frozen=True, kw_only=True, tag="update"):
    """Updates the model; with neither `url` nor `head` the one that was offered is installed."""

    url: str | None = None
    """Where the update file is."""
    head: str | None = None
    """The update file's signed head, base64; the rest comes as chunks."""
    install: bool = True
    """Whether to install it; false offers it, to be installed later."""


REQUESTS: tuple[type[Request], ...] = (
    StatusRequest,
    EnabledRequest,
    TriggerRequest,
    SnapshotRequest,
    SettingsRequest,
    RestartRequest,
    UpdateRequest,
)
KINDS = {str(kind.__struct_config__.tag): kind for kind in REQUESTS}

Transaction: TypeAlias = str | int | None
R = TypeVar("R", bound=Request)


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request."""

    status: Literal["ok", "error"]
    data: Any = None
    error: str | None = None
    """One sentence."""
    transaction: str | int | None = None
    schema: int = SCHEMA


class Commands:
    """Takes requests from the broker and sends the answers."""

    def __init__(
        self,
        client: Client,
        topics: Topics,
        node: Commanded,
        snapshots: Sequence[Pictured],
        restart: Callable[[], object],
        updates: Updated | None = None,
    ) -> None:
        """Subscribe.

        Args:
            client: the connection.
            topics: of the node.
            node: carries most commands out.
            snapshots: what publishes pictures; empty where they may not leave the device.
            restart: stops the program so that it starts again.
            updates: updates the model; None where nobody may.
        """
        self._client = client
        self._topics = topics
        self._node = node
        self._snapshots = snapshots
        self._updates = updates
        self._work: dict[str, Callable[[Any], Any]] = {
            "status": lambda _: node.health(),
            "enabled": lambda request: node.enable(request.camera, request.enabled),
            "trigger": lambda request: node.trigger(request.camera),
            "snapshot": lambda request: self._publish_snapshot(request.camera),
            "settings": self._change_settings,
            "restart": lambda _: restart(),
            "update": self._update,
        }
        for topic_filter in topics.commands:
            client.subscribe(topic_filter, self._receive)

    def _receive(self, message: Received) -> None:
        # A retained request is an old one: a trigger would fire at every start.
        if message.retained:
            log.warning("%s is retained and thus ignored; publish commands without retain", message.topic)
            return
        name, camera = self._topics.command(message.topic)
        if name == DOCTOR:
            return
        transaction = _transaction_of(message.payload)
        try:
            request = _read(name, camera, message.payload)
            done = self._work[name](request)
        except EdgeCaptionError as error:
            done = _failed(error)
        except Exception as error:
            log.exception("the command %s failed", name)
            done = _failed(error)
        future = done if isinstance(done, Future) else _done(done)
        future.add_done_callback(lambda future: self._answer(name, message, _outcome(future, transaction)))

    def _publish_snapshot(self, camera: str) -> dict[str, int]:
        if not self._snapshots:
            raise ConfigError("pictures may not leave this device; its settings need snapshots = true below [mqtt]")
        return {"bytes": sum(each.publish(camera) for each in self._snapshots)}

    def _update(self, request: UpdateRequest) -> Future[UpdateState]:
        if not self._updates:
            raise ConfigError("this node takes no updates; its settings need public_key below [update]")
        return self._updates.order(request)

    def _change_settings(self, request: SettingsRequest) -> None:
        if request.fps is None and request.log_level is None:
            raise ConfigError("nothing is to be changed; give fps with camera, or log_level")
        if request.fps is not None:
            if request.camera is None:
                raise ConfigError("fps is one camera's setting; add camera")
            self._node.set_fps(request.camera, request.fps)
        if request.log_level is not None:
            logging.getLogger().setLevel(request.log_level.upper())

    def _answer(self, name: str, request: Received, answer: CommandAnswer) -> None:
        if answer.error:
            log.warning("the command %s came over MQTT and failed: %s", name[:LONGEST_NAME], answer.error)
        topic = request.response_topic
        # An answer to one of our own topics would be a command, or look like a caption.
        if not topic or any(sign in topic for sign in "+#\0") or topic.startswith(f"{self._topics.root}/"):
            topic = self._topics.response(name[:LONGEST_NAME])  # a topic of 65,536 bytes is none
        self._client.publish(
            Publication(
                topic,
                encode(answer),
                correlation_data=request.correlation_data,
                expiry_s=ANSWER_EXPIRY_S,
                user_properties=(("node", self._topics.node), ("schema", str(SCHEMA))),
            )
        )


def _read(name: str, camera: str | None, payload: bytes) -> Request:
    """Make a request of a payload.

    Args:
        name: of the command.
        camera: that the topic names.
        payload: JSON, nothing, or ON and OFF.

    Raises:
        ConfigError: it is none.
    """
    if name not in KINDS:
        raise ConfigError(f"there is no command {name!r}; known are {', '.join(KINDS)}")
    largest = LARGEST_UPDATE if name == "update" else LARGEST_REQUEST
    if len(payload) > largest:
        raise ConfigError(f"the request has {len(payload):,} bytes; {largest:,} are the most")
    fields = _fields(payload, SWITCHED if name == "enabled" else ASKED)
    if camera is not None:
        fields["camera"] = camera
    try:
        return msgspec.convert({**fields, "type": name}, KINDS[name])
    except msgspec.ValidationError as error:
        raise ConfigError(f"the request is wrong: {error}{_choices(str(error), KINDS[name])}") from None


def _choices(said: str, kind: type[Request]) -> str:
    """Return what may stand in the field that an error is about, where that is a few words."""
    field = said.rpartition("$.")[2].rstrip("`")
    allowed = [word for part in get_args(get_type_hints(kind).get(field)) for word in get_args(part)]
    return f"; choose one of: {', '.join(allowed)}" if allowed else ""


def _transaction_of(payload: bytes) -> Transaction:
    """Return what comes back in the answer, to a request that is wrong in all else, too."""
    if len(payload) > LARGEST_UPDATE:
        return None
    try:
        return msgspec.json.decode(payload, type=Marked).transaction
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _fields(payload: bytes, example: str) -> dict[str, Any]:
    text = payload.strip()
    if text in (b"ON", b"OFF"):
        return {"enabled": text == b"ON"}
    # What Home Assistant's buttons send.
    if text in (b"", b"PRESS"):
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ConfigError(f"the request is no JSON object; write it as {example}") from None


def _done(result: object) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def _outcome(future: Future[Any], transaction: Transaction) -> CommandAnswer:
    if error := future.exception():
        sentence = str(error)[:LONGEST_SENTENCE] if isinstance(error, EdgeCaptionError) else UNEXPECTED
        return CommandAnswer(status="error", error=sentence, transaction=transaction)
    return CommandAnswer(status="ok", data=future.result(), transaction=transaction)


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each request and of the answer by its name."""
    kinds: tuple[type[msgspec.Struct], ...] = (*REQUESTS, CommandAnswer)
    return {kind.__name__: msgspec.json.schema(kind) for kind in kinds}
