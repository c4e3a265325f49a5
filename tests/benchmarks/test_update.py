from __future__ import annotations

import pytest

from benchmarks.update import VERSION, measure
from tests.brokers import MOSQUITTO
from tests.conftest import ROOT

pytest.importorskip("cryptography", reason="the extra fleet is not installed")


@pytest.mark.skipif(not MOSQUITTO, reason="Mosquitto is not installed (Debian: apt-get install mosquitto)")
def test_an_update_survives_kills_and_cuts_and_no_caption_is_lost() -> None:
    figures = measure(ROOT / "tests" / "data" / "tiny_bundle", 4, 2)
    assert sum(figures["cuts"].values()) == 4
    assert len(figures["cuts"]) == 3
    assert figures["installed_version"] == VERSION
    assert figures["captions_and_events"] > 20
    assert (figures["lost"], figures["tracebacks"]) == (0, 0)
