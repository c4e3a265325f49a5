from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge_caption.errors import OutboxError
from edge_caption.outbox import RESERVE_BYTES, Message, Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


def text_of(sequence: int) -> bytes:
    return b"caption %d" % sequence


def test_a_message_survives_a_restart_until_it_is_deleted(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.commit("porch", text_of)
    outbox.close()
    outbox = Outbox(tmp_path / "outbox.db")
    assert outbox.pending() == [Message(1, "porch", b"caption 1")]
    outbox.delete([1])
    outbox.close()
    outbox = Outbox(tmp_path / "outbox.db")
    assert outbox.pending() == []
    outbox.close()


def test_the_sequence_goes_on_after_everything_was_deleted_and_restarted(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        outbox = Outbox(tmp_path / "outbox.db")
        assert outbox.commit("porch", text_of).sequence == expected
        outbox.delete([expected])
        outbox.close()


def test_a_message_that_cannot_be_encoded_takes_no_sequence(outbox: Outbox) -> None:
    def fail(sequence: int) -> bytes:
        raise ValueError(sequence)

    with pytest.raises(ValueError, match="1"):
        outbox.commit("porch", fail)
    assert outbox.commit("porch", text_of).sequence == 1
    assert outbox.depth == 1


def test_messages_come_oldest_first_and_a_few_at_a_time(outbox: Outbox) -> None:
    for _ in range(5):
        outbox.commit("porch", text_of)
    assert [message.sequence for message in outbox.pending(after=1, limit=3)] == [2, 3, 4]


def test_a_rejected_message_lets_the_others_pass_and_is_tried_again_later(outbox: Outbox) -> None:
    outbox.commit("porch", text_of)
    outbox.commit("porch", text_of)
    outbox.reject(1, "Not authorized")
    assert [message.sequence for message in outbox.pending()] == [2]
    assert (outbox.rejected, outbox.depth) == (1, 2)
    assert outbox.retry_rejected() == 1
    assert [message.sequence for message in outbox.pending()] == [1, 2]


def test_too_many_messages_drop_the_oldest_and_are_counted(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", max_messages=3)
    for _ in range(5):
        outbox.commit("porch", text_of)
    assert [message.sequence for message in outbox.pending()] == [3, 4, 5]
    outbox.close()
    outbox = Outbox(tmp_path / "outbox.db", max_messages=3)
    assert outbox.dropped == 2
    outbox.close()


def test_too_many_bytes_drop_the_oldest_but_never_the_newest(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", max_bytes=250)
    for _ in range(4):
        outbox.commit("porch", lambda _: bytes(100))
    assert [message.sequence for message in outbox.pending()] == [3, 4]
    outbox.commit("porch", lambda _: bytes(1000))
    assert [message.sequence for message in outbox.pending()] == [5]
    assert outbox.dropped == 4
    outbox.close()


def test_the_bounds_hold_over_a_restart(tmp_path: Path) -> None:
    for _ in range(4):
        outbox = Outbox(tmp_path / "outbox.db", max_messages=2)
        outbox.commit("porch", text_of)
        outbox.close()
    outbox = Outbox(tmp_path / "outbox.db", max_messages=2)
    assert [message.sequence for message in outbox.pending()] == [3, 4]
    outbox.close()


def test_a_second_process_is_refused_with_the_first_ones_number(tmp_path: Path, outbox: Outbox) -> None:
    with pytest.raises(OutboxError, match=rf"another edge-caption \(process {os.getpid()}\) uses .*--node"):
        Outbox(tmp_path / "outbox.db")
    assert outbox.commit("porch", text_of).sequence == 1


@pytest.mark.parametrize("refusal", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_share_without_locks_is_no_rival(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int) -> None:
    def refuse(_file: object, _operation: int) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(fcntl, "flock", refuse)
    says = rf"can't be locked \({os.strerror(refusal)}\), as on some network shares; choose a --state-dir on a disk"
    with pytest.raises(OutboxError, match=says):
        Outbox(tmp_path / "outbox.db")
    assert [file.name for file in tmp_path.iterdir()] == ["outbox.lock"]


def test_a_commit_is_synced_to_the_disk_and_a_deletion_need_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In WAL mode SQLite syncs each commit at FULL; at NORMAL a power cut undoes the last ones."""
    statements: list[str] = []

    class Traced(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_trace_callback(statements.append)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Traced))
    outbox = Outbox(tmp_path / "outbox.db")
    assert "PRAGMA journal_mode = WAL" in statements
    for work, level in ((lambda: outbox.commit("porch", text_of), "FULL"), (lambda: outbox.delete([1]), "NORMAL")):
        statements.clear()
        work()
        assert statements[0] == f"PRAGMA synchronous = {level}"
        assert statements[-1] == "COMMIT"
        assert not any("PRAGMA" in statement for statement in statements[1:])
    outbox.close()


@pytest.mark.parametrize("content", [b"no database " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(content)
    with pytest.raises(OutboxError, match=r"outbox\.db is damaged .* move it away"):
        Outbox(path)
    assert path.read_bytes() == content


def write_damaged(path: Path, sound: int) -> None:
    """Write an outbox of 200 captions of which only so many bytes, the first, are sound."""
    outbox = Outbox(path)
    for _ in range(200):
        outbox.commit("porch", lambda _: bytes(500))
    outbox.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:sound] + random.Random(1).randbytes(len(whole) - sound))


def test_damage_in_the_middle_is_a_sentence_too(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    write_damaged(path, sound=4096)
    with pytest.raises(OutboxError, match="damaged"):
        Outbox(path)


def test_a_file_that_turns_out_damaged_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    write_damaged(path, sound=2 * 4096)  # what is looked at first is sound
    with pytest.raises(OutboxError, match="damaged") as caught:
        Outbox(path)
    assert caught.value.__traceback__  # as long as the error lives, so does the outbox that never was
    assert not [file for file in list(Path("/proc/self/fd").iterdir()) if file.exists() and file.samefile(path)]


def test_another_versions_file_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "outbox.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(OutboxError, match="another version"):
        Outbox(tmp_path / "outbox.db")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutboxError, match=r"captions cannot be kept in .*file.*--state-dir"):
        Outbox(tmp_path / "file" / "outbox.db")


def fill(outbox: Outbox) -> None:
    for _ in range(50):
        outbox.commit("porch", lambda _: bytes(10_000))


def test_a_full_disk_is_a_sentence_and_takes_no_sequence(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.commit("porch", text_of)
    # The kernel refuses to let this process's files grow, as a full disk does; Python ignores SIGXFSZ.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OutboxError, match=r"the disk refuses captions in .* free some space"):
            fill(outbox)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = [message.sequence for message in outbox.pending()]
    assert kept == list(range(1, len(kept) + 1))
    assert outbox.commit("porch", text_of).sequence == kept[-1] + 1
    assert outbox.depth == len(outbox.pending())
    outbox.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_empties_itself_when_the_broker_takes_what_is_on_it(small_disk: Path) -> None:
    for _ in range(3):
        outbox = Outbox(small_disk / "outbox.db")
        with pytest.raises(OutboxError, match="free some space"):
            fill(outbox)
        outbox.close()
        outbox = Outbox(small_disk / "outbox.db")  # as after a restart, the disk still full
        assert outbox.depth >= 3
        for message in outbox.pending():
            outbox.delete([message.sequence])
        assert outbox.depth == 0
        outbox.close()


def test_a_reserve_that_was_cut_short_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / "outbox.reserve").write_bytes(b"short")
    Outbox(tmp_path / "outbox.db").close()
    assert (tmp_path / "outbox.reserve").stat().st_size == RESERVE_BYTES


def test_a_disk_without_any_room_is_a_sentence(small_disk: Path) -> None:
    with (small_disk / "everything").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with pytest.raises(OutboxError, match=r"the disk refuses captions in .*disk \(.*\); free some space"):
        Outbox(small_disk / "outbox.db")


def test_a_lost_counter_is_a_sentence_not_a_new_beginning(tmp_path: Path) -> None:
    Outbox(tmp_path / "outbox.db").close()
    database = sqlite3.connect(tmp_path / "outbox.db")
    with database:
        database.execute("DELETE FROM counters WHERE name = 'sequence'")
    database.close()
    with pytest.raises(OutboxError, match=r"is damaged \(malformed: a counter is missing\)"):
        Outbox(tmp_path / "outbox.db")


def test_several_threads_share_it(outbox: Outbox) -> None:
    def work() -> None:
        for _ in range(20):
            outbox.delete([outbox.commit("porch", text_of).sequence])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.depth == 0
    assert outbox.commit("porch", text_of).sequence == 81


COMMIT_FOREVER = """
import sys
from pathlib import Path
from edge_caption.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
while True:
    print(outbox.commit("porch", lambda sequence: b"%d" % sequence).sequence, flush=True)
"""


def test_what_was_committed_is_there_after_kill_minus_nine(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    chance = random.Random(7)
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", COMMIT_FOREVER, path], stdout=subprocess.PIPE, text=True)
        assert child.stdout
        told = child.stdout.readline()
        time.sleep(chance.uniform(0, 0.2))
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read()
        child.wait()
        child.stdout.close()
        committed = [int(line) for line in told.splitlines()]
        outbox = Outbox(path)
        kept = [message.sequence for message in outbox.pending()]
        outbox.close()
        assert kept == list(range(1, len(kept) + 1))
        # The last commit may have been made but not told, or told in part.
        assert set(committed[:-1]) <= set(kept)
