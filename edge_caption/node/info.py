"""What the node says of itself: version, model and settings, without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

import edge_caption
from edge_caption.bounds import ListenAddress
from edge_caption.cameras.source import Source
from edge_caption.model.caption import ModelIdentity
from edge_caption.mqtt.address import Address
from edge_caption.node.settings import Settings
from edge_caption.records import Info


def info(node: str, model: ModelIdentity, settings: Settings) -> Info:
    """Return the record for the info topic."""
    return Info(
        node=node,
        version=edge_caption.__version__,
        model=model,
        settings=msgspec.to_builtins(settings, enc_hook=_shown),
        settings_schema=msgspec.json.schema(Settings, schema_hook=_as_text),
    )


def _shown(value: object) -> str:
    """Addresses and sources show neither logins nor paths."""
    if isinstance(value, (Address, ListenAddress, Source, Path)):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not shown")


def _as_text(kind: type) -> dict[str, Any]:
    if kind in (Address, ListenAddress, Source, Path):
        return {"type": "string"}
    raise TypeError(f"{kind.__name__} has no schema")
