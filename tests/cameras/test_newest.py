from __future__ import annotations

import threading
import time

import numpy as np

from edge_caption.cameras.newest import Newest
from edge_caption.images.frame import Frame


def frame(number: int) -> Frame:
    return Frame(np.full((2, 2, 3), number, np.uint8), float(number))


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    newest = Newest()
    for number in range(1, 6):
        newest.put(frame(number))
    shot = newest.take(0)
    assert shot is not None
    assert (shot.frame.captured_at, shot.sequence, shot.dropped) == (5, 5, 4)
    assert newest.take(0) is None
    newest.put(frame(6))
    shot = newest.take(0)
    assert shot is not None
    assert (shot.sequence, shot.dropped) == (6, 0)


def test_a_frame_wakes_the_one_who_waits() -> None:
    newest = Newest()
    threading.Timer(0.05, newest.put, [frame(1)]).start()
    began = time.monotonic()
    assert newest.take(5) is not None
    assert time.monotonic() - began < 2


def test_the_end_wakes_the_one_who_waits_and_comes_after_the_last_frame() -> None:
    newest = Newest()
    newest.put(frame(1))
    newest.close()
    assert not newest.wait_ended(0)
    assert newest.take(5) is not None
    assert newest.wait_ended(0)
    assert newest.take(5) is None


def test_a_frame_that_nobody_wants_yet_is_known_and_counted() -> None:
    newest = Newest()
    newest.put(frame(1))
    assert newest.take(0)
    assert not newest.wanted()
    newest.want_from(time.monotonic() + 60)
    assert not newest.wanted()
    newest.pass_by()
    newest.want_from(time.monotonic())
    assert newest.wanted()
    newest.put(frame(3))
    assert newest.wanted()
    shot = newest.take(0)
    assert shot is not None
    assert (shot.sequence, shot.dropped) == (3, 1)
    assert not newest.wanted()
    assert newest.take(0) is None
    assert newest.wanted()


def test_a_reader_can_wait_until_a_frame_is_wanted() -> None:
    newest = Newest()
    assert not newest.wait_wanted(0)
    assert newest.take(0) is None
    assert newest.wait_wanted(0)
    newest.put(frame(1))
    assert not newest.wait_wanted(0)
    newest.take(0)
    assert not newest.wait_wanted(0)
