"""Films whose times can't be trusted, made by FFmpeg and as numbers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edge_caption.cameras.film_clock import FilmClock
from tests.cameras.test_files import opened

FFMPEG = shutil.which("ffmpeg") or ""


def passed(fps: float, times_s: list[float]) -> float:
    clock = FilmClock(fps)
    for at_s in times_s:
        clock.advance(at_s)
    return clock.passed_s


@pytest.mark.parametrize(
    ("fps", "times_s", "expected"),
    [
        (10, [0, 0.1, 0.3], 0.3),
        (10, [7200, 7200.1], 0.1),
        (10, [0, 0.1, 0, 0.1], 0.3),
        (10, [0, 0.1, 3600.1, 3600.2], 3600.2),
        (10, [0, 0, 0], 0.2),
        (0, [0, 0], 1 / 25),
        (1000, [0, 0], 1 / 25),
        (float("nan"), [0, 0], 1 / 25),
    ],
)
def test_steps_add_up_and_one_that_is_none_is_a_frame(fps: float, times_s: list[float], expected: float) -> None:
    assert passed(fps, times_s) == pytest.approx(expected)


def film(path: Path, *, fps: int = 10, size: str = "320x240", seconds: int = 3) -> Path:
    if not FFMPEG:
        pytest.skip("needs ffmpeg; Debian: apt install ffmpeg")
    source = f"testsrc=d={seconds}:r={fps}:s={size}"
    command = [FFMPEG, "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-g", "10"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", path], check=True)
    return path


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def count(path: Path, fps: float) -> int:
    camera = opened(path, fps=fps)
    frames = 0
    while camera.read():
        frames += 1
    camera.close()
    return frames


@pytest.mark.parametrize(
    "second",
    [{}, {"size": "640x480"}, {"fps": 25}],
    ids=["times that begin again", "another size", "another rate"],
)
def test_all_of_a_film_of_joined_files_is_seen(
    tmp_path: Path, second: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    first = film(tmp_path / "first.ts")
    other = film(tmp_path / "second.ts", **second)  # type: ignore[arg-type]
    # Six seconds; the first step of the second half may come a frame early.
    assert count(joined(tmp_path / "both.ts", first, other), fps=5) in (30, 31)
    assert not caplog.records


def test_a_film_without_times_is_seen_and_reported_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = film(tmp_path / "raw.h264", fps=25)
    camera = opened(raw, fps=5, loop=True)
    frames = [camera.read() for _ in range(40)]
    camera.close()
    assert all(frames)
    (record,) = caplog.records
    assert "raw.h264 has no times, so 25 of its frames count as a second; put it into a container" in record.message


def test_a_gap_in_the_times_is_passed_without_making_up_for_it(tmp_path: Path) -> None:
    plain = film(tmp_path / "plain.ts")
    jump = "[0:v]setpts='if(lt(N,15),PTS,PTS+3600/TB)'[v]"
    command = [FFMPEG, "-loglevel", "error", "-y", "-i", str(plain), "-filter_complex", jump, "-map", "[v]"]
    subprocess.run([*command, "-fps_mode", "passthrough", tmp_path / "jump.mkv"], check=True)
    assert count(tmp_path / "jump.mkv", fps=5) in (15, 16)
