"""An adapted captioner beside the bundle that it adapts."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from calibration.calibrate import silently
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import DEFAULT, open_bundle
from edge_caption.model.captioner import Captioner
from export.__main__ import _before, _test
from export.errors import ExportError
from export.job import Job
from export.judge import Verdict
from export.run import export
from tests.export.conftest import Exported
from training.data.captioned_photos import CaptionedPhoto
from training.data.load import CaptionFile


@pytest.mark.skipif(shutil.which("java") is None, reason="scoring needs Java")
def test_a_captioner_that_got_worse_is_refused_unless_forced(
    exported: Exported, tiny_bundle: Path, tmp_path: Path
) -> None:
    older = Captioner(tiny_bundle, beam=1, threads=1)
    test = [CaptionedPhoto(file, (older.caption(file).text, "something else")) for file in exported.photos]
    job = Job(
        checkpoint=exported.checkpoint,
        train=test,
        dev={"en": test[:2]},
        before=tiny_bundle,
        test=test,
        out=tmp_path / "bundle",
        name="test",
        version="1",
        flavours=("cpu-x86",),
        method="minmax",
        calibration_photos=2,
        calibration=None,
        gate=9,
    )
    scores = {"en": lambda _: {"cider": 0.5, "bleu_4": 0.2}}
    with pytest.raises(ExportError, match=r"CIDEr \d\.\d+ -> 0\.\d+ on 6 test photos, which chose nothing"):
        export(job, scores, silently)
    assert not job.out.exists()
    export(replace(job, force=True), scores, silently)
    judged = open_bundle(job.out).manifest.training["judged"]
    assert judged["photos"] == 6
    assert judged["cider"] < judged["cider_before"]


def test_as_good_is_good_enough() -> None:
    Verdict(9, before=0.5, after=0.5).check()


def test_the_bundle_that_was_adapted_is_known_or_asked_for(exported: Exported, tiny_bundle: Path) -> None:
    def before(adapts: dict[str, str] | None, against: Path | None = None, *, force: bool = False) -> Path | None:
        checkpoint = replace(exported.checkpoint, trained_on={"adapts": adapts} if adapts else {})
        return _before(checkpoint, Namespace(against=against, force=force))

    assert before(None) is None
    assert before({"sha256": open_bundle().sha256}) == DEFAULT
    other = {"sha256": "0" * 64, "name": "home", "version": "7"}
    assert before(other, tiny_bundle) == tiny_bundle
    assert before(other, force=True) is None
    with pytest.raises(ConfigError, match="it adapts the bundle home 7; give that one's folder with --against"):
        before(other)


def test_judges_are_the_photos_of_the_split_test(exported: Exported, tmp_path: Path) -> None:
    file = tmp_path / "captions.csv"
    (tmp_path / "a.jpg").touch()
    options = Namespace(captions=[CaptionFile(file)], photos=tmp_path, force=False)
    file.write_text("image,caption,split\na.jpg,a dog,test\n")
    assert [photo.captions for photo in _test(exported.checkpoint, options, ())] == [("a dog",)]
    file.write_text("image,caption,split\na.jpg,a dog,train\n")
    with pytest.raises(ConfigError, match="no photo is in the split test"):
        _test(exported.checkpoint, options, ())


def test_photos_that_were_learnt_from_judge_nothing(exported: Exported, tmp_path: Path) -> None:
    """A file of COCO's does not say of which split it is."""
    (tmp_path / "a.jpg").touch()
    coco = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "caption": "a dog"}]}
    (tmp_path / "train.json").write_text(json.dumps(coco))
    options = Namespace(captions=[CaptionFile(tmp_path / "train.json")], photos=tmp_path, force=False)
    with pytest.raises(ConfigError, match="no photo is in the split test"):
        _test(exported.checkpoint, options, {tmp_path / "a.jpg"})
