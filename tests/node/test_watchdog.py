from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_caption.node.watchdog import Advance, Watchdog


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(5)
        yield server


def environment(systemd: socket.socket, interval_us: int = 40_000) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": str(interval_us)}


def test_it_says_ready_alive_and_stopping(systemd: socket.socket) -> None:
    watchdog = Watchdog([lambda: None], environment(systemd))
    assert [systemd.recv(99) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    watchdog.close()
    while (said := systemd.recv(99)) == b"WATCHDOG=1":
        pass
    assert said == b"STOPPING=1"


def test_it_is_silent_while_something_stands_still(systemd: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    reasons: list[str | None] = ["no frame for 61 s"]
    with caplog.at_level(logging.ERROR):
        watchdog = Watchdog([lambda: None, lambda: reasons[0]], environment(systemd))
        assert systemd.recv(99) == b"READY=1"
        systemd.settimeout(0.3)
        with pytest.raises(TimeoutError):
            systemd.recv(99)
    assert sum("no frame for 61 s" in record.getMessage() for record in caplog.records) == 1
    reasons[0] = None
    systemd.settimeout(5)
    assert systemd.recv(99) == b"WATCHDOG=1"
    watchdog.close()


def test_without_systemd_nothing_happens() -> None:
    Watchdog([lambda: "never asked"], {}).close()


def test_what_stands_still_is_found_only_where_it_should_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    now, count, expected = 0.0, 0, True
    monkeypatch.setattr(time, "monotonic", lambda: now)
    advance = Advance("frame", lambda: count, lambda: expected, lambda: 60.0)
    now = 59.0
    assert advance() is None
    now = 61.0
    assert advance() == "no frame for 61 s"
    count = 1
    assert advance() is None
    now, expected = 500.0, False
    assert advance() is None
    expected, now = True, 559.0
    assert advance() is None
