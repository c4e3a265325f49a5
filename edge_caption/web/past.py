"""The history that the page searches: on disk where it is kept, else in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from edge_caption.errors import ConfigError, HistoryError
from edge_caption.records import AlertRecord, CameraEvent, CaptionRecord

log = logging.getLogger(__name__)

Told: TypeAlias = CaptionRecord | CameraEvent | AlertRecord
"""What the history shows."""


class Entry(Protocol):
    """A caption of the past."""

    @property
    def id(self) -> str: ...

    @property
    def camera(self) -> str: ...

    @property
    def captured_at(self) -> float: ...

    @property
    def caption(self) -> str: ...

    @property
    def language(self) -> str: ...

    @property
    def confidence(self) -> float: ...


Search: TypeAlias = Callable[[str | None, str | None, int], Sequence[Entry]]
"""Words or None, camera or None, how many -> the newest captions that fit. Raises ConfigError where there is no word
in the question, HistoryError where the file can't be used."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A caption of the past, as the page shows it; named as in its record."""

    id: str
    event_type: str = "caption"
    camera: str
    captured_at: float
    caption: str
    language: str
    confidence: float


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a search."""

    kept: bool
    """Whether captions come from the disk; else from memory, which begins with the program."""
    problem: str | None = None
    """Why the disk's could not be read; those of memory stand in."""
    records: list[Any]


def find(search: Search | None, words: str, camera: str | None, remembered: Sequence[Told], most: int) -> Found:
    """Return the newest of what fits, newest first.

    Args:
        search: in the history on disk; None where none is kept.
        words: all of them; none: any.
        camera: only this one's.
        remembered: what fits of the memory, newest first.
        most: how many at most.
    """
    if search is None:
        return Found(kept=False, records=list(remembered))
    try:
        entries = search(words or None, camera, most)
    except ConfigError:  # there is no word in the question
        entries = ()
    except HistoryError as error:
        log.debug("the page shows captions of memory", exc_info=error)
        return Found(kept=False, problem=str(error), records=list(remembered))
    lines = {entry.id: Line(**{name: getattr(entry, name) for name in FIELDS}) for entry in entries}
    # Events and alerts are in memory alone, and so is a caption that is not on the disk yet, or found no room there.
    new = [one for one in remembered if one.id not in lines]
    return Found(kept=True, records=sorted([*new, *lines.values()], key=lambda one: -one.captured_at)[:most])


FIELDS = tuple(name for name in Line.__struct_fields__ if name != "event_type")
