"""When a camera is captioned, in local time: `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge_caption.errors import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DAY = 24 * 60

FORM = re.compile(
    r"(?P<days>[a-z]{3}(?:[-,][a-z]{3})*)?\s*(?:(?P<from>\d{1,2}:\d\d)\s*-\s*(?P<to>\d{1,2}:\d\d))?", re.ASCII
)


@dataclass(frozen=True)
class Span:
    """Some days, and the minutes of each from `begin` to `end`; past midnight where `end` is not later."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Return whether a minute (0-1439) of a weekday (0 is Monday) lies within."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or ((day - 1) % 7 in self.days and minute < self.end)


class Schedule:
    """Spans of the week; without any it is always open."""

    def __init__(self, spans: Iterable[str]) -> None:
        """Read the spans.

        Raises:
            ConfigError: one is not of the form, or never comes.
        """
        self._spans = [read(span) for span in spans]

    def is_open(self, at: datetime) -> bool:
        """Return whether captions are wanted at a local time."""
        minute = at.hour * 60 + at.minute
        return not self._spans or any(span.holds(at.weekday(), minute) for span in self._spans)


def read(text: str) -> Span:
    """Read one span.

    Raises:
        ConfigError: it is not of the form, or never comes.
    """
    found = FORM.fullmatch(text.strip().lower())
    if not found or not any(found.groups()):
        raise ConfigError(f"the schedule {text!r} is not understood; write it as 'mon-fri 08:00-18:00'")
    days = _days(found["days"], text) if found["days"] else frozenset(range(7))
    if not found["from"]:
        return Span(days, 0, DAY)
    begin, end = _minute(found["from"], text), _minute(found["to"], text)
    if end in (begin, begin % DAY):
        raise ConfigError(f"the schedule {text!r} never opens; its end must differ from its beginning")
    return Span(days, begin % DAY, end)


def _days(text: str, whole: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ConfigError(f"the schedule {whole!r} names no day; days are {', '.join(DAYS)}")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days |= {day % 7 for day in range(begin, end + 1 + 7 * (end < begin))}
    return frozenset(days)


def _minute(text: str, whole: str) -> int:
    hour, _, minute = text.partition(":")
    if int(minute) > 59 or int(hour) * 60 + int(minute) > DAY:
        raise ConfigError(f"the schedule {whole!r} has no such time; times are 00:00 to 24:00")
    return int(hour) * 60 + int(minute)
