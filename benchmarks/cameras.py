"""`python -m benchmarks cameras`: what many cameras cost, how old their frames are, and what a hung one does to others.

The cameras are a process of their own. Each sends 1280x720 JPEGs at 25 frames a second over HTTP with the time drawn
into them, so the age of a caption is from the drawing to the sentence.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.apart import cameras_apart
from edge_caption.cameras.kinds import feed_of
from edge_caption.commands.measurement.process import running
from edge_caption.config import load
from edge_caption.images.allocator import reuse_frames
from edge_caption.images.frame import Frame
from edge_caption.images.photos import keep_opencv_in_one_thread
from edge_caption.model.captioner import Captioner
from edge_caption.node import start
from edge_caption.records import CaptionRecord, Record
from tests.brokers import Mosquitto
from tests.cameras.servers import MjpegCamera, MuteServer, read_age_s

FRAMES_PER_S = 25
SIZE = 1280, 720
CAPTIONS_PER_S = 5.0
"""Of one camera, or of four together."""

WARM_UP_S = 4.0


def measure(bundle: Path | None, seconds: float) -> dict[str, object]:
    """Run a node on one camera, on four, and on three of them with and without one that hangs."""
    reuse_frames()  # as `edge-caption run` does
    keep_opencv_in_one_thread()
    captioner = Captioner(bundle, threads=1)
    with cameras_apart(_serve, 4) as urls, closing(MuteServer()) as mute:
        hung = f"http://127.0.0.1:{mute.port}/video"
        one = _run_node(captioner, urls[:1], CAPTIONS_PER_S, seconds)
        four = _run_node(captioner, urls, CAPTIONS_PER_S / 4, seconds)
        well = _run_node(captioner, urls[:3], CAPTIONS_PER_S, seconds)
        ill = _run_node(captioner, [*urls[:3], hung], CAPTIONS_PER_S, seconds)
        peak_mb = _peak_mb(urls[0], bundle, round(seconds * CAPTIONS_PER_S))
    return {
        "seconds": seconds,
        "one": one,
        "four": four,
        "three": well,
        "three_and_a_hung_one": ill,
        "processor_of_four_to_one": round(four["processor_ms_per_caption"] / one["processor_ms_per_caption"], 3),
        "rate_with_a_hung_one": round(ill["captions_per_s"] / well["captions_per_s"], 3),
        "peak_rss_mb_with_one": round(peak_mb, 1),
    }


def _peak_mb(url: str, bundle: Path | None, captions: int) -> float:
    """Return the highest resident memory of `edge-caption run` with one camera, in MB (10^6 bytes)."""
    with running([url], CAPTIONS_PER_S, ["--bundle", str(bundle)] if bundle else []) as node:
        node.wait_for(captions)
        return node.end()


class _Ages:
    """A sink that reads how old each captioned frame is."""

    name = "ages"
    wants_frames = True

    def __init__(self) -> None:
        self.ages_ms: list[float] = []
        self.captions_ms: list[float] = []

    def take(self, record: Record, frame: Frame | None) -> None:
        if frame and isinstance(record, CaptionRecord):
            self.ages_ms.append(1000 * read_age_s(frame.pixels, time.time()))
            self.captions_ms.append(sum(record.stages_ms.values()))


def _run_node(captioner: Captioner, urls: Sequence[str], fps: float, seconds: float) -> dict[str, float]:
    ages, stop = _Ages(), threading.Event()
    with tempfile.TemporaryDirectory() as folder, _broker(Path(folder)) as broker:
        cameras = [{"name": f"camera{number}", "source": url} for number, url in enumerate(urls)]
        options = {"state_dir": Path(folder), "camera": {"fps": fps}, "cameras": cameras, "mqtt": {"broker": broker}}
        settings = load(None, options, {})
        feeds = [feed_of(camera.source, camera) for camera in settings.cameras if camera.source]
        node = threading.Thread(target=start.run, args=(settings, feeds, captioner, [ages], stop))
        node.start()
        time.sleep(WARM_UP_S)
        begun, processor = len(ages.ages_ms), time.process_time()
        time.sleep(seconds)
        ended, processor = len(ages.ages_ms), time.process_time() - processor
        stop.set()
        node.join()
    return _figures(ages.ages_ms[begun:ended], ages.captions_ms[begun:ended], processor, seconds)


def _figures(ages_ms: list[float], captions_ms: list[float], processor_s: float, seconds: float) -> dict[str, float]:
    age_ms, caption_ms = statistics.median(ages_ms), statistics.median(captions_ms)
    return {
        "captions_per_s": round(len(ages_ms) / seconds, 3),
        "caption_ms": round(caption_ms, 1),
        "age_ms": round(age_ms, 1),
        "oldest_ms": round(max(ages_ms), 1),
        "age_to_interval_and_caption": round(age_ms / (1000 / FRAMES_PER_S + caption_ms), 3),
        "processor_ms_per_caption": round(1000 * processor_s / len(ages_ms), 2),
    }


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    broker = Mosquitto(folder)
    broker.start()
    try:
        yield broker.url
    finally:
        broker.stop()


def _serve(count: int, connection: Connection) -> None:
    connection.send([MjpegCamera(FRAMES_PER_S, size=SIZE).url for _ in range(count)])
    threading.Event().wait()
