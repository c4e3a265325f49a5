"""Captions to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_caption.history.settings import HistorySettings
from edge_caption.history.store import History
from edge_caption.model.caption import ModelIdentity
from edge_caption.records import CaptionRecord

MODEL = ModelIdentity("test", "0", "fp32", "onnxruntime")


def record(number: int, caption: str, camera: str = "porch", captured_at: float | None = None) -> CaptionRecord:
    return CaptionRecord(
        id=f"pi:{number}", node="pi", camera=camera, caption=caption, language="en", words=(), confidence=0.5,
        captured_at=float(number) if captured_at is None else captured_at, age_ms=1.0, stages_ms={},
        dropped_since_last=0, model=MODEL,
    )  # fmt: skip


def keep(path: Path, sentences: Sequence[str], camera: str = "porch", first: int = 1) -> None:
    """Keep sentences that were said a second each after the epoch."""
    history = History(path, HistorySettings(keep=True, max_days=1e6, min_free_bytes=0))
    for number, sentence in enumerate(sentences, first):
        history.take(record(number, sentence, camera), None)
    history.close()
