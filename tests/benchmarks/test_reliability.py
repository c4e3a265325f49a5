from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.plots import plot
from benchmarks.reliability import measure
from edge_caption.images.frame import Pixels
from tests.conftest import encode
from tests.model.test_confidence import calibrate
from training.data.load import load


def test_confidence_is_held_against_right_and_drawn(tiny_bundle: Path, tmp_path: Path, picture: Pixels) -> None:
    rows = ["image,caption,split"]
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(encode(np.roll(picture, number * 25, axis=1), ".png"))
        rows += [f"{number}.png,a small red box at the left,dev", f"{number}.png,a box {number},dev"]
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    photos = load(tmp_path / "captions.csv", tmp_path, "dev")
    found = measure(calibrate(tiny_bundle), "cpu-x86", [1, 3], photos)
    assert found["photos"] == 12
    for beam in ("beam_1", "beam_3"):
        assert set(found["beams"][beam]) == {"mean_probability", "out_of_fold", "bundle"}
        assert found["floors"][beam][0]["published"] == 1
        published = [floor["published"] for floor in found["floors"][beam]]
        assert published == sorted(published, reverse=True)
    (tmp_path / "confidence.json").write_text(json.dumps({"benchmark": "confidence", "split": "dev", **found}))
    picture_file = plot(tmp_path / "confidence.json")
    assert picture_file is not None
    assert picture_file.read_bytes().startswith(b"\x89PNG")
