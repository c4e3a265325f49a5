"""What a reader makes pixels of."""

from __future__ import annotations

import time

import numpy as np

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.watch import Watch
from edge_caption.images.frame import Frame


class Counting:
    """A camera of 100 frames a second that counts what is asked of it: real ones don't tell."""

    def __init__(self) -> None:
        self.read_frames = self.skipped_frames = 0

    def read(self) -> Frame:
        time.sleep(0.01)
        self.read_frames += 1
        return Frame(np.full((8, 8, 3), self.read_frames % 256, np.uint8), time.time())

    def skip(self) -> None:
        time.sleep(0.01)
        self.skipped_frames += 1

    def close(self) -> None:
        pass


def test_pixels_are_made_only_of_frames_that_may_be_taken() -> None:
    camera = Counting()
    watch = Watch(Feed("counting", lambda: camera, live=True, patient=False), CameraSettings())
    due, shots = time.monotonic() + 0.2, []
    end = due + 1
    while time.monotonic() < end:
        happened = watch.take(0.0, due)
        if isinstance(happened, Shot):
            assert time.time() - happened.frame.captured_at < 0.1
            assert time.monotonic() - happened.arrived < 0.1
            shots.append(happened)
            due += 0.2
            watch.want_from(due)
        time.sleep(0.002)
    watch.stop(1)
    assert len(shots) == 5
    assert camera.read_frames < 5 * 4
    assert camera.skipped_frames > 50
    assert sum(shot.dropped for shot in shots[1:]) > 50
