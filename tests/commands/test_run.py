"""`edge-caption run` as a user starts, kills and misuses it."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_caption.mqtt.broker import free_port
from edge_caption.node.identity import outbox_path
from edge_caption.outbox import Outbox
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, wait_for
from tests.cameras.servers import MjpegCamera, MuteServer
from tests.cameras.test_files import write_panned_film
from tests.mqtt.conftest import RunBroker, run_broker

__all__ = ["listener", "mosquitto", "run_broker"]

Started = subprocess.Popen[str]
Start = Callable[..., Started]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_panned_film(tmp_path / "film.mp4", 50)


@pytest.fixture
def start(tmp_path: Path, tiny_bundle: Path) -> Iterator[Start]:
    """Start the command; what still runs in the end is killed."""
    started: list[Started] = []

    def start(*arguments: object, environment: dict[str, str] | None = None, **popen: Any) -> Started:
        own = ["--bundle", tiny_bundle, "--state-dir", tmp_path / "state", "--node", "pi", "--camera", "porch"]
        command = [sys.executable, "-m", "edge_caption", "run", *own, "--threads", 1, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(
            [str(part) for part in command], env={**os.environ, **(environment or {})}, **{**pipes, **popen}
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def end(process: Started) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for_more(listener: Listener) -> None:
    before = len(listener.sequences())
    wait_for(lambda: len(listener.sequences()) > before)


def left_on_disk(tmp_path: Path) -> list[int]:
    outbox = Outbox(outbox_path(tmp_path / "state", "pi"))
    kept = [message.sequence for message in outbox.pending()]
    outbox.close()
    return kept


def test_a_film_is_captioned_printed_and_published(
    start: Start, film: Path, mosquitto: Mosquitto, listener: Listener
) -> None:
    code, out, err = end(start("--source", film, "--fps", 5, "--broker", mosquitto.url))
    assert (code, err) == (0, f"edge-caption: connected to the broker {mosquitto.url} with MQTT 5\n")
    wait_for(lambda: len(listener.events()) == 10)
    assert [line.split("  ")[2] for line in out.splitlines()] == [event["caption"] for event in listener.events()]
    assert listener.sequences() == set(range(1, 11))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(
    start: Start, film: Path, mosquitto: Mosquitto, listener: Listener, tmp_path: Path, how: signal.Signals
) -> None:
    process = start("--source", film, "--loop", "--fps", 30, "--broker", mosquitto.url)
    wait_for(lambda: len(listener.events()) > 10)
    process.send_signal(how)
    code, out, err = end(process)
    assert code == 0
    assert "Traceback" not in err
    printed = len(out.splitlines())
    assert listener.sequences() | set(left_on_disk(tmp_path)) == set(range(1, printed + 1))
    wait_for(lambda: listener.payloads("pi/status")[-1:] == [b"offline"])
    wait_for(lambda: listener.payloads("porch/status")[-1:] == [b"offline"])
    assert retained(mosquitto.port)["edge_caption/pi/status"] == b"offline"


def test_every_id_arrives_though_it_is_killed_at_random_moments(
    start: Start, film: Path, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    chance = random.Random(11)
    arguments = ("--source", film, "--loop", "--fps", 200, "--broker", mosquitto.url)
    for round_number in range(8):
        process = start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_more(listener)
        time.sleep(chance.uniform(0, 0.6))
        if round_number in (2, 5):
            mosquitto.stop()
            time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if round_number in (2, 5):
            mosquitto.start()
    wait_for(lambda: retained(mosquitto.port).get("edge_caption/pi/status") == b"offline")
    code, _, err = end(start("--source", film, "--fps", 1, "--broker", mosquitto.url))
    assert code == 0, err
    assert left_on_disk(tmp_path) == []
    newest = max(listener.sequences())
    wait_for(lambda: listener.sequences() == set(range(1, max(listener.sequences()) + 1)))
    assert newest > 100


def test_a_full_disk_behind_stdout_is_said_once_and_all_is_published(
    start: Start, film: Path, mosquitto: Mosquitto, listener: Listener
) -> None:
    with Path("/dev/full").open("w") as full:
        code, _, err = end(start("--source", film, "--fps", 5, "--broker", mosquitto.url, stdout=full))
    assert (code, err.count("can't be printed any more (No space left on device)")) == (0, 1)
    assert "Traceback" not in err
    wait_for(lambda: len(listener.events()) == 10)


def test_a_floor_that_nothing_reaches_publishes_nothing_and_an_uncalibrated_model_is_named(
    start: Start, film: Path, mosquitto: Mosquitto, listener: Listener
) -> None:
    code, out, err = end(start("--source", film, "--fps", 5, "--min-confidence", 1, "--broker", mosquitto.url))
    assert (code, out, listener.events()) == (0, "", [])
    assert "the model tiny has no calibrated confidence" in err
    assert msgspec.json.decode(retained(mosquitto.port)["edge_caption/pi/health"])["silenced"] == 10


def test_an_absent_broker_is_said_once_and_the_captions_are_kept(start: Start, film: Path, tmp_path: Path) -> None:
    port = free_port()
    process = start("--source", film, "--loop", "--fps", 50, "--broker", f"mqtt://127.0.0.1:{port}")
    assert process.stdout
    for _ in range(60):
        assert process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    code, _, err = end(process)
    assert code == 0
    assert err.count("is not reachable (Connection refused); captions are kept in ") == 1
    assert len(left_on_disk(tmp_path)) >= 60


ONE_THREAD = """
import atexit, sys
import cv2
from edge_caption.commands.cli import main
cv2.setNumThreads(2)
atexit.register(lambda: print("threads of OpenCV:", cv2.getNumThreads()))
sys.exit(main(sys.argv[1:]))
"""


def test_opencv_keeps_no_thread_of_its_own_busy(film: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    options = ["--source", film, "--fps", 5, "--bundle", tiny_bundle, "--state-dir", tmp_path / "state"]
    command = [sys.executable, "-c", ONE_THREAD, "run", *map(str, options)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.splitlines()[-1] == "threads of OpenCV: 1"


def test_a_refused_login_ends_it_and_no_password_is_shown(
    start: Start, film: Path, tmp_path: Path, run_broker: RunBroker
) -> None:
    passwords = tmp_path / "passwords"
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "me", "hush"], check=True, capture_output=True)
        passwords.chmod(0o644)
    broker = run_broker("allow_anonymous false", f"password_file {passwords}")
    arguments = ("--source", film, "--loop", "--broker", broker.url.replace("mqtt://", "mqtt://me@"))
    code, _, err = end(start(*arguments, environment={"EDGE_CAPTION_MQTT_PASSWORD": "wronghush"}))
    assert code == 1
    assert err.splitlines()[-1] == (
        f"edge-caption: error: {broker.url} refused the login (Not authorized); check the user name and password, "
        "and that this user may write edge_caption/pi/status"
    )
    assert "hush" not in err
    (tmp_path / "password").write_text("hush\n")
    process = start(*arguments, "--password-file", tmp_path / "password")
    assert process.stderr
    assert process.stderr.readline() == f"edge-caption: connected to the broker {broker.url} with MQTT 5\n"


def test_a_lost_camera_shows_in_events_and_status(
    start: Start, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    camera = MjpegCamera()
    config = tmp_path / "settings.toml"
    config.write_text("[camera]\nno_frame_s = 0.5\nfps = 20\n")
    start("--config", config, "--source", camera.url, "--broker", mosquitto.url)
    wait_for(lambda: len(listener.events()) > 3)
    camera.silent.set()
    wait_for(lambda: [event for event in listener.events() if event["event_type"] == "camera_lost"])
    wait_for(lambda: listener.payloads("/porch/status")[-1] == b"offline")
    camera.silent.clear()
    wait_for(lambda: [event for event in listener.events() if event["event_type"] == "camera_back"], 30)
    wait_for(lambda: listener.payloads("/porch/status")[-1] == b"online")
    camera.close()
    lost = next(event for event in listener.events() if event["event_type"] == "camera_lost")
    assert lost["reason"] == "no frame for 0.5 s"
    assert listener.sequences() == set(range(1, len(listener.events()) + 1))


def test_no_pixel_leaves_the_device(start: Start, mosquitto: Mosquitto, listener: Listener, tmp_path: Path) -> None:
    camera = MjpegCamera()
    config = tmp_path / "settings.toml"
    config.write_text("[mqtt]\nhealth_s = 0.5\n")
    url = camera.url.replace("http://", "http://me:hush@")
    process = start("--config", config, "--source", url, "--fps", 20, "--broker", mosquitto.url)
    wait_for(lambda: len(listener.events()) > 20)
    wait_for(lambda: listener.payloads("/health"))
    process.send_signal(signal.SIGTERM)
    code, out, err = end(process)
    camera.close()
    assert code == 0
    topics = {message.topic for message in listener.messages}
    assert {topic.removeprefix("edge_caption/pi/") for topic in topics} == MOST_BYTES.keys()
    for message in listener.messages:
        _assert_words_only(message.topic.removeprefix("edge_caption/pi/"), bytes(message.payload))
    assert "hush" not in out + err + str([message.payload for message in listener.messages])


MOST_BYTES = {
    "status": 7,
    "health": 2000,
    "info": 16_000,
    "cam/porch/enabled/state": 3,
    "cam/porch/status": 10,
    "cam/porch/caption": 1500,
    "cam/porch/event": 1500,
}
"""Half as much again as there is now. Info holds the settings' schema."""


