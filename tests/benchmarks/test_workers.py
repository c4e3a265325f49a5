from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.workers import measure
from tests.conftest import ROOT


@pytest.mark.skipif(
    not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()), reason="mosquitto is not installed"
)
def test_workers_are_counted_against_the_first_number(tiny_bundle: Path) -> None:
    found = measure(ROOT / "edge_caption" / "demo" / "photos", [1, 2], 40, 1, tiny_bundle)
    one, two = found["workers"]
    assert (one["workers"], one["against_one"], one["busiest_share"]) == (1, 1.0, 1.0)
    assert two["photos_per_s"] == pytest.approx(one["photos_per_s"] * two["against_one"], rel=0.01)
    # The broker gives both about the same.
    assert two["busiest_share"] == pytest.approx(0.5, abs=0.15)
