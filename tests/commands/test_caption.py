from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_caption.commands.cli import main
from edge_caption.images import photos
from edge_caption.images.frame import Pixels
from tests.conftest import encode


@pytest.fixture
def photo(tmp_path: Path, picture: Pixels) -> Path:
    file = tmp_path / "photo.jpg"
    file.write_bytes(encode(picture, ".jpg"))
    return file


def caption(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "edge_caption", "caption", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)


def test_one_photo_gives_one_sentence(tiny_bundle: Path, photo: Path) -> None:
    done = caption("--bundle", tiny_bundle, photo)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.decode().splitlines()) == 1
    assert str(photo) not in done.stdout.decode()


def test_json_holds_what_the_readme_says(tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["caption", "--bundle", str(tiny_bundle), "--json", str(photo)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record) == {"file", "caption", "language", "words", "confidence", "doubtful", "stages_ms", "model"}
    assert record["file"] == str(photo)
    assert set(record["words"][0]) == {"text", "log_prob", "box"}
    assert 0 < record["confidence"] <= 1


def test_attention_adds_a_map_a_word(tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["caption", "--bundle", str(tiny_bundle), "--json", "--attention", str(photo)]) == 0
    for word in json.loads(capsys.readouterr().out)["words"]:
        assert [len(row) for row in word["attention"]] == [7] * 7


def test_bad_photos_are_reported_and_the_rest_go_on_in_order(
    tiny_bundle: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "folder").mkdir()
    bad = ("empty.jpg", "gone.jpg", f"{'long' * 75}.jpg", "text.jpg", "folder")
    names = [photo, *(tmp_path / name for name in bad[:3]), photo, *(tmp_path / name for name in bad[3:])]
    assert main(["caption", "--bundle", str(tiny_bundle), "--json", *map(str, names)]) == 1
    captured = capsys.readouterr()
    assert [json.loads(line)["file"] for line in captured.out.splitlines()] == [str(photo)] * 2
    complaints = captured.err.splitlines()
    for name, complaint in zip(bad, complaints, strict=True):
        assert complaint.startswith("edge-caption: error: ")
        assert name in complaint


def test_a_folder_and_stdin_are_read(tiny_bundle: Path, photo: Path) -> None:
    done = caption("--bundle", tiny_bundle, photo.parent, "-", stdin=photo.read_bytes())
    assert done.returncode == 0, done.stderr
    (first, second) = done.stdout.decode().splitlines()
    assert first.removeprefix(f"{photo}: ") == second.removeprefix("-: ")


def test_a_name_that_is_not_text_is_shown_as_well_as_it_goes(tiny_bundle: Path, photo: Path) -> None:
    latin = photo.rename(Path(os.fsdecode(os.fsencode(photo.parent) + b"/caf\xe9.jpg")))
    done = caption("--bundle", tiny_bundle, "--json", latin, latin)
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [f"{latin.parent}/caf\ufffd.jpg"] * 2
    assert rb"/caf\udce9.jpg: " in caption("--bundle", tiny_bundle, latin, latin).stdout


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [
        (None, "standard input is closed; pipe a photo to it, or leave - out"),
        (SimpleNamespace(buffer=io.BytesIO(bytes(1_000_001))), "standard input is larger than 1 MB; make it smaller"),
    ],
)
def test_what_stdin_does_not_give_is_reported_and_the_rest_goes_on(
    tiny_bundle: Path,
    photo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stdin: object,
    sentence: str,
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    monkeypatch.setattr(photos, "MAX_BYTES", 1_000_000)
    assert main(["caption", "--bundle", str(tiny_bundle), "-", str(photo)]) == 1
    captured = capsys.readouterr()
    assert captured.err == f"edge-caption: error: {sentence}\n"
    assert captured.out.startswith(str(photo))


def test_hundreds_of_photos_in_one_call(tiny_bundle: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["caption", "--bundle", str(tiny_bundle), *[str(photo)] * 400]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 400


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--beam", "0", "x.jpg"],
        ["--beam", "21", "x.jpg"],
        ["--beam", "many", "x.jpg"],
        ["--threads", "-1", "x.jpg"],
        ["--threads", "1025", "x.jpg"],
        ["--threads", "9" * 20, "x.jpg"],
        ["--backend", "onnxruntime,nope", "x.jpg"],
        ["--attention", "x.jpg"],
        ["--nope"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["caption", *arguments])
    assert stop.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--bundle", "nowhere"], ["--flavour", "trt"], ["--language", "xx"]])
def test_a_model_that_cannot_be_used_ends_with_1_and_no_traceback(arguments: list[str], photo: Path) -> None:
    done = caption(*arguments, photo)
    assert done.returncode == 1
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("edge-caption: error: ")


def test_ctrl_c_ends_it_without_a_traceback(tiny_bundle: Path, photo: Path) -> None:
    command = [sys.executable, "-m", "edge_caption", "caption", "--bundle", str(tiny_bundle), *[str(photo)] * 20_000]

    # A shell's background jobs, as these tests may be, ignore SIGINT, and so would their children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        signal.signal(signal.SIGINT, before)
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == b""
    assert process.returncode == -signal.SIGINT


def test_a_reader_that_leaves_early_sees_no_traceback(tiny_bundle: Path, photo: Path) -> None:
    command = f"{sys.executable} -m edge_caption caption --bundle {tiny_bundle} " + f"{photo} " * 300 + "| head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=60)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""
