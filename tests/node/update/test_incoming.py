from __future__ import annotations

from pathlib import Path

import pytest

from edge_caption.errors import UpdateError
from edge_caption.node.update.incoming import Incoming, Order, pending
from tests.conftest import peak_of
from tests.node.update.conftest import Make, bytes_of, head_of, update_of
from tests.test_outbox import small_disk

__all__ = ["small_disk"]


@pytest.fixture
def file(make: Make) -> Path:
    return make("2", extra=20_000)


def begin(folder: Path, file: Path) -> Incoming:
    return Incoming.begin(folder, Order(head=head_of(file)), update_of(file))


def resume(folder: Path, file: Path) -> Incoming:
    order = pending(folder)
    assert order
    return Incoming(folder, order, update_of(file))


def test_after_each_end_of_the_program_it_goes_on_where_it_was(file: Path, tmp_path: Path) -> None:
    data = bytes_of(file)
    incoming = begin(tmp_path / "in", file)
    while not incoming.complete:
        incoming.append(data[incoming.next : incoming.next + 4097])
        here = incoming.next
        incoming = resume(tmp_path / "in", file)
        assert incoming.next == here
    for each in update_of(file).files:
        assert (incoming.files / each.name).read_bytes() == (tmp_path / "bundle-2" / each.name).read_bytes()


def test_what_a_power_cut_spoilt_comes_again_and_what_was_right_does_not(file: Path, tmp_path: Path) -> None:
    data = bytes_of(file)
    incoming = begin(tmp_path / "in", file)
    incoming.append(data[:60_000])
    begins, current = incoming._current()
    with (incoming.files / current.name).open("r+b") as half:
        half.write(b"\0\0\0\0")
    incoming = resume(tmp_path / "in", file)
    assert incoming.next == 60_000
    incoming.append(data[60_000 : begins + current.size])
    assert incoming.next == begins
    incoming.append(data[begins:])
    assert incoming.complete


def test_a_whole_file_that_was_spoilt_comes_again_after_a_restart(file: Path, tmp_path: Path) -> None:
    data, first = bytes_of(file), update_of(file).files[0]
    begin(tmp_path / "in", file).append(data)
    (tmp_path / "in" / "files" / first.name).write_bytes(bytes(first.size))
    incoming = resume(tmp_path / "in", file)
    assert incoming.next == 0
    incoming.append(data)
    assert incoming.complete


def test_what_has_come_is_checked_without_being_held_in_memory(make: Make, tmp_path: Path) -> None:
    file = make("3", extra=8_000_000)
    begin(tmp_path / "in", file).append(bytes_of(file))
    order, update = Order(head=head_of(file)), update_of(file)
    assert peak_of(lambda: Incoming(tmp_path / "in", order, update)) < 2_000_000


def test_a_tampered_byte_is_refused_where_its_file_ends(file: Path, tmp_path: Path) -> None:
    data = bytearray(bytes_of(file))
    data[50_000] ^= 1
    incoming = begin(tmp_path / "in", file)
    incoming.append(bytes(data))
    begins, current = incoming._current()
    assert incoming.next == begins < 50_000 < begins + current.size
    incoming.append(bytes(data[begins:]))
    with pytest.raises(UpdateError, match="is not the file that the signed head names"):
        incoming.append(bytes(data[begins:]))


def test_no_more_bytes_are_taken_than_the_head_names(file: Path, tmp_path: Path) -> None:
    incoming = begin(tmp_path / "in", file)
    with pytest.raises(UpdateError, match="more came than"):
        incoming.append(bytes_of(file) + b"x")
    assert not list(incoming.files.iterdir())


def test_a_disk_without_room_is_a_sentence_before_anything_is_written(file: Path, small_disk: Path) -> None:
    with pytest.raises(UpdateError, match=r"the disk has \d+ MB free and the update needs \d+; free some"):
        begin(small_disk / "in", file)
    assert not list((small_disk / "in").iterdir())


def test_a_damaged_order_is_none(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_bytes(b"\xff{")
    assert pending(tmp_path) is None
