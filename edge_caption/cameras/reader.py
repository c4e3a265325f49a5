"""A thread that reads one opened camera until it fails, ends or is told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from edge_caption.cameras.camera import Feed, Skipping
from edge_caption.cameras.newest import Newest
from edge_caption.errors import CameraError, EdgeCaptionError

log = logging.getLogger(__name__)


class Reader:
    """Opens a feed and puts its frames into `newest`.

    A read can hang inside a driver for ever. Nobody waits for it: a reader that was told to stop is left to itself,
    and as it writes only into its own `newest` it disturbs nobody if it wakes up.
    """

    def __init__(self, feed: Feed, notify: Callable[[], None] = lambda: None) -> None:
        """Start; `notify` is called from the thread when there is something to take."""
        self.newest = Newest(notify)
        self.started = self.newest.arrived
        """Monotonic seconds."""
        self.error: CameraError | None = None
        """Why it ended; None when the file was over or it was told to stop. Settled once it has ended."""
        self._feed = feed
        self._stopping = threading.Event()
        # A daemon: the program may end while the driver hangs.
        self._thread = threading.Thread(target=self._run, name=f"camera {feed.name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end and return whether it came."""
        self._thread.join(timeout_s)
        return not self.alive

    def _run(self) -> None:
        try:
            self._read()
        except CameraError as error:
            self.error = error
        except EdgeCaptionError as error:
            self.error = CameraError(str(error))
        except Exception as error:
            # OpenCV raises its own, and a thread has nobody above it.
            log.debug("unexpected", exc_info=True)
            self.error = CameraError(f"{self._feed.name} fails ({type(error).__name__}); check the camera")
        finally:
            self.newest.close()

    def _read(self) -> None:
        camera = self._feed.open()
        # Found out once: isinstance takes microseconds for a protocol, and there may be a hundred frames a second.
        skipping = camera if self._feed.live and isinstance(camera, Skipping) else None
        try:
            while not self._stopping.is_set():
                if not self._feed.live and not self.newest.wait_wanted(0.2):
                    continue
                if skipping and self._skips(skipping):
                    continue
                frame = camera.read()
                if frame is None:
                    return
                self.newest.put(frame)
                del frame  # it is megabytes, and the next one may be long in coming
        finally:
            camera.close()

    def _skips(self, camera: Skipping) -> bool:
        """Pass a frame that would be replaced before anybody takes it: to make pixels of it costs most of a core."""
        if self.newest.wanted() or not self.newest.sequence:
            return False
        camera.skip()
        self.newest.pass_by()
        return True
