"""Cameras on HTTP: streams, snapshots, logins, certificates, and what is no camera."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_caption.cameras.camera import Camera
from edge_caption.cameras.jpeg_stream import JpegStream
from edge_caption.cameras.login import Login
from edge_caption.cameras.snapshot import Snapshot
from edge_caption.cameras.stream import Stream
from edge_caption.errors import CameraError
from tests.cameras.servers import draw_time, read_age_s
from tests.cameras.test_files import opened, write_film
from tests.cameras.web_camera import LOGIN, WebCamera, jpeg_of


@pytest.fixture
def server() -> Iterator[WebCamera]:
    with closing(WebCamera()) as made:
        yield made


def ages(camera: Camera, count: int) -> list[float]:
    """Return how old each of some frames is, and hang up."""
    seen = []
    for _ in range(count):
        frame = camera.read()
        assert frame
        seen.append(read_age_s(frame.pixels, time.time()))
    camera.close()
    return seen


@pytest.mark.parametrize("path", ["chunked", "esp32"])
def test_streams_that_break_the_standard_are_read(
    server: WebCamera, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    camera = opened(f"http://{server.host}/{path}")
    assert isinstance(camera, JpegStream)
    assert max(ages(camera, 9)) < 2
    assert not caplog.records


def test_a_stream_without_jpegs_is_refused(server: WebCamera) -> None:
    camera = opened(f"http://{server.host}/nothing")
    with pytest.raises(CameraError, match="sends no JPEGs; give the URL"):
        camera.read()
    camera.close()


@pytest.mark.parametrize("path", ["snap.jpg", "bare"])
def test_a_snapshot_is_asked_for_at_the_pace_of_fps(server: WebCamera, path: str) -> None:
    camera = opened(f"http://{server.host}/{path}", fps=20)
    assert isinstance(camera, Snapshot)
    began = time.monotonic()
    for number in range(8):
        frame = camera.read()
        assert frame
        assert read_age_s(frame.pixels, 1.0 + number) < 0.01
        server.picture = jpeg_of(draw_time(2.0 + number))
    assert len(server.asked) == 8
    assert time.monotonic() - began >= 7 / 20 - 0.05


def test_a_snapshot_that_is_still_the_same_is_not_sent_again(server: WebCamera) -> None:
    camera = opened(f"http://{server.host}/snap.jpg", fps=100)
    seen = [camera.read() for _ in range(4)]
    assert server.answers == [200, 304, 304, 304]
    assert all(frame and read_age_s(frame.pixels, 1) == 0 for frame in seen)
    server.picture = jpeg_of(draw_time(5))
    frame = camera.read()
    assert frame
    assert read_age_s(frame.pixels, 5) == 0


def test_a_snapshot_that_fails_once_is_asked_for_again_and_in_the_end_given_up(server: WebCamera) -> None:
    camera = opened(f"http://{server.host}/snap.jpg", fps=100, no_frame_s=0.4)
    camera.read()
    server.status = 503
    with pytest.raises(CameraError, match="answers with the status 503"):
        camera.read()
    assert server.answers.count(503) > 1
    server.status = 200
    assert camera.read()


def test_half_a_snapshot_is_refused(server: WebCamera) -> None:
    with pytest.raises(CameraError, match="can't be decoded"):
        opened(f"http://{server.host}/half")


def test_a_web_page_is_no_camera(server: WebCamera) -> None:
    with pytest.raises(CameraError, match="gives a web page; give the URL of the camera's MJPEG stream or of its snap"):
        opened(f"http://{server.host}/page")


@pytest.mark.parametrize(("file", "codec"), [("film.ts", "mp2v"), ("film.avi", "MJPG")])
def test_a_film_on_http_is_read_too(server: WebCamera, tmp_path: Path, file: str, codec: str) -> None:
    server.film = write_film(tmp_path / file, 50, codec).read_bytes()
    camera = opened(f"http://{server.host}/walk.ts")
    assert isinstance(camera, Stream)
    assert camera.read()
    camera.close()


@pytest.mark.parametrize(("algorithm", "digest"), [("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)])
def test_a_password_may_have_an_umlaut(algorithm: str, digest: Any) -> None:
    def hashed(text: str) -> str:
        return str(digest(text.encode()).hexdigest())

    login = Login("rtsp://me:Schl%C3%BCssel@cam/1")
    said = login.answer([f'Digest realm="cam", nonce="n0", algorithm={algorithm}'], "DESCRIBE")
    assert said
    expected = hashed(f"{hashed('me:cam:Schlüssel')}:n0:{hashed('DESCRIBE:rtsp://cam/1')}")
    assert f'response="{expected}"' in said


def test_a_path_may_have_blanks_and_umlauts(server: WebCamera) -> None:
    assert opened(f"http://{server.host}/snap.jpg?channel=Tür vorn%20&x=1").read()
    assert server.paths[-1] == "/snap.jpg?channel=T%C3%BCr%20vorn%20&x=1"


@pytest.mark.parametrize("path", ["basic", "md5", "sha256", "both"])
def test_a_login_is_answered_and_a_wrong_one_tried_once(server: WebCamera, path: str) -> None:
    assert opened(f"http://{LOGIN}@{server.host}/{path}").read()
    server.asked.clear()
    for login, sentence in (("me:wronghush@", "refuses the login"), ("", "wants a login; write it as http://user:")):
        with pytest.raises(CameraError, match=sentence) as caught:
            opened(f"http://{login}{server.host}/{path}")
        assert "hush" not in str(caught.value)
    assert len(server.asked) == 3


def test_the_password_is_not_sent_bare_where_a_digest_does(server: WebCamera) -> None:
    opened(f"http://{LOGIN}@{server.host}/both").close()
    sent = [headers["Authorization"] for headers in server.asked if "Authorization" in headers]
    assert [login.partition(" ")[0] for login in sent] == ["Digest"]


@pytest.mark.parametrize(("status", "sentence"), [(403, "forbids"), (404, "check the path"), (500, "status 500")])
def test_refusals_say_what_to_check(server: WebCamera, status: int, sentence: str) -> None:
    server.status = status
    with pytest.raises(CameraError, match=sentence):
        opened(f"http://{server.host}/snap.jpg")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One that a camera signed itself."""
    file = tmp_path / "camera.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=cam -addext subjectAltName=IP:127.0.0.1"
    done = subprocess.run(
        [*command.split(), "-keyout", file, "-out", tmp_path / "cert"], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("there is no openssl")
    file.write_bytes(file.read_bytes() + (tmp_path / "cert").read_bytes())
    return file


def test_a_certificate_that_nobody_vouches_for_is_taken_only_when_told(certificate: Path) -> None:
    with closing(WebCamera(certificate)) as server:
        with pytest.raises(CameraError, match=r"set tls_insecure = true for the camera") as caught:
            opened(f"https://{LOGIN}@{server.host}/basic")
        assert "hu" not in str(caught.value)
        assert not server.asked
        assert opened(f"https://{LOGIN}@{server.host}/basic", tls_insecure=True).read()


def test_what_is_no_web_server_is_told_apart(server: WebCamera) -> None:
    with pytest.raises(CameraError, match=r"does not open \(no TLS there\)"):
        opened(f"https://{server.host}/snap.jpg", tls_insecure=True)
    with pytest.raises(CameraError, match=r"does not open \(Connection refused\); check the address"):
        opened("http://127.0.0.1:1/snap.jpg")
    with pytest.raises(CameraError, match=r"does not open \(its name is unknown\)"):
        opened("http://nowhere.invalid/snap.jpg")


def test_no_message_of_urllib_is_logged(server: WebCamera, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    opened(f"http://{LOGIN}@{server.host}/md5").close()
    assert not caplog.records
