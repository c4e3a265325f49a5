from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
from pathlib import Path

import pytest

from edge_caption.files import sha256_of, write_whole, writing
from tests.conftest import ROOT


def test_a_file_takes_its_place_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "file", b"one")
    write_whole(tmp_path / "new" / "file", b"two")
    assert {file.name: file.read_bytes() for file in (tmp_path / "new").iterdir()} == {"file": b"two"}


def test_a_file_gets_the_rights_that_any_new_file_gets(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", b"")
    (tmp_path / "any").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_was_there_stays_when_writing_fails(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "file").write_text("old")

    def fail() -> None:
        with writing(tmp_path / "file") as fresh:
            fresh.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"file": "old"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_file_is_never_written_over_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_takes_the_place_of_another_as_a_whole(tmp_path: Path) -> None:
    for names in ("ab", "bc"):
        with writing(tmp_path / "folder") as fresh:
            (fresh / "below").mkdir(parents=True)
            for name in names:
                (fresh / name).write_text(names)
    assert {path.name for path in tmp_path.rglob("*")} == {"folder", "below", "b", "c"}
    assert (tmp_path / "folder" / "b").read_text() == "bc"


def exchange(target: Path, times: int) -> None:
    for number in range(times):
        with writing(target) as fresh:
            fresh.mkdir()
            (fresh / "manifest.json").write_text(str(number))


def test_a_folder_that_is_replaced_is_there_at_every_moment(tmp_path: Path) -> None:
    """A program that is killed at any of them leaves the old one or the new one."""
    target = tmp_path / "bundle"
    exchange(target, 1)
    writer = multiprocessing.get_context("spawn").Process(target=exchange, args=(target, 300))
    writer.start()
    looks = missing = 0
    while writer.is_alive():
        looks += 1
        missing += not target.exists()
    writer.join()
    assert writer.exitcode == 0
    assert looks > 1000
    assert not missing


def test_all_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sync before the rename, a power cut may leave an empty file under the target's name."""
    happened: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(descriptor: int) -> None:
        happened.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        sync(descriptor)

    def note_rename(path: Path, target: Path) -> Path:
        happened.append(f"rename to {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    with writing(tmp_path / "folder") as fresh:
        fresh.mkdir()
        (fresh / "file").write_text("new")
    assert happened == ["file", "folder", "rename to folder", tmp_path.name]


def write_often(target: Path, text: str, folder: bool) -> None:
    for _ in range(40):
        with writing(target) as fresh:
            if folder:
                fresh.mkdir()
            (fresh / "file" if folder else fresh).write_text(text * 1000)


@pytest.mark.parametrize("folder", [False, True])
def test_two_processes_that_write_one_target_do_not_spoil_each_other(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "target"
    start = multiprocessing.get_context("spawn").Process
    writers = [start(target=write_often, args=(target, text, folder)) for text in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert set((target / "file" if folder else target).read_text()) in ({"a"}, {"b"})
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_nobody_else_writes_beside_and_renames() -> None:
    """One way to write whole: a second one would have its own faults."""
    sources = [file for part in ("edge_caption", "training", "calibration", "export", "benchmarks")
               for file in (ROOT / part).rglob("*.py")]  # fmt: skip
    signs = (".partial", "os.replace", "NamedTemporaryFile", "mkstemp")
    found = [str(file) for file in sources if any(sign in file.read_text() for sign in signs)]
    assert found == []


def test_a_digest_taken_in_pieces_is_that_of_the_whole(tmp_path: Path) -> None:
    for size in (0, 1, 262_144, 1_000_001):
        data = random.Random(size).randbytes(size)
        (tmp_path / "file").write_bytes(data)
        assert sha256_of(tmp_path / "file") == hashlib.sha256(data).hexdigest()
