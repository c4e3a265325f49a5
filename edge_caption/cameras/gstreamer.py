"""A GStreamer pipeline in a child process: the wheels of OpenCV are built without GStreamer."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import shutil
import subprocess
import weakref

from edge_caption.cameras.jpeg_stream import JpegStream
from edge_caption.errors import CameraError
from edge_caption.text import LastWords

PROGRAM = "gst-launch-1.0"

TO_JPEG = "queue leaky=downstream max-size-buffers=2 ! videoconvert ! jpegenc quality=95 ! fdsink fd=1 sync=false"
"""Each JPEG tells its own size, so a pipeline may change its size at any time."""

SINK = re.compile(r"!\s*(?:appsink|fdsink|filesink|fakesink|autovideosink|\w*imagesink)\b[^!]*$")
"""What pipelines on web pages end with, and ours must not."""

URL = re.compile(r"\S+://\S+")
MISSING = re.compile(r"no element \"([\w-]+)\"")
WRONG = re.compile(r"(?:erroneous pipeline|could not be constructed): (.*?)\.?$")
FAILED = re.compile(r"from element \S*/\w+:(\w+: .*?)\.?$")
"""What gst-launch-1.0 writes of a text that it can't parse, and of an element that fails."""

CHUNK = 1 << 16


def open_pipeline(text: str, name: str, timeout_s: float) -> JpegStream:
    """Start a pipeline whose last element gives video, raw or encoded.

    Args:
        text: as gst-launch-1.0 takes it.
        name: what messages call it.
        timeout_s: how long it may be silent.

    Raises:
        CameraError: GStreamer is missing.
    """
    child = _Child(SINK.sub("", text).strip().rstrip("!") + f" ! decodebin ! {TO_JPEG}", name, timeout_s)
    return JpegStream(child.receive, child.close, name)


class _Child:
    def __init__(self, text: str, name: str, timeout_s: float) -> None:
        if not shutil.which(PROGRAM):
            raise CameraError(
                f"{PROGRAM} is not installed; Debian: apt install gstreamer1.0-tools gstreamer1.0-plugins-good"
            )
        command = [PROGRAM, "-q", *_words(text)]
        self._name = name
        self._timeout_s = timeout_s
        # Ctrl-C is for us, who then end it.
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stderr
        self._said = LastWords(self._process.stderr)
        # A pipeline that hangs outlives nobody.
        self._end = weakref.finalize(self, _end, self._process)

    def receive(self, _count: int) -> bytes:
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], self._timeout_s)
        if not ready:
            raise CameraError(f"{self._name} gives no frame; check the camera")
        data = os.read(self._process.stdout.fileno(), CHUNK)
        if not data:
            raise CameraError(f"{self._name} {self._explain()}")
        return data

    def close(self) -> None:
        self._end()

    def _explain(self) -> str:
        """Say why it ended, by what it wrote; that may repeat a URL, password included."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        for line in self._said.lines():
            said = URL.sub("…", line)
            if error := MISSING.search(said):
                return f"needs the element {error[1]}, which is not installed; install the GStreamer plugin that has it"
            if error := WRONG.search(said):
                return f"is no pipeline ({error[1]}); try it with {PROGRAM}"
            if error := FAILED.search(said):
                return f"fails ({error[1]}); try it with {PROGRAM}"
        return "has ended; check the camera"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise CameraError("the pipeline has a quote without its other; close it") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
