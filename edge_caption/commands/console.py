"""Records as lines on standard output."""

from __future__ import annotations

import logging
import threading
import time

from edge_caption.images.frame import Frame
from edge_caption.records import AlertRecord, CaptionRecord, Record
from edge_caption.terminal.output import discard_output, say

log = logging.getLogger(__name__)


class Console:
    """Prints each caption: time, camera, sentence, confidence."""

    name = "the console"
    wants_frames = False

    def __init__(self, stop: threading.Event) -> None:
        """Take what ends the program once nobody reads its output any more."""
        self._stop = stop

    def take(self, record: Record, frame: Frame | None) -> None:
        """Print a caption, or which alert it raised."""
        if not isinstance(record, CaptionRecord | AlertRecord):
            return
        clock = time.strftime("%H:%M:%S", time.localtime(record.captured_at))
        if isinstance(record, AlertRecord):
            what = f"alert: {record.alert}"
        else:
            what = f"{'perhaps ' if record.doubtful else ''}{record.caption}  ({record.confidence:.0%})"
        try:
            say(f"{clock}  {record.camera}  {what}")
        except BrokenPipeError:
            # Nobody reads any more (`… | head`); the broker still does, but the user has left.
            discard_output()
            self._stop.set()
        except OSError as error:
            log.warning("captions can't be printed any more (%s); they still go to the broker", error.strerror)
            discard_output()
