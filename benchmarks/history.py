"""How long a question to the history takes when it holds a million captions."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edge_caption.history.search import Query, search
from edge_caption.history.settings import HistorySettings
from edge_caption.history.store import History
from edge_caption.model.caption import ModelIdentity
from edge_caption.records import CaptionRecord

WHO = "a man,a woman,two people,a dog,a group of people,a child,a car,a cyclist,two dogs,a girl,a cat,a bird,a horse"
DOES = "walking,standing,running,sitting,jumping,riding a bike,playing with a ball,looking up,sleeping,waiting"
WHERE = "on the street,in the grass,on the beach,near a fence,in the snow,by a tree,in front of a house,on a slide"
CHINESE = "一个男人在街上走,一只狗在草地上奔跑,两个人坐在海滩上,一个女孩骑自行车"

CAMERAS = ("porch", "yard", "garage", "gate")

QUESTIONS = {
    "common word": Query("dog"),
    "two words": Query("dog on the beach"),
    "four words": Query("group of people running in the snow"),
    "words that never meet": Query("horse slide piano"),
    "common words that never meet": Query("man cyclist"),
    "rare word": Query("piano"),
    "unknown word": Query("zebra"),
    "quotation": Query('"riding a bike in front of a house"'),
    "Chinese": Query("海滩"),
    "Chinese sentence": Query("狗在草地"),
    "camera and time": Query("dog beach", camera="gate", since=700_000.0, until=720_000.0),
    "camera that nothing fits": Query("dog", camera="cellar"),
    "newest": Query(),
}


def measure(captions: int, rounds: int) -> dict[str, Any]:
    """Keep so many captions in a new file, then ask each question `rounds` times, the file opened each time.

    The first time counts, too: it reads from the disk, or the system's cache of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        began = time.perf_counter()
        _keep(path, captions)
        kept_s = time.perf_counter() - began
        times = {name: _ask(path, query, rounds) for name, query in QUESTIONS.items()}
        return {
            "captions": captions,
            "bytes_each": round(path.stat().st_size / captions, 1),
            "kept_per_s": round(captions / kept_s),
            "ms": times,
            "slowest_ms": max(spent["max"] for spent in times.values()),
        }


def _ask(path: Path, query: Query, rounds: int) -> dict[str, float]:
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        search([path], query)
        spent.append((time.perf_counter() - began) * 1000)
    return {"median": round(statistics.median(spent), 2), "max": round(max(spent), 2)}


def _keep(path: Path, captions: int) -> None:
    settings = HistorySettings(keep=True, max_days=1e6, max_bytes=1 << 40, min_free_bytes=0)
    history = History(path, settings)
    for record in _records(captions):
        history.take(record, None)
    history.close()


def _records(captions: int) -> Iterator[CaptionRecord]:
    """Yield sentences whose parts are the less frequent the later they stand in their list; one in 100,000 is rare."""
    random = np.random.default_rng(0)
    parts = [_draw(random, part.split(","), captions) for part in (WHO, DOES, WHERE, CHINESE)]
    model = ModelIdentity("benchmark", "0", "none", "none")
    for number, (who, does, where, chinese) in enumerate(zip(*parts, strict=True)):
        sentence = chinese if number % 10 == 9 else f"{who} {does} {where}"
        yield CaptionRecord(
            id=f"pi:{number}", node="pi", camera=CAMERAS[number % len(CAMERAS)],
            caption="a piano on a lawn" if number % 100_000 == 7 else sentence, language="en", words=(),
            confidence=0.5, captured_at=float(number), age_ms=1.0, stages_ms={}, dropped_since_last=0, model=model,
        )  # fmt: skip


def _draw(random: np.random.Generator, choices: list[str], count: int) -> list[str]:
    weights = 1 / np.arange(1, len(choices) + 1)
    return [choices[index] for index in random.choice(len(choices), count, p=weights / weights.sum())]
