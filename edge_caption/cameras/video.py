"""A video file, as if its scenes were happening now."""

from __future__ import annotations

import contextlib
import logging
import time
from pathlib import Path

import cv2

from edge_caption.cameras.capture import codec_of, silence_ffmpeg, to_rgb
from edge_caption.cameras.film_clock import FilmClock
from edge_caption.cameras.joined_films import holds_another
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame

log = logging.getLogger(__name__)

WHOLE = 0.9
"""The share of the frames and of the time that a film says it has, below which it ended early."""


class Video:
    """An opened video file; gives the frames that are 1/fps seconds of film apart."""

    def __init__(self, source: Source, fps: float, *, loop: bool) -> None:
        """Open it.

        Args:
            source: its path.
            fps: frames to give for each second of film; at most what the film has.
            loop: start over at the end.

        Raises:
            CameraError: it is missing or no video.
        """
        silence_ffmpeg()
        self._path = Path(source.address).expanduser()
        self._step_s = 1 / fps
        self._loop = loop
        self._warned: set[str] = set()
        if not self._path.is_file():
            raise CameraError(f"there is no video {self._path}, and no folder either; check the path")
        self._open()

    def read(self) -> Frame | None:
        """Return the next frame, or None at the end.

        Raises:
            CameraError: there is not one.
        """
        while self._advance():
            ok, bgr = self._capture.retrieve()
            if ok:
                return Frame(to_rgb(bgr), time.time())
            self._warn("%s has a frame after %.1f s that can't be read, which is left out", self._clock.passed_s)
        self._check_end()
        if not self._loop:
            return None
        self.close()
        self._open()
        return self.read()

    @property
    def codec(self) -> str:
        """What compresses its frames."""
        return codec_of(self._capture)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _open(self) -> None:
        # FFmpeg would take what is before a colon for a protocol: 2026-11-30T12:00:00.mp4.
        file = str(self._path.absolute())
        self._capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not self._capture.isOpened():
            raise CameraError(f"{self._path} is no video that can be read; convert it, say to MP4")
        self._clock = FilmClock(self._capture.get(cv2.CAP_PROP_FPS))
        self._frames = 0
        self._due_s = 0.0

    def _advance(self) -> bool:
        """Go to the next frame to give; the ones between are only grabbed."""
        while self._capture.grab():
            self._frames += 1
            # The file's own times: the rate of an uneven film says little.
            self._clock.advance(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if self._clock.timeless:
                self._warn_timeless()
            passed_s = self._clock.passed_s
            # Half a frame early is nearest.
            if passed_s >= self._due_s - self._clock.frame_s / 2:
                # After a gap, what would have been due in it is not made up for.
                self._due_s = max(self._due_s, passed_s - self._step_s / 2) + self._step_s
                return True
        return False

    def _check_end(self) -> None:
        """Tell a film that is over from one that is damaged, as OpenCV does not.

        The count comes from a rate where the file holds none, and of an uneven film that is many times too high; its
        time is right then. The last frame may stay for a second.
        """
        frames, expected = self._frames, self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if not frames:
            raise CameraError(f"the video {self._path} holds no frame that can be read; copy it again")
        claimed_s = expected / self._capture.get(cv2.CAP_PROP_FPS) if expected > 0 else 0
        if frames < WHOLE * expected and self._clock.passed_s + 1 < WHOLE * claimed_s:
            counts = f"{frames} of about {expected:.0f} frames"
            self._warn("%s ended after %s; unless it was trimmed, copy it again", counts)
        with contextlib.suppress(OSError):  # gone by now
            if holds_another(self._path):
                self._warn(
                    "%s holds another film behind the %d frames that were seen; join films with ffmpeg -f concat",
                    frames,
                )

    def _warn_timeless(self) -> None:
        self._warn(
            "%s has no times, so %g of its frames count as a second; put it into a container "
            "(ffmpeg -r RATE -i FILE -c copy film.mkv)",
            1 / self._clock.frame_s,
        )

    def _warn(self, sentence: str, figure: object) -> None:
        """Once, though the film may be looped."""
        if sentence not in self._warned:
            log.warning(sentence, self._path, figure)
        self._warned.add(sentence)
