"""Finding a photo by what a person wrote of it: the model's likelihood beside full-text search on captions."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.captions import caption_all
from edge_caption.history.words import indexed
from edge_caption.model.captioner import Captioner
from edge_caption.model.likelihood import Question
from edge_caption.model.retrieval.cache import Cache
from edge_caption.model.retrieval.find import Album
from edge_caption.text import split_words
from training.data.captioned_photos import CaptionedPhoto

AT_ONCE = 20
"""Questions that a step of the decoder goes on with."""

RANKS = (1, 5, 10)


def measure(bundle: Path | None, flavour: str | None, photos: Sequence[CaptionedPhoto]) -> dict[str, Any]:
    """Ask for each photo with the first of its sentences; tell how often it is among the first 1, 5 and 10."""
    captioner = Captioner(bundle, flavour=flavour, language=photos[0].language)
    files = [photo.file for photo in photos]
    questions = [captioner.ask(photo.captions[0]) for photo in photos]
    with tempfile.TemporaryDirectory() as folder:
        album = Album(captioner, Cache(Path(folder)))
        began = time.perf_counter()
        album.add(files, print, lambda _: None)
        encoded_s = time.perf_counter() - began
        began = time.perf_counter()
        album.find(questions[0])
        asked_s = time.perf_counter() - began
        likely = np.concatenate([album.log_probs(part) for part in _parts(questions)], axis=1)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    captions = [caption.text for caption in caption_all(captioner, files, len(files), "captions")]
    return {
        "language": captioner.language,
        "photos": len(photos),
        "likelihood": recall(likely),
        "full_text_on_captions": recall(full_text(captions, [photo.captions[0] for photo in photos])),
        "chance": {f"r@{rank}": round(min(1.0, rank / len(photos)), 4) for rank in RANKS},
        "questions_with_unknown_words": sum(bool(question.unknown) for question in questions),
        "ms_a_photo": {
            "first_question": round(encoded_s * 1000 / len(photos), 2),
            "each_further": round(asked_s * 1000 / len(photos), 2),
        },
        "cache_bytes_a_photo": size // len(photos),
    }


def recall(scores: NDArray[Any]) -> dict[str, float]:
    """Return recall at each rank and the median rank, of scores (photos, questions) where the diagonal is right.

    Of equal scores, the right one counts as in the middle.
    """
    right = np.diagonal(scores)
    rank = (scores > right).sum(0) + ((scores == right).sum(0) - 1) / 2 + 1
    return {
        **{f"r@{limit}": round(float((rank <= limit).mean()), 4) for limit in RANKS},
        "median_rank": float(np.median(rank)),
    }


def full_text(captions: Sequence[str], questions: Sequence[str]) -> NDArray[np.float64]:
    """Return FTS5's scores (photos, questions) of captions that hold any of a question's words: bm25, with stems."""
    scores = np.full((len(captions), len(questions)), -np.inf)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE VIRTUAL TABLE words USING fts5(caption, tokenize='porter unicode61')")
        database.executemany("INSERT INTO words VALUES (?)", [(indexed(caption),) for caption in captions])
        for column, question in enumerate(questions):
            query = " OR ".join(f'"{word}"' for word in split_words(indexed(question)))
            rows = database.execute("SELECT rowid - 1, -bm25(words) FROM words WHERE words MATCH ?", (query,))
            for row, score in rows:
                scores[row, column] = score
    return scores


def _parts(questions: Sequence[Question]) -> list[Sequence[Question]]:
    return [questions[start : start + AT_ONCE] for start in range(0, len(questions), AT_ONCE)]
