from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import options
from benchmarks.pareto import _beats, milliseconds
from benchmarks.scale import measure_drain


@pytest.mark.skipif(
    not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()), reason="mosquitto is not installed"
)
def test_a_backlog_drains_into_a_real_broker() -> None:
    found = measure_drain(300)
    assert found["messages"] == 300
    assert found["per_s"] == pytest.approx(300 / found["seconds"], rel=0.1)


def test_every_setting_takes_its_turn(tiny_bundle: Path) -> None:
    found = options.measure(tiny_bundle, rounds=3, threads=1)
    assert set(found["median_ms"]) == {*options.CHANGES, options.BOUND}
    assert min(found["median_ms"].values()) > 0


def test_outputs_that_are_bound_are_the_same(tiny_bundle: Path) -> None:
    session = options._session(tiny_bundle / "encoder.cpu-x86.onnx", 1, options._nothing)
    image = np.zeros((1, 224, 224, 3), np.uint8)
    plain, bound = options._plain(session)(image), options._bound(session)(image)
    for one, other in zip(plain, bound, strict=True):  # type: ignore[call-overload]
        assert (one == other).all()


def test_more_beams_take_longer(tiny_bundle: Path) -> None:
    found = milliseconds(tiny_bundle, ["cpu-x86"], [1, 8], rounds=5)
    assert found["cpu-x86", 8] > found["cpu-x86", 1] > 0


def test_only_what_is_worse_in_everything_is_beaten() -> None:
    point = {"ms": 10.0, "bytes": 5, "cider": {"a": 0.6, "b": 0.3}}
    assert _beats(point, point | {"ms": 11.0})
    assert not _beats(point, point)
    assert not _beats(point, point | {"ms": 11.0, "cider": {"a": 0.6, "b": 0.31}})
