"""`edge-caption annotate --broker`: a folder captioned by workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annotation.test_annotate import PHOTOS, album, read
from tests.brokers import Mosquitto, mosquitto, wait_for
from tests.conftest import ROOT

__all__ = ["album", "mosquitto"]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edge_caption", *map(str, arguments)]


@pytest.fixture
def workers(mosquitto: Mosquitto, tiny_bundle: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    own = ("--broker", mosquitto.url, "--bundle", tiny_bundle, "--threads", 1)
    started = [subprocess.Popen(command("worker", *own, "--name", name), cwd=ROOT) for name in ("one", "two")]
    wait_for(lambda: all(f"Sending SUBACK to {name}" in mosquitto.log() for name in ("one", "two")))
    yield started
    for worker in started:
        worker.kill()
        worker.wait()


def annotate(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("annotate", *arguments), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_workers_caption_a_folder_and_one_that_is_killed_costs_nothing(
    mosquitto: Mosquitto, workers: list[subprocess.Popen[bytes]], album: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    workers[0].send_signal(signal.SIGSTOP)
    with subprocess.Popen(
        command("annotate", album, "-o", out, "--broker", mosquitto.url), cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as child:
        wait_for(lambda: out.exists() and out.read_text().count("\n") >= 3)
        workers[0].kill()
        _, said = child.communicate(timeout=100)
    assert child.returncode == 1, said
    assert "broken.jpg: the photo can't be decoded" in said
    assert f"{PHOTOS + 1} photos" in said
    captions = read(out)
    assert len(captions) == PHOTOS
    assert {"0 é,;.JPG", "below/1 é,;.JPG", "caf\ufffd.jpg"} < set(captions)
    again = annotate(album, "-o", out, "--broker", mosquitto.url)
    assert f"{PHOTOS} of {PHOTOS + 1} photos have captions already" in again.stderr


def test_ctrl_c_ends_it_while_no_worker_is_there(mosquitto: Mosquitto, album: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        command("annotate", album, "-o", tmp_path / "out.csv", "--broker", mosquitto.url),
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as child:  # fmt: skip
        assert child.stderr
        for line in child.stderr:
            if "no worker takes photos" in line:
                break
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.endswith("stopped; the same command goes on\n")
    assert "Traceback" not in said


def test_what_does_not_go_together_is_one_sentence(mosquitto: Mosquitto, album: Path, tmp_path: Path) -> None:
    for arguments, says in (
        (["--workers", "2"], "give --workers to edge-caption worker"),
        (["--beam", "2"], "give --beam to edge-caption worker"),
        (["--protocol", "3.1.1"], "workers need MQTT 5"),
    ):
        done = annotate(album, "-o", tmp_path / "out.csv", "--broker", mosquitto.url, *arguments)
        assert done.returncode == 1
        assert says in done.stderr
        assert "Traceback" not in done.stderr
