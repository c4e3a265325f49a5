"""A real RTSP camera as a child process."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest


class RtspCamera:
    """GStreamer's server, whose Python bindings only Debian's own Python has; skips the test where they are missing."""

    def __init__(self, port: int = 0, password: str = "hush", transport: str = "TCP+UDP") -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        command = ["/usr/bin/python3", str(script), str(port), password, transport]
        try:
            self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            pytest.skip("there is no /usr/bin/python3")
        assert self._server.stdout
        bound = self._server.stdout.readline().strip()
        if not bound:
            reason = self._server.communicate()[1].strip().splitlines()[-1]
            pytest.skip(
                f"no RTSP server ({reason}); Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good"
            )
        self.port = int(bound)
        self.url = f"rtsp://me:hush@127.0.0.1:{bound}/porch"

    def pause(self) -> None:
        self._server.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._server.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.resume()
        self._server.kill()
        self._server.communicate()
