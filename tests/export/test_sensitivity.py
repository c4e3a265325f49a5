from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from export.qdq import convolutions
from export.sensitivity import Bench, Measured, Sensitivity, draw, find
from tests.export.conftest import Exported
from training.data.photos import CaptionedPhoto
from training.scores import Scorer


@pytest.fixture(scope="module")
def found(exported: Exported) -> Sensitivity:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    dev = [CaptionedPhoto(file, (f"word{number} word7 word9",)) for number, file in enumerate(exported.photos[:2])]
    bench = Bench(exported.checkpoint, exported.table, dev, Scorer([photo.captions for photo in dev]).cider)
    return find(bench, gate=10.0)


def test_every_convolution_is_left_out_once(found: Sensitivity, exported: Exported) -> None:
    assert list(found.without) == convolutions(exported.encoder)
    assert max(one.decibels for one in found.without.values()) > found.int8.decibels


def test_where_the_gate_lets_all_through_nothing_is_kept_in_float(found: Sensitivity) -> None:
    assert found.proposal == []


def test_the_costliest_comes_first_and_the_picture_is_drawn(tmp_path: Path) -> None:
    found = Sensitivity(0.5, Measured(20.0, 0.49), {"a": Measured(20.1, 0.49), "b": Measured(21.0, 0.5)}, ["b"])
    assert found.ranked() == ["b", "a"]
    draw(found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
