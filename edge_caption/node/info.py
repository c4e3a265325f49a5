"""What the node says of itself: version, model and settings, without secrets."""

from __future__ import annotations

import msgspec

import edge_caption
from edge_caption.model.caption import ModelIdentity
from edge_caption.node.settings import Settings
from edge_caption.records import Info


def info(node: str, model: ModelIdentity, settings: Settings) -> Info:
    """Return the record for the info topic.

    Addresses and sources are shown as in the log: without logins and paths.
    """
    return Info(
        node=node,
        version=edge_caption.__version__,
        model=model,
        settings=msgspec.to_builtins(settings, enc_hook=str),
        settings_schema=msgspec.json.schema(Settings, schema_hook=lambda _: {"type": "string"}),
    )
