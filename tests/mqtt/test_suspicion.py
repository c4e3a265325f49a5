from __future__ import annotations

from edge_caption.mqtt.suspicion import Suspicion


def test_what_was_on_its_way_alone_when_the_connection_ended_twice_is_guilty() -> None:
    suspicion = Suspicion()
    assert suspicion.convict([1, 2, 3]) is None
    assert suspicion.careful
    suspicion.acquit(1)
    assert suspicion.convict([2]) is None
    assert suspicion.convict([2]) == 2


def test_what_is_tried_again_later_needs_one_more_end_only() -> None:
    suspicion = Suspicion()
    for _ in range(3):
        guilty = suspicion.convict(["health"])
    assert guilty == "health"
    suspicion.forget()
    suspicion.convict(["health"])
    assert suspicion.convict(["health"]) == "health"


def test_an_answer_clears_a_message_and_those_before_it() -> None:
    suspicion = Suspicion()
    suspicion.convict([1, 2, 3, "health"])
    suspicion.acquit(3)
    assert suspicion.careful
    suspicion.acquit("health")
    assert not suspicion.careful


def test_ends_with_nothing_on_its_way_accuse_nothing() -> None:
    suspicion = Suspicion()
    for _ in range(5):
        assert suspicion.convict([]) is None
    assert not suspicion.careful
