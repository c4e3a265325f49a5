"""Small files of what a node was told while it ran, so that it outlives a restart or a power cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge_caption.errors import OutboxError
from edge_caption.files import write_whole


def write_state(path: Path, state: Any) -> None:
    """Write it as JSON.

    Raises:
        OutboxError: the disk refuses; the file is as it was.
    """
    try:
        write_whole(path, msgspec.json.encode(state))
    except OSError as error:
        raise OutboxError(f"{path.parent} can't be written ({error.strerror}); free some space") from None
