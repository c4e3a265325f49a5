"""A sink that reads captions aloud: always the newest, never one twice in a row."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass

from edge_caption.model.caption import CaptionedFrame
from edge_caption.records import AlertRecord, CaptionRecord, Record
from edge_caption.speech.engine import Engine
from edge_caption.speech.settings import SpeechSettings
from edge_caption.text import CHINESE

log = logging.getLogger(__name__)

OLD_S = 10.0
"""A caption older than this is said with its age."""

POLL_S = 0.02

ALERT = {"en": "alert: ", "zh": "警报:"}

AGO = {"en": ", {:.0f} seconds ago", "zh": ",{:.0f}秒前"}


@dataclass(frozen=True)
class _Utterance:
    text: str
    language: str = "en"
    of: CaptionRecord | None = None


class Speaker:
    """Says the newest caption when the one before is said; an alert or a question cuts in."""

    name = "the voice"
    wants_frames = False

    def __init__(self, settings: SpeechSettings) -> None:
        """Find the program that speaks, and start a thread: a sentence takes seconds.

        Raises:
            ConfigError: there is none.
        """
        self._settings = settings
        self._engine = Engine(settings)
        self._changed = threading.Condition()
        self._next: _Utterance | None = None
        self._newest: CaptionRecord | None = None
        self._said: dict[tuple[str, str], float] = {}  # grows with the captions of a model that has but so many
        self._cut = self._closed = self._failed = False
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        """Say a caption unless it was said lately; a newer one takes its place while another is being said."""
        match record:
            case AlertRecord():
                # Its name is the user's own, in whatever language.
                language = "zh" if re.search(f"[{CHINESE}]", record.alert) else "en"
                alert = f"{ALERT[language]}{record.alert}"
                self._put(_Utterance(self._named(record.camera, alert), language), cut=True)
            case CaptionRecord():
                self._newest = record
                if record.confidence >= self._settings.min_confidence and self._is_new(record):
                    self._put(self._utterance(record), cut=False)

    def repeat(self) -> None:
        """Say now what is to be seen, with its age where that is not the present; for any thread."""
        newest = self._newest
        if newest is None:
            self._put(_Utterance("nothing was seen yet"), cut=True)
            return
        age = time.time() - newest.captured_at
        old = AGO.get(newest.language, "").format(age) if age > OLD_S else ""
        self._put(self._utterance(newest, old), cut=True)

    def close(self) -> None:
        """Fall silent at once."""
        with self._changed:
            self._closed = self._cut = True
            self._changed.notify()
        self._thread.join(1)

    def _named(self, camera: str, sentence: str) -> str:
        return f"{camera}: {sentence}" if self._settings.name_cameras else sentence

    def _utterance(self, record: CaptionRecord, added: str = "") -> _Utterance:
        perhaps = "perhaps " if record.doubtful and record.language == "en" else ""
        return _Utterance(self._named(record.camera, perhaps + record.caption + added), record.language, record)

    def _is_new(self, record: CaptionRecord) -> bool:
        said = self._said.get((record.camera, record.caption))
        return said is None or time.monotonic() - said >= self._settings.repeat_after_s

    def _put(self, utterance: _Utterance, *, cut: bool) -> None:
        with self._changed:
            # What cuts in is not replaced by a caption before it was said.
            if cut or not (self._cut and self._next):
                self._next, self._cut = utterance, cut
            self._changed.notify()

    def _run(self) -> None:
        while (utterance := self._wait()) is not None:
            self._say(utterance)

    def _wait(self) -> _Utterance | None:
        with self._changed:
            self._changed.wait_for(lambda: self._next or self._closed)
            taken, self._next, self._cut = self._next, None, False
            return None if self._closed else taken

    def _say(self, utterance: _Utterance) -> None:
        if record := utterance.of:
            self._said[record.camera, record.caption] = time.monotonic()
        try:
            saying = self._engine.start(utterance.text, utterance.language)
        except OSError as error:
            self._warn(str(error.strerror))
            return
        with self._changed:
            while not saying.over and not self._cut:
                self._changed.wait(POLL_S)
        saying.stop()
        if wrong := saying.end():
            self._warn(wrong)

    def _warn(self, reason: str) -> None:
        """Once, for the next sentence would fail alike."""
        if not self._failed:
            log.warning("nothing can be spoken (%s); captions still go out", reason)
        self._failed = True
