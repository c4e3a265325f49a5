"""Tells systemd that the node is alive, and only while it is: sd_notify(3) without a library."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

Check = Callable[[], str | None]
"""Returns what does not advance, or None."""


class Advance:
    """Whether a counter goes up while there is a reason for it to."""

    def __init__(
        self, what: str, count: Callable[[], int], expected: Callable[[], bool], patience_s: Callable[[], float]
    ) -> None:
        """Take what is counted.

        Args:
            what: names it in the log.
            count: goes up when it advances.
            expected: whether it should advance now.
            patience_s: how long it may stand still.
        """
        self._what, self._count, self._expected, self._patience_s = what, count, expected, patience_s
        self._last, self._since = count(), time.monotonic()

    def __call__(self) -> str | None:
        """Return what stands still for too long, or None."""
        count, now = self._count(), time.monotonic()
        if count != self._last or not self._expected():
            self._last, self._since = count, now
        stood_s = now - self._since
        return f"no {self._what} for {stood_s:.0f} s" if stood_s > self._patience_s() else None


class Watchdog:
    """Sends READY=1 at once and WATCHDOG=1 twice in each interval that systemd gives, while all checks pass."""

    def __init__(self, checks: list[Check], environment: Mapping[str, str] = os.environ) -> None:
        """Start, where systemd asked for it; elsewhere nothing happens."""
        self._checks = checks
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._stopping = threading.Event()
        self._complained = False
        self._notify("READY=1")
        interval_us = environment.get("WATCHDOG_USEC", "")
        if self._address and interval_us.isdecimal():
            self._interval_s = int(interval_us) / 2e6
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def close(self) -> None:
        """Say that the node stops on purpose."""
        self._stopping.set()
        self._notify("STOPPING=1")

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            if reason := next(filter(None, (check() for check in self._checks)), None):
                self._complain(reason)
            else:
                self._notify("WATCHDOG=1")

    def _complain(self, reason: str) -> None:
        if not self._complained:
            log.error("the node does not advance (%s); systemd is not told that it is alive", reason)
        self._complained = True

    def _notify(self, text: str) -> None:
        if not self._address:
            return
        # "@" stands for the zero byte of an abstract socket.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), address)
