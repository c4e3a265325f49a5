"""What becomes of an update is told, whatever ends the program in between."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_caption.errors import UpdateError
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.model.live import LiveCaptioner
from edge_caption.model.settings import ModelSettings
from edge_caption.model.signed import id_of
from edge_caption.mqtt.commands import UpdateRequest
from edge_caption.mqtt.publication import Received
from edge_caption.mqtt.topics import Topics
from edge_caption.node.update import boot
from edge_caption.node.update.probation import FIRST_CAPTIONS
from edge_caption.node.update.settings import UpdateSettings
from edge_caption.node.update.store import FALSE_STARTS, Store
from edge_caption.node.update.updates import Outlets, Updates
from tests.brokers import wait_for
from tests.node.update.conftest import TINY, Make, bytes_of, head_of, make, public
from tests.test_outbox import small_disk

__all__ = ["make", "public", "small_disk"]


class Program:
    """A program that takes updates, and writes no event: it is killed before its node thread's next turn."""

    def __init__(self, folder: Path, public: str) -> None:
        self.asked: list[tuple[str, Callable[[], None]]] = []
        store = Store(folder, TINY)
        self.live = LiveCaptioner.of(boot.begin(store, _load))

        def tell(event_type: str, _: str, told: Callable[[], None]) -> None:
            self.asked.append((event_type, told))

        outlets = Outlets(tell, lambda _: None, lambda _: None, lambda: None)
        model = ModelSettings(bundle=TINY, threads=1)
        self.updates = Updates(UpdateSettings(public_key=public), model, store, self.live, _load, outlets)

    @property
    def events(self) -> list[str]:
        return [event_type for event_type, _ in self.asked]

    def write_events(self) -> None:
        """Do the node thread's part."""
        for _, told in self.asked:
            told()

    def bring(self, file: Path) -> None:
        self.updates.order(UpdateRequest(head=base64.b64encode(head_of(file)).decode())).result(20)
        topic = Topics("edge_caption", "pi").chunk_of(id_of(head_of(file)), 0)
        data = bytes_of(file)
        assert len(data) < 250_000
        self.updates.take(Received(topic, data))


def _load(bundle: Path | None) -> Captioner:
    return Captioner(bundle, threads=1)


Start = Callable[[], Program]


@pytest.fixture
def start(tmp_path: Path, public: str) -> Iterator[Start]:
    """Start programs on one state directory, one after the other; the one before has ended by then."""
    running: list[Program] = []

    def start() -> Program:
        for each in running:
            each.updates.close(10)
        running.append(Program(tmp_path / "update", public))
        return running[-1]

    yield start
    for each in running:
        each.updates.close(10)


def assert_told_at_the_next_start_and_then_no_more(start: Start, *events: str) -> None:
    program = start()
    wait_for(lambda: program.events == list(events))
    program.write_events()
    assert start().events == []


def test_that_an_update_has_begun_and_proved_itself(start: Start, make: Make, picture: Pixels) -> None:
    program = start()
    program.bring(make("2", extra=1000))
    wait_for(lambda: program.live.model.version == "2")
    for _ in range(FIRST_CAPTIONS):
        program.live.caption(picture)
    wait_for(lambda: "update_done" in program.events)
    assert_told_at_the_next_start_and_then_no_more(start, "update_begun", "update_done")


def test_that_an_update_failed(start: Start, make: Make) -> None:
    program = start()
    program.bring(make("2", extra=1000, broken="encoder.cpu-x86.onnx"))
    wait_for(lambda: "update_failed" in program.events)
    assert_told_at_the_next_start_and_then_no_more(start, "update_begun", "update_failed")


def test_that_an_update_was_rolled_back_in_the_running_node(
    start: Start, make: Make, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    program.bring(make("2", extra=1000))
    wait_for(lambda: program.live.model.version == "2")
    monkeypatch.setattr("edge_caption.node.update.probation.fault_of", lambda _: "it says nothing")
    program.live.caption(picture)
    wait_for(lambda: "update_rolled_back" in program.events)
    assert_told_at_the_next_start_and_then_no_more(start, "update_begun", "update_rolled_back")


def test_that_an_update_was_rolled_back_at_a_start(start: Start, make: Make, tmp_path: Path) -> None:
    program = start()
    program.bring(make("2", extra=1000))
    wait_for(lambda: program.live.model.version == "2")
    program.write_events()
    program.updates.close(10)
    for _ in range(FALSE_STARTS):
        boot.begin(Store(tmp_path / "update", TINY), _load)
    killed = start()
    wait_for(lambda: killed.events == ["update_rolled_back"])
    assert_told_at_the_next_start_and_then_no_more(start, "update_rolled_back")


def test_an_order_without_room_is_no_update_that_has_begun(make: Make, public: str, small_disk: Path) -> None:
    program = Program(small_disk, public)
    with pytest.raises(UpdateError, match="MB free and the update needs"):
        program.bring(make("2"))
    program.updates.close(10)
    assert program.events == []
    assert Store(small_disk, TINY).state.news == ()
