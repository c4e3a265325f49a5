"""Everything that a node can be told; each section is defined in the room that it sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from edge_caption.bounds import ListenAddress, Positive
from edge_caption.cameras.settings import CameraSettings
from edge_caption.files import own_folder
from edge_caption.history.settings import HistorySettings
from edge_caption.model.settings import ModelSettings
from edge_caption.mqtt.settings import HomeAssistantSettings, MqttSettings, WorkersSettings
from edge_caption.node.alerts.settings import AlertSettings
from edge_caption.node.gates.settings import GateSettings
from edge_caption.node.update.settings import UpdateSettings
from edge_caption.outbox import OutboxSettings
from edge_caption.speech.settings import SpeechSettings
from edge_caption.web.settings import PageSettings


def default_state_dir() -> Path:
    """Return where state is kept when nothing else is said."""
    return own_folder("XDG_STATE_HOME", ".local/state", "--state-dir")


class NodeCameraSettings(CameraSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[camera], or one of [[cameras]]."""

    gate: GateSettings = GateSettings()
    """Its own; where it says nothing, [gate] of the node."""


class BudgetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[budget]: what the program may use. It captions less often where that is not enough."""

    cpu_share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    """Of all processor cores, on average, as 0.5 for half of them; None: no limit."""
    temperature_c: Positive | None = None
    """The computer's hottest zone is kept below it, as far as fewer captions do that; None: no limit."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that `run` can be told."""

    node: str | None = None
    """None: the name kept in the state directory, at first the computer's."""
    prefix: str = "edge_caption"
    """What all topics of the node begin with."""
    state_dir: Path = msgspec.field(default_factory=default_state_dir)
    """Where captions wait for the broker, with all that outlives a restart."""
    cameras: tuple[NodeCameraSettings, ...] = (NodeCameraSettings(),)
    """[camera] is one, [[cameras]] are several."""
    mqtt: MqttSettings = msgspec.field(default_factory=MqttSettings)
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    workers: WorkersSettings = WorkersSettings()
    model: ModelSettings = ModelSettings()
    update: UpdateSettings = UpdateSettings()
    gate: GateSettings = GateSettings()
    """For all cameras."""
    budget: BudgetSettings = BudgetSettings()
    outbox: OutboxSettings = OutboxSettings()
    history: HistorySettings = HistorySettings()
    speech: SpeechSettings = SpeechSettings()
    alerts: tuple[AlertSettings, ...] = ()
    metrics: ListenAddress | None = None
    """Where Prometheus may ask for metrics, as 9090 or 0.0.0.0:9090; None: nowhere."""
    page: PageSettings = PageSettings()
