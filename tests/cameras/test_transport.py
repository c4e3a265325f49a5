"""The environment is the whole process's: cameras that differ open one after the other."""

from __future__ import annotations

import os
import threading

import pytest

from edge_caption.cameras.transport import VARIABLE, Transport
from edge_caption.errors import CameraError


def test_the_users_options_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fflags;nobuffer")
    transport = Transport()
    with transport.chosen("udp", 1):
        assert os.environ[VARIABLE] == "fflags;nobuffer|rtsp_transport;udp"
    with transport.chosen(None, 1):
        assert os.environ[VARIABLE] == "fflags;nobuffer"


def test_cameras_that_agree_open_at_once_and_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    transport = Transport()
    with transport.chosen("udp", 1), transport.chosen("udp", 1):
        with pytest.raises(CameraError, match="give all the same transport"), transport.chosen(None, 0.01):
            pytest.fail("it changed under an opening")
        opened = threading.Event()

        def open_other() -> None:
            with transport.chosen(None, 5):
                assert VARIABLE not in os.environ
                opened.set()

        other = threading.Thread(target=open_other)
        other.start()
        assert not opened.wait(0.1)
    assert opened.wait(5)
    other.join()
