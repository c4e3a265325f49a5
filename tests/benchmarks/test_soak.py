from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.soak import measure

pytestmark = pytest.mark.skipif(
    not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()), reason="mosquitto is not installed"
)


def test_a_short_soak_sees_every_caption_over_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.soak.OUTAGE_S", 1.0)
    found = measure(seconds=6.0, cameras=2, fps=5.0, outages=1)
    assert found["lost"] == 0
    assert found["captions_arrived"] >= found["captions_printed"] > 30
    assert found["most"]["threads"] >= found["threads"][0] > 2
    assert found["events"]["caption"] > 30
    assert found["counted_from_s"] >= 2.0
    assert found["rss_mb"]["last"] > 30
