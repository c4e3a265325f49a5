from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_caption.cameras.kinds import feed_of, kind_of, photos, video
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source, named_source
from edge_caption.errors import ConfigError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0", "device"),
        ("/dev/video2", "device"),
        ("/dev/v4l/by-id/usb-Camera-video-index0", "device"),
        ("/dev/porch", "device"),
        ("/dev/null", "device"),
        ("/dev/shm/walk.mp4", "video"),
        ("photo.heic", "photos"),
        ("rtsp://cam/1", "stream"),
        ("http://cam:8080/video", "web"),
        ("walk.mp4", "video"),
        ("photo.JPG", "photos"),
        ("photos/*.jpg", "photos"),
        ("/tmp", "photos"),
    ],
)
def test_the_kind_follows_from_the_form(address: str, kind: str) -> None:
    source = Source(address)
    assert kind_of(source).__name__ == kind
    assert feed_of(source, CameraSettings()).live == (kind in ("device", "stream", "web"))


@pytest.mark.parametrize(
    ("address", "settings", "idle"),
    [
        ("rtsp://cam/1", {"width": 640, "height": 480, "transport": "udp"}, "width and height"),
        ("http://cam/1", {"transport": "udp", "tls_insecure": True}, "transport"),
        ("walk.mp4", {"watch": True, "loop": True}, "watch"),
        ("csi://0", {"width": 640, "capture_fps": 5.0, "pixel_format": "MJPG"}, "pixel_format"),
        ("photos/*.jpg", {"watch": True}, None),
        ("0", {"width": 640, "height": 480, "capture_fps": 5.0, "pixel_format": "MJPG"}, None),
    ],
)
def test_a_setting_that_the_source_has_no_use_for_is_named(
    address: str, settings: dict[str, Any], idle: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    feed_of(Source(address), CameraSettings(**settings))
    said = [record.message.partition("has no use for the setting ")[2].partition(";")[0] for record in caplog.records]
    assert said == ([idle] if idle else [])


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "walk[1].mp4").touch()
    assert kind_of(Source(str(tmp_path / "walk[1].mp4"))) is video


def test_login_path_and_query_are_not_shown() -> None:
    source = Source("rtsp://me:hu%40sh@cam:554/user=me_password=hush.sdp?token=hush")
    assert str(source) == "rtsp://cam:554/…"
    assert "hush" not in repr(source) + str(source)
    assert "hu%40sh" in source.address


@pytest.mark.parametrize(
    "address",
    [
        *("", " ", "a\0b", "ftp://cam/1", "rtsp://", "rtsp://me:hush/x@cam:1/"),
        *(
            "rtsp://me:12/34hush@cam/1",
            "rtsp://me:12?hush@cam/1",
            "rtsp://me:12#hush@cam/1",
            "rtsp://me:p@ss/hush@cam/1",
        ),
        *(
            "me:hush@cam/1",
            "me:h*?[us]hush@cam/1",
            "rtsp:/me:hush@cam/1",
            "rtsp:/cam?token=hush",
            "me:hush@rtsp://cam/1",
        ),
        *("hush" * 100, "~nobody-hush/walk.mp4"),
    ],
)
def test_what_is_no_source_is_refused_without_repeating_a_login(address: str) -> None:
    with pytest.raises(ConfigError, match="source") as caught:
        Source(address)
    assert "hush" not in str(caught.value)


def test_a_long_pipeline_may_have_a_name() -> None:
    name, source = named_source(f"porch=videotestsrc name={'hush' * 100} ! videoconvert")
    assert (name, str(source)) == ("porch", "gst:videotestsrc ! videoconvert")


def test_a_path_may_look_like_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("12:30@porch").mkdir()
    assert kind_of(Source("12:30@porch")) is photos
    assert kind_of(Source("12:30@porch/gone*.jpg")) is photos
    assert kind_of(Source(f"{tmp_path}/12:45@porch.mp4")) is video
