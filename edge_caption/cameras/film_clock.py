"""How much of a film has passed, whatever its own times do."""

from __future__ import annotations

import math

FASTEST_FPS = 240
"""A film that claims more, claims its clock's rate."""

USUAL_FPS = 25

TIMELESS_FRAMES = 5
"""So many frames in a row at the same time: the film has no times."""


class FilmClock:
    """Adds up the steps between a film's times; a step that is none counts as one frame.

    The times of a recording begin again where files were joined, are missing in a raw H.264 stream, and jump where a
    recorder slept.
    """

    def __init__(self, fps: float) -> None:
        """Begin before the first frame; `fps` is what the film says of its rate."""
        known = math.isfinite(fps) and 0 < fps <= FASTEST_FPS
        self.frame_s = 1 / (fps if known else USUAL_FPS)
        """Of a frame, where the film's times don't tell."""
        self.passed_s = 0.0
        """Of film, up to the newest frame."""
        self._at_s: float | None = None
        self._still = 0

    def advance(self, at_s: float) -> None:
        """Take the next frame's time in seconds."""
        step_s = 0.0 if self._at_s is None else at_s - self._at_s
        self._still = self._still + 1 if at_s == self._at_s else 0
        if self._at_s is not None:
            self.passed_s += step_s if step_s > 0 else self.frame_s
        self._at_s = at_s

    @property
    def timeless(self) -> bool:
        """Whether the film has no times, so that its rate is assumed."""
        return self._still >= TIMELESS_FRAMES
