"""`edge-caption doctor camera` on real cameras, well and ill."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_caption.commands.cli import main
from tests.cameras.faulty import FaultyCamera
from tests.cameras.rtsp import RtspCamera
from tests.cameras.servers import MuteServer
from tests.cameras.test_files import album, write_film
from tests.cameras.test_web import certificate
from tests.cameras.web_camera import LOGIN, WebCamera

__all__ = ["album", "certificate"]

Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run it for a second; return the exit code and what it said."""

    def run(address: object, *options: str) -> tuple[int, str]:
        code = main(["doctor", "camera", str(address), "--seconds", "1", *options])
        said = "".join(capsys.readouterr())
        assert "hush" not in said
        assert "hu%20sh" not in said
        return code, said

    return run


@pytest.fixture
def camera() -> Iterator[FaultyCamera]:
    with closing(FaultyCamera()) as made:
        yield made


def test_a_camera_that_works_is_measured(camera: FaultyCamera, doctor: Doctor) -> None:
    code, said = doctor(camera.url, "--json")
    facts = json.loads(said)
    assert code == 0
    assert (facts["picture"], facts["codec"], facts["advice"]) == ("320x240", "JPEG", [])
    assert 15 < facts["frames_per_s"] < 26
    assert 0.03 < facts["usual_gap_s"] < 0.08
    assert facts["longest_gap_s"] < 0.5
    code, said = doctor(camera.url)
    assert "nothing is wrong with it" in said


def test_what_a_camera_does_wrong_is_told_with_what_to_do(camera: FaultyCamera, doctor: Doctor) -> None:
    camera.fault = "freeze"
    assert "frames were the same; restart the camera" in doctor(camera.url)[1]
    camera.fault = None
    camera.size = (1920, 1080)
    assert "the camera's smaller stream costs less" in doctor(camera.url)[1]


def test_a_camera_that_stalls_or_hangs_up_is_told(camera: FaultyCamera, doctor: Doctor) -> None:
    def stall(number: int) -> None:
        if number == 5:
            camera.fault = "stall"

    camera.on_frame = stall
    said = doctor(camera.url, "--seconds", "2")[1]
    assert "no frame came for 1." in said
    assert "check its network or cable" in said


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("page", "gives a web page"),
        ("json", "gives JSON; give the URL of the camera's MJPEG stream or of its snapshot"),
        ("empty", "gives nothing; give the URL of the camera's MJPEG stream or of its snapshot"),
        ("half", "can't be decoded (cut short)"),
        ("basic", "refuses the login; check the user name and password"),
    ],
)
def test_what_is_no_camera_is_one_sentence(path: str, sentence: str, doctor: Doctor) -> None:
    with closing(WebCamera()) as server:
        code, said = doctor(f"http://me:hush@{server.host}/{path}")
    assert code == 1
    assert sentence in said
    assert said.count("\n") == 1


def test_a_certificate_is_taken_when_told(certificate: Path, doctor: Doctor) -> None:
    with closing(WebCamera(certificate)) as server:
        address = f"https://{LOGIN}@{server.host}/basic"
        assert "set tls_insecure = true for the camera" in doctor(address)[1]
        code, said = doctor(address, "--tls-insecure", "--json")
    assert (code, json.loads(said)["codec"]) == (0, "single pictures")


def test_why_rtsp_gives_nothing_is_found_out(doctor: Doctor) -> None:
    with closing(RtspCamera()) as rtsp:
        code, said = doctor(rtsp.url, "--json")
        assert (code, json.loads(said)["picture"]) == (0, "320x240")
        for address, sentence in (
            (rtsp.url.replace("me:hush", "me:wronghush"), "refuses the login; check the user name and password"),
            (rtsp.url.replace("me:hush@", ""), "wants a login; write it as rtsp://user:password@host/…"),
            (rtsp.url.replace("porch", "hush"), "has nothing there; check the path of the URL"),
        ):
            code, said = doctor(address)
            assert code == 1
            assert sentence in said
            assert said.count("\n") == 1


def test_the_program_ends_well_while_frames_come() -> None:
    """In a process of its own: what fails is Python's end, while a thread is within OpenCV."""
    with closing(RtspCamera()) as rtsp:
        for _ in range(3):
            command = [sys.executable, "-m", "edge_caption", "doctor", "camera", rtsp.url, "--seconds", "0.5"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_is_no_camera_is_told(doctor: Doctor) -> None:
    with closing(WebCamera()) as server:
        assert "does not speak RTSP there; check the port" in doctor(f"rtsp://{server.host}/x")[1]
    assert "can't be reached on port 1 (Connection refused)" in doctor("rtsp://127.0.0.1:1/x")[1]
    assert "can't be reached on port 554 (its name is unknown)" in doctor("rtsp://nowhere.invalid/x")[1]


def test_a_server_that_says_nothing_is_told(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_caption.cameras.rtsp_probe import explain_rtsp
    from edge_caption.cameras.source import Source

    with closing(MuteServer()) as server:
        assert "(no answer)" in explain_rtsp(Source(f"rtsp://127.0.0.1:{server.port}/x"), 0.2)


def test_files_are_measured_too(album: Path, doctor: Doctor) -> None:
    code, said = doctor(album, "--json")
    assert (code, json.loads(said)["picture"]) == (0, "80x60")
    assert "there is no video" in doctor("none.mp4")[1]


def test_what_the_first_moments_took_is_not_held_against_a_camera_that_ends(doctor: Doctor) -> None:
    with closing(WebCamera()) as server:
        said = doctor(f"http://{server.host}/alone")[1]
    assert "it ended within the time" in said
    assert "of a processor core" not in said


def test_a_picture_is_one_whatever_its_type_says(doctor: Doctor) -> None:
    with closing(WebCamera()) as server:
        code, said = doctor(f"http://{server.host}/lie", "--json")
    assert (code, json.loads(said)["codec"]) == (0, "single pictures")


def test_a_film_that_is_over_before_the_time_has_a_codec(tmp_path: Path, doctor: Doctor) -> None:
    code, said = doctor(write_film(tmp_path / "film.avi", 50, "MJPG"), "--json")
    assert (code, json.loads(said)["codec"]) == (0, "MJPG")


def test_a_topic_needs_its_broker(doctor: Doctor) -> None:
    assert "see with mosquitto_sub whether any come" in doctor("mqtt:yard/jpeg")[1]
