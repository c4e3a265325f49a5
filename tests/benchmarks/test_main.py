"""The benchmarks of captions as a person starts them, on the tiny bundle and the shipped photos."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from edge_caption.model.vocabulary import SPECIAL, Vocabulary
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="scoring needs Java")


@pytest.fixture
def data(demo_photos: list[Path], tmp_path: Path) -> list[str]:
    """Options for a data set of the shipped photos; its sentences are out for mischief."""
    rows = ["image,caption,split"]
    for file in demo_photos:
        shutil.copy(file, tmp_path / file.name)
        rows += [f"{file.name},<b>a small red box & a dog</b>,dev", f"{file.name},</script><script>alert(1),dev"]
    shutil.copy(demo_photos[0], tmp_path / "train.jpg")
    rows.append("train.jpg,a red box,train")
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    return ["--captions", str(tmp_path / "captions.csv"), "--photos", str(tmp_path)]


def test_quality_prints_scores_with_intervals_and_diversity(
    data: list[str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    also = ["--also", f"zh={data[1]}", data[3]]
    assert main(["quality", *data, *also, "--bundle", str(tiny_bundle), "--beams", "1", "2", "--limit", "3"]) == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert err == ""
    assert figures["photos"] == 3
    for beam in ("beam_1", "beam_2"):
        scores = figures["flavours"]["cpu-x86"][beam]
        for name, (low, high) in scores["interval_95"].items():
            assert low <= scores[name] <= high
        assert 0 <= scores["novel_sentences"] <= 1
        assert scores["names_people"]["invented"]["photos"] == 3
        assert scores["names_people"]["invented"]["share"] == 0
    assert figures["people"]["words_used"] == 6
    assert figures["also"][also[1]]["language"] == "zh"


def test_robustness_prints_a_column_for_each_corruption(
    data: list[str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["robustness", *data, "--bundle", str(tiny_bundle), "--limit", "2"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert len(figures["corruptions"]) == 5
    for scores in figures["corruptions"].values():
        assert len(scores["cider"]) == len(scores["bleu_4"]) == len(scores["same"]) == len(figures["severities"])
    assert set(figures["cameras"]) == {"infrared", "jpeg_30"}
    assert all(0 <= scores["same"] <= 1 for scores in figures["cameras"].values())
    assert "attacks" not in figures


def test_a_checkpoint_that_the_bundle_was_not_made_from_is_refused(
    data: list[str], tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = Dimensions(region=8, attention=8, hidden=8, embedding=8)
    Checkpoint(CaptionModel(size, 5), Vocabulary([*SPECIAL, "dog"])).save(tmp_path / "other.pt")
    arguments = ["robustness", *data, "--bundle", str(tiny_bundle), "--checkpoint", str(tmp_path / "other.pt")]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "other.pt knows other words than the bundle" in error
    assert error.count("\n") == 1


def test_the_gallery_is_one_page_that_runs_nothing_of_its_data(
    data: list[str], tiny_bundle: Path, demo_photos: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "gallery.html"
    assert main(["gallery", *data, "--bundle", str(tiny_bundle), "--out", str(out), "--shown", "2"]) == 0
    page = out.read_text(encoding="utf-8")
    assert page.count("<script>") == 1
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;a small red box &amp; a dog&lt;/b&gt;" in page
    shown = 2 + 2 * (len(demo_photos) // 2)
    assert page.count("<article>") == page.count("data:image/jpeg;base64,") == shown
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)|url\(|@import|https?://""", page)
    heats = re.findall(r'data-heat="(\w+)"', page)
    assert {len(heat) for heat in heats} == {2 * 49}
    assert all("ff" in re.findall("..", heat) for heat in heats)


@pytest.mark.parametrize("out", ["nowhere/gallery.html", "."])
def test_a_gallery_without_a_place_is_refused_before_the_work(
    out: str, data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gallery", *data, "--out", str(tmp_path / out)]) == 1
    assert "--out" in capsys.readouterr().err


def test_the_captions_language_is_what_is_spoken(
    data: list[str], tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data[1] = f"zh={data[1]}"
    page = tmp_path / "gallery.html"
    shared = [*data, "--bundle", str(tiny_bundle), "--limit", "2"]
    assert main(["gallery", *shared, "--out", str(page)]) == main(["robustness", *shared]) == 0
    assert re.search("[一-鿿]", page.read_text(encoding="utf-8"))
    assert "METEOR" not in page.read_text(encoding="utf-8")
    assert '"language": "zh"' in capsys.readouterr().out
