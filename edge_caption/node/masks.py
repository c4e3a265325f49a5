"""Masks that were drawn on the page."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from edge_caption.bounds import Polygons
from edge_caption.errors import ConfigError
from edge_caption.node.state_file import write_state
from edge_caption.text import decode_json

log = logging.getLogger(__name__)


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """The masks of one camera."""

    masks: Polygons
    settings: Polygons
    """Those of the settings that it began with. Where the settings have others by now, they were changed later."""


class Masks:
    """Kept on disk. The settings' masks are the start, and whoever changed them last wins: the page or the settings."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            ConfigError: it is broken. What was hidden must not be shown because of that, so nothing begins.
        """
        self._path = path
        self._drawn: dict[str, Drawn] = {}
        try:
            self._drawn = decode_json(path.read_bytes(), dict[str, Drawn])
        except FileNotFoundError:
            log.debug("no mask was ever drawn")
        except (OSError, UnicodeError, msgspec.DecodeError) as error:
            raise ConfigError(
                f"the masks that were drawn can't be read from {path} ({error});"
                " delete the file to begin with the masks of the settings"
            ) from None

    def of(self, camera: str, settings: Polygons) -> Polygons:
        """Return a camera's masks.

        Args:
            camera: its name.
            settings: the masks that its settings have now.
        """
        drawn = self._drawn.get(camera)
        if drawn is None:
            return settings
        if drawn.settings != settings:
            log.warning("the settings have new masks of %s; those that were drawn on the page give way", camera)
            return settings
        return drawn.masks

    def keep(self, camera: str, masks: Polygons | None, settings: Polygons) -> None:
        """Remember a camera's masks.

        Args:
            camera: its name.
            masks: None: those of the settings, also where they will change.
            settings: the masks that its settings have now.

        Raises:
            OutboxError: the disk refuses; all is as it was.
        """
        kept = {name: drawn for name, drawn in self._drawn.items() if name != camera}
        if masks is not None:
            kept[camera] = Drawn(masks=masks, settings=settings)
        write_state(self._path, kept)
        self._drawn = kept
