"""`edge-caption annotate`, run as a user runs it; exiftool and the training's readers judge what it writes."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_caption.annotation.annotate import Progress, find_photos
from edge_caption.annotation.outputs import Lines, open_output
from edge_caption.annotation.workers import Annotation
from edge_caption.errors import ConfigError, PhotoError
from tests.conftest import ROOT, obeying_rights

PHOTOS = 8


@pytest.fixture
def album(tmp_path: Path, demo_photos: list[Path]) -> Path:
    """Photos in two folders, one with a name that is no UTF-8, and a file that is none."""
    folder = tmp_path / "album"
    (folder / "below").mkdir(parents=True)
    for number in range(PHOTOS - 1):
        shutil.copy(demo_photos[0], folder / ("below" if number % 2 else ".") / f"{number} é,;.JPG")
    shutil.copy(demo_photos[1], folder / os.fsdecode(b"caf\xe9.jpg"))
    (folder / "broken.jpg").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.jpg").write_bytes(b"no photo")
    return folder


def command(album: Path, bundle: Path, *arguments: str | Path) -> list[str]:
    own = [sys.executable, "-m", "edge_caption", "annotate", album, "--bundle", bundle, "--workers", "2", *arguments]
    return list(map(str, own))


def run(album: Path, bundle: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(album, bundle, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def read(file: Path) -> dict[str, str]:
    """Return file -> caption, of any of the formats."""
    if file.name.endswith(".coco.json"):
        content = json.loads(file.read_text())
        names = {image["id"]: image["file_name"] for image in content["images"]}
        assert len(names) == len(content["images"])
        return {names[one["image_id"]]: one["caption"] for one in content["annotations"]}
    with file.open(newline="") as source:
        if file.suffix == ".csv":
            return {row["image"]: row["caption"] for row in csv.DictReader(source)}
        rows = [json.loads(line) for line in source]
    assert len({row["file"] for row in rows}) == len(rows)
    return {row["file"]: row["caption"] for row in rows}


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.coco.json"])
def test_every_photo_gets_a_caption_once(album: Path, tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    for round_, already in ((1, ""), (2, f"{PHOTOS} of {PHOTOS + 1} photos have captions already")):
        done = run(album, tiny_bundle, "-o", out)
        assert done.returncode == 1, f"{round_}: {done.stderr}"
        assert "broken.jpg can't be decoded" in done.stderr
        assert "1 of them unreadable" in done.stderr
        assert already in done.stderr
        captions = read(out)
        assert len(captions) == PHOTOS
        assert {"0 é,;.JPG", "below/1 é,;.JPG", "caf\ufffd.jpg"} < set(captions)
        assert all(captions.values())
    assert [file.name for file in tmp_path.glob("out*")] == [name]


def test_training_reads_what_it_wrote(album: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the toolchain is not installed")
    from training.data.load import load_sentences

    run(album, tiny_bundle, "-o", tmp_path / "out.csv")
    said = [*load_sentences(tmp_path / "out.csv", "train"), *load_sentences(tmp_path / "out.csv", "dev")]
    assert sorted(said) == sorted(read(tmp_path / "out.csv").values())


def test_exiftool_reads_the_sidecars(album: Path, tiny_bundle: Path) -> None:
    if not shutil.which("exiftool"):
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    foreign = album / "0 é,;.JPG.xmp"
    foreign.write_text("<x:xmpmeta>another program's</x:xmpmeta>")
    done = run(album, tiny_bundle, "--xmp")
    assert done.returncode == 1
    assert "1 photos have a sidecar of another program, which is left as it is" in done.stderr
    assert "another program's" in foreign.read_text()
    sidecar = album / "below" / "1 é,;.JPG.xmp"
    told = subprocess.check_output(["exiftool", "-json", "-XMP:all", str(sidecar)], text=True)
    (fields,) = json.loads(told)
    assert fields["CreatorTool"] == "Edge Caption"
    assert fields["Description"].startswith("a ")
    assert len(list(album.rglob("*.xmp"))) == PHOTOS


def test_a_killed_run_loses_nothing_and_leaves_no_process(
    tiny_bundle: Path, tmp_path: Path, demo_photos: list[Path]
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for number in range(400):
        (album / f"{number:03}.jpg").symlink_to(demo_photos[0])
    out = tmp_path / "out.jsonl"
    for _ in range(2):
        child = subprocess.Popen(command(album, tiny_bundle, "-o", out), cwd=ROOT, stderr=subprocess.DEVNULL)
        before = out.stat().st_size if out.exists() else 0
        while not out.exists() or out.stat().st_size == before:
            assert child.poll() is None
            time.sleep(0.01)
        workers = children(child.pid)
        child.send_signal(signal.SIGKILL)
        child.wait()
        kept = out.read_bytes()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    done = run(album, tiny_bundle, "-o", out)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])
    assert sorted(read(out)) == [f"{number:03}.jpg" for number in range(400)]


def children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def test_ctrl_c_stops_it_with_a_sentence(tiny_bundle: Path, tmp_path: Path, demo_photos: list[Path]) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for number in range(400):
        (album / f"{number:03}.jpg").symlink_to(demo_photos[0])
    out = tmp_path / "out.coco.json"
    start = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(command(album, tiny_bundle, "-o", out), cwd=ROOT, **start) as child:  # type: ignore[call-overload]
        journal = tmp_path / "out.coco.json.unfinished.jsonl"
        while not journal.exists() or not journal.stat().st_size:
            time.sleep(0.01)
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.endswith("edge-caption: error: stopped; the same command goes on\n")
    assert "Traceback" not in said
    assert not out.exists()


def test_a_line_that_was_cut_is_done_again(tmp_path: Path) -> None:
    for name in ("out.jsonl", "out.csv"):
        out = open_output(tmp_path / name)
        for file in ("a.jpg", "b, \u2028c.jpg"):
            out.add(Annotation(file, 'a "dog", a cat', 0.5, "en"))
        out.finish()
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole + whole.split(b"\n")[-2][:9])
        again = open_output(tmp_path / name)
        assert again.done() == {"a.jpg", "b, \u2028c.jpg"}
        again.finish()
        assert (tmp_path / name).read_bytes() == whole


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.coco.json"])
@pytest.mark.parametrize("content", ["a letter to grandma\n", "[1, 2]\n", "\x00\xff\n", "a letter without end"])
def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "latin-1")
    with pytest.raises(ConfigError, match="holds something else"):
        open_output(tmp_path / name)
    assert (tmp_path / name).read_text("latin-1") == content


def test_what_is_wrong_is_one_sentence(album: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.csv").mkdir()
    for folder, arguments, says in (
        (album, ["-o", "out.txt"], "out.txt tells no format; give a name that ends in .jsonl, .csv or .coco.json"),
        (album, ["-o", tmp_path / "folder.csv"], "folder.csv can't be written (Is a directory)"),
        (tmp_path / "empty", ["--xmp"], "holds no photo"),
        (tmp_path / "gone", ["--xmp"], "gone can't be read (No such file or directory)"),
    ):
        done = run(folder, tiny_bundle, *arguments)
        assert done.returncode == 1
        assert says in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_full_disk_is_one_sentence_and_loses_nothing(
    tiny_bundle: Path, tmp_path: Path, demo_photos: list[Path]
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for number in range(60):
        (album / f"{number:03}.jpg").symlink_to(demo_photos[0])
    out = tmp_path / "out.jsonl"
    limited = ["sh", "-c", 'ulimit -f 2; exec "$@"', "sh", *command(album, tiny_bundle, "-o", out)]
    done = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert (
        "out.jsonl can't be written any more (File too large); make room, and the same command goes on" in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert run(album, tiny_bundle, "-o", out).returncode == 0
    assert len(read(out)) == 60


def test_photos_are_found_below_and_sorted(album: Path) -> None:
    found = find_photos(album, refuse)
    assert found == sorted(found)
    assert len(found) == PHOTOS + 1
    with pytest.raises(PhotoError, match="can't be read"):
        find_photos(album / "0 é,;.JPG", refuse)


def refuse(error: PhotoError) -> None:
    raise error


def test_a_folder_that_can_not_be_read_is_named_and_left_out(album: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    locked = album / "lost+found"
    locked.mkdir(mode=0)
    done = obeying_rights(command(album, tiny_bundle, "-o", tmp_path / "out.jsonl"))
    locked.chmod(0o700)
    assert (done.returncode, len(read(tmp_path / "out.jsonl"))) == (1, PHOTOS)
    assert f"the folder {locked} can't be read (Permission denied); check the path and its rights" in done.stderr


def test_photos_that_no_sidecar_can_be_written_for_are_named_and_left_out(album: Path, tiny_bundle: Path) -> None:
    (album / "broken.jpg").unlink()
    shutil.copy(album / "0 é,;.JPG", album / f"{'x' * 250}.jpg")
    (album / "2 é,;.JPG.xmp").mkdir()
    below = album / "below"
    below.chmod(0o500)
    done = obeying_rights(command(album, tiny_bundle, "--xmp"))
    below.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.count(f"no sidecar can be written in {below}") == 1
    assert "xxx.jpg.xmp is too long a name for a file; make the photo's name shorter" in done.stderr
    assert "1 photos have a sidecar of another program" in done.stderr
    assert "Traceback" not in done.stderr
    written = {str(file.relative_to(album)) for file in album.rglob("*.xmp") if file.is_file()}
    assert written == {"0 é,;.JPG.xmp", "4 é,;.JPG.xmp", "6 é,;.JPG.xmp", os.fsdecode(b"caf\xe9.jpg.xmp")}


@pytest.mark.parametrize("where", [["-o", "out.csv"], ["-o", "out.coco.json"], ["--xmp"]])
def test_captions_in_two_languages_are_not_mixed(album: Path, tiny_bundle: Path, where: list[str]) -> None:
    where = [str(album.parent / one) if one.startswith("out") else one for one in where]
    assert run(album, tiny_bundle, *where).returncode == 1
    mixed = run(album, tiny_bundle, *where, "--language", "zh")
    assert mixed.returncode == 1
    assert "captions in another language are there already (en, not zh); give --language en" in mixed.stderr
    assert "photos, " not in mixed.stderr


def test_two_at_once_do_not_write_one_file(tmp_path: Path) -> None:
    for name in ("out.jsonl", "out.coco.json"):
        first = open_output(tmp_path / name)
        with pytest.raises(ConfigError, match="another program writes captions to"):
            open_output(tmp_path / name)
        first.finish()
        open_output(tmp_path / name).finish()


@pytest.mark.parametrize("file", ["a\rb.jpg", "a\nb.jpg", 'a"\n\n",b.jpg', "\r\n.jpg"])
def test_a_csv_with_any_name_is_read_again(tmp_path: Path, file: str) -> None:
    out = open_output(tmp_path / "out.csv")
    out.add(Annotation("first.jpg", "a dog", 0.5, "en"))
    out.add(Annotation(file, "a dog", 0.5, "en"))
    out.finish()
    whole = (tmp_path / "out.csv").read_bytes()
    assert read(tmp_path / "out.csv") == {"first.jpg": "a dog", file: "a dog"}
    for cut in range(len(whole) - 1, whole.index(b"first.jpg"), -1):
        (tmp_path / "out.csv").write_bytes(whole[:cut])
        again = open_output(tmp_path / "out.csv")
        assert again.done() <= {"first.jpg"}
        again.add(Annotation(file, "a dog", 0.5, "en"))
        again.finish()
        assert read(tmp_path / "out.csv")[file] == "a dog"


def test_the_rate_is_of_what_came_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes' start, which comes once, would spoil the time that is left."""
    clock = iter([100.0, 104.0, 108.0, 108.0])
    progress = Progress(11)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    progress.count()
    progress.done += 2
    assert progress.rate == 0.5
    assert progress.left_s == 8 / (2 / 8)


def test_lines_are_on_disk_one_by_one(tmp_path: Path) -> None:
    lines = open_output(tmp_path / "out.jsonl")
    assert isinstance(lines, Lines)
    lines.add(Annotation("a.jpg", "a dog", 0.5, "en"))
    assert "a.jpg" in (tmp_path / "out.jsonl").read_text()
    lines.finish()
