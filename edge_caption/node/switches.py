"""Which cameras are switched off."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from edge_caption.node.state_file import write_state

log = logging.getLogger(__name__)


class Switches:
    """Kept on disk: a camera that was switched off stays so after a restart or a power cut."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one."""
        self._path = path
        self._off: set[str] = set()
        try:
            self._off = set(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            log.debug("no camera was ever switched off")
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s can't be read (%s); every camera begins switched on", path, error)

    def on(self, camera: str) -> bool:
        """Tell whether a camera is switched on."""
        return camera not in self._off

    def turn(self, camera: str, *, on: bool) -> None:
        """Switch a camera.

        Raises:
            OutboxError: the disk refuses; it is as it was.
        """
        off = self._off - {camera} if on else self._off | {camera}
        write_state(self._path, sorted(off))
        self._off = off
