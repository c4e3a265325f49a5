"""A real broker that can go and come back."""

from __future__ import annotations

import getpass
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_caption.errors import ConfigError
from edge_caption.mqtt.broker import HOST, free_port, port_is_free

START_S = 5.0

END_S = 20.0


class Broker:
    """Mosquitto; what waits for a subscriber it keeps on disk while it is gone."""

    def __init__(self, folder: Path) -> None:
        """Choose a port.

        Raises:
            ConfigError: mosquitto is not installed.
        """
        # Debian puts it where only root's PATH looks.
        self._program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not Path(self._program).exists():
            raise ConfigError("this needs a broker; install mosquitto (Debian: apt-get install mosquitto)")
        self.port = free_port()
        self._settings = folder / "mosquitto.conf"
        keeps = f"persistence true\npersistence_location {folder}/\nuser {getpass.getuser()}\nmax_queued_messages 0\n"
        self._settings.write_text(f"listener {self.port} {HOST}\nallow_anonymous true\n{keeps}")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends."""
        self.start()
        try:
            yield
        finally:
            self.end()

    def start(self) -> None:
        """Serve from now on."""
        command = [self._program, "-c", str(self._settings)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while port_is_free(self.port) and time.monotonic() < until:
            time.sleep(0.01)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop, and wait for it. Killed, it loses what it has acknowledged since it last wrote its file."""
        end_mosquitto(self._process, how)


def end_mosquitto(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask until it is gone: Mosquitto forgets a signal that comes after it listens and before its loop begins.

    Raises:
        subprocess.TimeoutExpired: it is still there after some seconds.
    """
    until = time.monotonic() + END_S
    while True:
        process.send_signal(how)
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise
        else:
            return
