"""A moment as people say it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from edge_caption.errors import ConfigError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

AGO = re.compile(r"(\d{1,6}(?:\.\d+)?) ?([smhdw])(?:ec|in|our|ay|eek|inute|econd)?s?(?: ago)?")

CLOCK = re.compile(r"(?:(\w+) )?(\d{1,2}):(\d{2})")


def moment(text: str, now: datetime | None = None) -> float:
    """Return the seconds since the Unix epoch that a moment in local time means.

    Args:
        text: today, yesterday, monday (the last one), 14:30, yesterday 14:30, 2h (ago), 2026-11-28 or 2026-11-28 14:30.
        now: local time without a zone; the clock's if None.

    Raises:
        ConfigError: it is none of these.
    """
    now = now or datetime.now()  # noqa: DTZ005 - local time is meant
    said = " ".join(text.lower().split())
    try:
        found = _ago(said, now) or _day(said, now) or _clock(said, now) or datetime.fromisoformat(text.strip())
        return found.timestamp()
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is no moment; write today, yesterday, monday, 14:30, 2h (ago) or a date such as 2026-11-28"
        ) from None


def _ago(said: str, now: datetime) -> datetime | None:
    found = AGO.fullmatch(said)
    return datetime.fromtimestamp(now.timestamp() - _seconds(found)) if found else None  # noqa: DTZ006


def _seconds(found: re.Match[str]) -> float:
    return timedelta(**{UNITS[found[2]]: float(found[1])}).total_seconds()


def _day(said: str, now: datetime) -> datetime | None:
    """Return the midnight that a day began with."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if said == "now":
        return now
    if said in ("today", "yesterday"):
        return midnight - timedelta(days=said == "yesterday")
    if said in DAYS:
        return midnight - timedelta(days=(now.weekday() - DAYS.index(said)) % 7 or 7)
    return None


def _clock(said: str, now: datetime) -> datetime | None:
    found = CLOCK.fullmatch(said)
    day = _day(found[1] or "today", now) if found else None
    return day.replace(hour=int(found[2]), minute=int(found[3])) if found and day else None
