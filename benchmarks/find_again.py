"""What a further question to `edge-caption find` takes, once it has seen 10,000 photos."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_caption.errors import ConfigError
from edge_caption.images.photos import list_photos

QUESTIONS = (
    "a child on a slide",
    "two dogs run on the beach",
    "a man in a red shirt climbs a rock",
    "people sit at a table with food",
    "a white car on a street",
)


@dataclass(frozen=True)
class _Asked:
    """What one run of the program took."""

    seconds: float
    processor_s: float
    peak_rss_mb: float


def measure(photos: Path, count: int, bundle: Path | None) -> dict[str, Any]:
    """Ask one question to an album that was never seen, then others.

    Args:
        photos: a folder; where it has fewer than `count`, they come again under other names.
        count: photos of the album.
        bundle: of the model.
    """
    files = list_photos(photos)
    with tempfile.TemporaryDirectory(prefix="edge-caption-find-") as root:
        album = Path(root, "album")
        album.mkdir()
        for number in range(count):
            file = files[number % len(files)]
            (album / f"{number:06}{file.suffix}").symlink_to(file.absolute())
        first, *further = [_ask(album, question, Path(root, "cache"), bundle) for question in QUESTIONS]
        cache = sum(file.stat().st_size for file in Path(root, "cache").rglob("*") if file.is_file())
    return {
        "cores": len(os.sched_getaffinity(0)),
        "photos": count,
        "distinct_photos": min(count, len(files)),
        "first_question_s": round(first.seconds, 2),
        "further_question_s": round(statistics.median(asked.seconds for asked in further), 2),
        "further_questions_s": [round(asked.seconds, 2) for asked in further],
        "further_question_processor_s": round(statistics.median(asked.processor_s for asked in further), 2),
        "peak_rss_mb": round(max(asked.peak_rss_mb for asked in further), 1),
        "cache_mb": round(cache / 1e6, 1),
    }


def _ask(album: Path, question: str, cache: Path, bundle: Path | None) -> _Asked:
    """Run the program as a user does, its start included.

    Raises:
        ConfigError: it failed.
    """
    chosen: Sequence[str] = ("--bundle", str(bundle)) if bundle else ()
    command = [sys.executable, "-m", "edge_caption", "find", question, str(album), "--limit", "1", *chosen]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ConfigError(f"edge-caption find ended with {process.returncode}; run it by hand to see why")
    return _Asked(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)
