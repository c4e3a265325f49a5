"""The captioner that a program begins with: the updated bundle, or what ran before where that doesn't load."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge_caption.model.captioner import Captioner
from edge_caption.model.settings import ModelSettings
from edge_caption.model.signed import read_public
from edge_caption.node.identity import node_name, outbox_path
from edge_caption.node.settings import Settings
from edge_caption.node.update.store import FALSE_STARTS, Store

log = logging.getLogger(__name__)

Load = Callable[[Path | None], Captioner]


def loader(settings: ModelSettings) -> Load:
    """Return what loads a bundle as the settings say."""

    def load(bundle: Path | None) -> Captioner:
        return Captioner(**{**msgspec.structs.asdict(settings), "bundle": bundle})

    return load


def store_of(settings: Settings, node: str) -> Store:
    """Return the bundles of a node."""
    return Store(outbox_path(settings.state_dir, node).with_name("update"), settings.model.bundle)


def open_captioner(settings: Settings) -> Captioner:
    """Load what the node's model was updated to, else the settings' own.

    Raises:
        BundleError, BackendError, ConfigError: not even that loads, or the public key is none.
        OutboxError: the state directory can't be used.
    """
    read_public(settings.update.public_key or "")
    if not settings.mqtt.commands:
        log.warning("updates of the model come as commands; set commands = true below [mqtt] to take any")
    store = store_of(settings, node_name(settings.node, settings.state_dir))
    return begin(store, loader(settings.model))


def begin(store: Store, load: Load) -> Captioner:
    """Load the bundle to run.

    Raises:
        BundleError, BackendError, ConfigError: not even the program's own loads.
    """
    while installed := store.installed:
        label = f"version {installed.version} of the model"
        try:
            if store.on_trial and installed.starts >= FALSE_STARTS:
                raise RuntimeError(f"the program crashed or was killed {FALSE_STARTS} times on its trial")
            if store.on_trial:
                store.note_start()
            return load(store.bundle)
        except Exception as error:  # whatever a foreign bundle does, the one before it runs
            log.warning("%s does not run (%s); the one before it does", label, error)
            store.roll_back(f"{label} does not run here: {error}")
    return load(store.own)
