from __future__ import annotations

from edge_caption.backoff import Backoff


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    backoff = Backoff(1, 10)
    for step in (1, 2, 4, 8, 10, 10):
        assert step / 2 <= backoff.next_s() <= step
    backoff.reset()
    assert backoff.next_s() <= 1


def test_a_wait_can_be_raised_but_not_beyond_the_longest() -> None:
    backoff = Backoff(1, 10)
    backoff.raise_to(6)
    assert 3 <= backoff.next_s() <= 6
    backoff.raise_to(100)
    assert backoff.next_s() <= 10
    assert len({Backoff(1, 10).next_s() for _ in range(20)}) > 10