def _assert_words_only(topic: str, payload: bytes) -> None:
    """A frame of 320x240 takes kilobytes in any form; words and figures are short and printable."""
    payload.decode()
    assert len(payload) <= MOST_BYTES[topic]
    if payload in (b"online", b"offline", b"ON"):
        return

    def check(value: object) -> None:
        match value:
            case str():
                assert len(value) < 300
            case dict():
                for each in value.values():
                    check(each)
            case list():
                assert len(value) <= 60
                for each in value:
                    check(each)

    check(msgspec.json.decode(payload))


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_hangs_does_not_hold_up_the_stop(start: Start, mosquitto: Mosquitto, scheme: str) -> None:
    server = MuteServer()
    process = start("--source", f"{scheme}://127.0.0.1:{server.port}/x", "--broker", mosquitto.url)
    wait_for(lambda: retained(mosquitto.port).get("edge_caption/pi/status") == b"online")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, _, err = end(process)
    server.close()
    assert (code, "Traceback" in err) == (0, False)
    # FFmpeg would wait ten seconds for the camera's answer.
    assert time.monotonic() - began < 6
    assert retained(mosquitto.port)["edge_caption/pi/status"] == b"offline"


def test_a_full_disk_ends_it_with_one_sentence_and_keeps_what_there_is(
    start: Start, film: Path, tmp_path: Path
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    broker = f"mqtt://127.0.0.1:{free_port()}"
    code, out, err = end(start("--source", film, "--loop", "--fps", 200, "--broker", broker, preexec_fn=limit))
    assert code == 1
    assert err.splitlines()[-1].startswith("edge-caption: error: the disk refuses captions in ")
    assert "Traceback" not in err
    # Every caption that was shown is on disk.
    assert left_on_disk(tmp_path) == list(range(1, len(out.splitlines()) + 1))


def test_a_second_one_with_the_same_state_is_refused(start: Start, film: Path, mosquitto: Mosquitto) -> None:
    arguments = ("--source", film, "--loop", "--broker", mosquitto.url)
    first = start(*arguments)
    assert first.stdout
    assert first.stdout.readline()
    code, _, err = end(start(*arguments))
    assert (code, "another edge-caption" in err) == (1, True)
    assert first.poll() is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--source", "97"], "there is no camera /dev/video97"),
        (["--source", "none.mp4"], "there is no video none.mp4"),
        (["--source", "porch=none.mp4", "--camera", "hall"], "the sources have names already; leave --camera out"),
        ([], "no camera is given"),
        (["--source", "x.mp4", "--config", "none.toml"], "the settings cannot be read: none.toml"),
        (["--source", "x.mp4", "--password-file", "none"], "the password file none cannot be read"),
        (["--source", "x.mp4", "--bundle", "none"], "none"),
        (["--source", "x.mp4", "--ca-file", "none"], "for mqtts:// only"),
        (["--source", "x.mp4", "--protocol", "5", "--broker", "embedded"], "speaks MQTT 3.1.1 only"),
    ],
)
def test_what_cannot_work_ends_with_one_sentence(start: Start, arguments: list[str], sentence: str) -> None:
    broker = [] if "--broker" in arguments else ["--broker", f"mqtt://127.0.0.1:{free_port()}"]
    code, out, err = end(start(*broker, *arguments))
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("edge-caption: error: ")
    assert sentence in err.splitlines()[-1]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fps", "0"],
        ["--fps", "fast"],
        ["--min-confidence", "1.1"],
        ["--min-confidence", "nan"],
        ["--node", "a/b"],
        ["--camera", ""],
        ["--prefix", "#"],
        ["--source", "ftp://x"],
        ["--broker", "me:hush@host"],
        ["--broker", "mqtt://:hush@host"],
        ["--backend", "nope"],
        ["--protocol", "4"],
        ["--no-such-option"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_repeats_no_password(start: Start, arguments: list[str]) -> None:
    code, out, err = end(start(*arguments))
    assert (code, out) == (2, "")
    assert arguments[0] in err.splitlines()[-1]
    assert "hush" not in err
