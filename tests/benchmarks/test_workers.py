from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks import worker_faults
from benchmarks.workers import measure
from tests.conftest import ROOT

PHOTOS = ROOT / "edge_caption" / "demo" / "photos"

pytestmark = pytest.mark.skipif(
    not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()), reason="mosquitto is not installed"
)


def test_workers_are_counted_against_the_first_number(tiny_bundle: Path) -> None:
    found = measure(PHOTOS, [1, 2], 40, 1, tiny_bundle)
    one, two = found["workers"]
    assert (one["workers"], one["against_one"], one["busiest_share"]) == (1, 1.0, 1.0)
    assert two["photos_per_s"] == pytest.approx(one["photos_per_s"] * two["against_one"], rel=0.01)
    # The broker gives both about the same.
    assert two["busiest_share"] == pytest.approx(0.5, abs=0.15)


def test_no_photo_is_lost_whoever_is_killed(tiny_bundle: Path) -> None:
    found = worker_faults.measure(2, 1, 100, tiny_bundle, PHOTOS)
    assert (found["asked"], found["answered"], found["lost"]) == (200, 200, 0)
    assert found["workers_killed"] > 0
    assert found["sent_again"] > 0
