from __future__ import annotations

import time
from datetime import datetime

import pytest

from edge_caption.errors import ConfigError
from edge_caption.history.when import moment

NOW = datetime.fromisoformat("2026-11-28 15:30")  # a Saturday


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-11-28 15:30"),
        ("today", "2026-11-28 00:00"),
        ("Yesterday", "2026-11-27 00:00"),
        ("friday", "2026-11-27 00:00"),
        ("saturday", "2026-11-21 00:00"),
        ("14:05", "2026-11-28 14:05"),
        ("yesterday 8:00", "2026-11-27 08:00"),
        ("2h", "2026-11-28 13:30"),
        ("90 minutes ago", "2026-11-28 14:00"),
        ("1.5 days", "2026-11-27 03:30"),
        ("1w", "2026-11-21 15:30"),
        ("2026-11-01", "2026-11-01 00:00"),
        ("2026-11-01 08:15", "2026-11-01 08:15"),
        ("2026-11-01T08:15:00", "2026-11-01 08:15"),
    ],
)
def test_moments_are_local_time(text: str, meant: str) -> None:
    assert moment(text, NOW) == datetime.fromisoformat(meant).timestamp()


def test_yesterday_begins_at_midnight_where_the_clocks_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    noon = datetime.fromisoformat("2026-10-26 12:00")
    try:
        assert moment("yesterday", noon) == 1792879200  # 2026-10-25T00:00+02:00
        assert moment("today", noon) == 1792879200 + 25 * 3600
        assert moment("2026-10-26T00:00+00:00") == 1792879200 + 26 * 3600
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "tomorrow", "25:00", "2026-13-01", "999999w", "2 moons", "yesterday evening"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no moment; write today"):
        moment(text, NOW)
