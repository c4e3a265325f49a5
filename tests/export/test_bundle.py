from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from calibration.table import CalibrationError, load_table
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import open_bundle
from edge_caption.model.captioner import Captioner
from edge_caption.model.vocabulary import SPECIAL, Vocabulary
from export.errors import ExportError
from export.flavours import FLAVOURS, SHIPPED
from export.job import Job
from export.quality import cider_lost, gate
from export.run import export
from export.write_bundle import check_target, replacing, write_bundle
from tests.export.conftest import Exported
from training.data.captioned_photos import CaptionedPhoto
from training.sources import Source


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def same_score(sentences: Sequence[str]) -> dict[str, float]:
    return {"cider": 0.5, "bleu_4": 0.2}


def test_the_gate_says_which_flavour_lost_how_much_and_where() -> None:
    quality = {"fp32": {"cider": 0.5}, "cpu-x86": {"cider": 0.495}, "cpu-arm": {"cider": 0.4866}}
    assert cider_lost(quality, "cpu-x86") == 0.005
    with pytest.raises(ExportError, match=r"loses 0\.0134 CIDEr against fp32 \(0\.5000 -> 0\.4866\)") as refused:
        gate(quality, 0.01, lambda flavour: [f"{flavour}.{number}" for number in range(9)])
    assert "--keep-float cpu-arm.0,cpu-arm.1,cpu-arm.2, the" in str(refused.value)
    gate(quality, 0.0134, lambda flavour: [])


def test_fp32_is_not_held_against_itself() -> None:
    gate({"fp32": {"cider": 0.5}, "cpu-x86": {"cider": 0.6}}, -0.05, lambda flavour: [])


def test_a_bundle_opens_and_says_something(exported: Exported, tmp_path: Path) -> None:
    write_bundle(exported.contents, tuple(FLAVOURS), "card", tmp_path)
    bundle = open_bundle(tmp_path)
    bundle.verify()
    assert set(bundle.manifest.flavours) == set(FLAVOURS)
    for flavour in FLAVOURS:
        caption = Captioner(tmp_path, flavour=flavour, beam=1, threads=1).caption(exported.photos[0])
        assert caption.words


def test_two_flavours_share_a_decoder_and_most_of_an_encoder(exported: Exported, tmp_path: Path) -> None:
    write_bundle(exported.contents, SHIPPED, "card", tmp_path)
    assert set(files_of(tmp_path)) == {
        *("manifest.json", "manifest.sha256", "MODEL_CARD.md", "vocabulary.json", "calibration.json"),
        *("encoder.cpu-x86.onnx", "encoder.cpu-arm.onnx", "encoder.cpu.weights", "decoder.cpu.onnx"),
    }
    sizes = {name: len(data) for name, data in files_of(tmp_path).items()}
    assert sizes["encoder.cpu-x86.onnx"] + sizes["encoder.cpu-arm.onnx"] < 0.2 * sizes["encoder.cpu.weights"]


def test_a_new_bundle_takes_the_place_of_an_old_one(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    for content in ("old", "new"):
        with replacing(target) as folder:
            (folder / "manifest.json").write_text(content)
    assert files_of(target) == {"manifest.json": b"new"}
    assert list(tmp_path.iterdir()) == [target]


def write_half(target: Path, interruption: BaseException | type[BaseException]) -> None:
    with replacing(target) as folder:
        (folder / "manifest.json").write_text("half")
        raise interruption


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ExportError, OSError(28, "No space left on device")])
def test_an_interrupted_export_leaves_what_was_there(
    tmp_path: Path, interruption: BaseException | type[BaseException]
) -> None:
    target = tmp_path / "bundle"
    for before in ({}, {"manifest.json": b"old"}):
        if before:
            target.mkdir()
            (target / "manifest.json").write_bytes(b"old")
        with pytest.raises((KeyboardInterrupt, ExportError, ConfigError)):
            write_half(target, interruption)
        assert (files_of(target) if target.exists() else {}) == before
        assert list(tmp_path.iterdir()) == [target] * bool(before)


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ConfigError, match="is no bundle"), replacing(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    place, link = tmp_path / "place", tmp_path / "link"
    place.mkdir()
    link.symlink_to(place)
    with replacing(link) as folder:
        (folder / "manifest.json").write_text("new")
    assert link.is_symlink()
    assert files_of(place) == {"manifest.json": b"new"}


@pytest.mark.parametrize("target", ["file/b", "file", "/proc/b", "/proc", "x" * 300])
def test_a_place_that_cannot_be_written_to_is_refused(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ConfigError, match="--out"):
        check_target(tmp_path / target)
    assert files_of(tmp_path) == {"file": b"precious"}


def test_the_folder_one_stands_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^\. can't be replaced as a whole; give --out a folder in it"):
        check_target(Path(os.curdir))


@pytest.fixture
def job(exported: Exported, tmp_path: Path) -> Job:
    photos = [CaptionedPhoto(photo, ("a word1 word2",)) for photo in exported.photos]
    return Job(
        checkpoint=exported.checkpoint,
        train=photos,
        dev={"en": photos[:2]},
        out=tmp_path / "bundle",
        name="test",
        version="1",
        flavours=SHIPPED,
        method="percentile",
        calibration_photos=4,
        calibration=None,
        gate=0.01,
    )


def test_the_whole_export_gives_the_same_bytes_again(job: Job, tmp_path: Path) -> None:
    report = export(job, {"en": same_score}, lambda photos, _: photos)
    first = files_of(job.out)
    # Again, from the table that the first one wrote.
    again = replace(job, out=tmp_path / "again", calibration=job.out / "calibration.json")
    export(again, {"en": same_score}, lambda photos, _: photos)
    assert files_of(again.out) == first
    assert report.sizes["cpu-x86"] < report.sizes["fp32"] / 3
    assert set(report.latency) >= {"fp32"}
    assert load_table(job.out / "calibration.json").photos == 4
    assert open_bundle(job.out).manifest.quality["cpu-arm"]["cider"] == 0.5
    confidence = open_bundle(job.out).manifest.confidence
    assert confidence is not None
    assert set(confidence.figures) == {"beam_1", "beam_3", "right_or_strange, greedy"}
    assert Captioner(job.out, flavour="cpu-x86").calibrated
    assert confidence.meaning in first["MODEL_CARD.md"].decode()
    card = first["MODEL_CARD.md"].decode()
    assert "| cpu-x86 | 0.500 | 0.200 |" in card
    assert "| cpu-x86 | en | 2 | - | - | " in card  # no reference names people


def test_words_that_training_never_ends_with_are_never_last(job: Job) -> None:
    known = job.checkpoint.vocabulary.words
    captions = tuple(f"{known[5]} {known[6]} unknown {known[7]}" for _ in range(40))
    train = [CaptionedPhoto(photo.file, captions) for photo in job.train]
    export(replace(job, train=train), {"en": same_score}, lambda photos, _: photos)
    assert open_bundle(job.out).manifest.decoding.not_last == (known[5], known[6])


def test_a_captioner_that_learnt_from_models_alone_is_exported(job: Job) -> None:
    models = Source(name="models", captions="", written_by="models")
    train = [replace(photo, sources=(models,)) for photo in job.train]
    export(replace(job, train=train), {"en": same_score}, lambda photos, _: photos)
    assert Captioner(job.out, flavour="cpu-x86").calibrated


def test_how_a_bundle_searches_by_itself_is_chosen_by_the_export(job: Job) -> None:
    export(replace(job, sure=0.25, specific=0.5), {"en": same_score}, lambda photos, _: photos)
    decoding = open_bundle(job.out).manifest.decoding
    assert (decoding.sure, decoding.specific) == (0.25, 0.5)


def test_a_flavour_that_says_worse_sentences_is_not_written(job: Job) -> None:
    scores = iter([0.5, 0.47, 0.5])
    with pytest.raises(ExportError, match=r"cpu-x86 loses 0\.0300 CIDEr"):
        export(job, {"en": lambda _: {"cider": next(scores), "bleu_4": 0.2}}, lambda photos, _: photos)
    assert not job.out.exists()


def test_each_language_is_scored_and_spoken(job: Job) -> None:
    words = (*SPECIAL, "<zh>", *job.checkpoint.vocabulary.words[len(SPECIAL) + 1 :])
    checkpoint = replace(job.checkpoint, vocabulary=Vocabulary(words), languages=("en", "zh"))
    with pytest.raises(ConfigError, match="speaks zh; give --captions zh=FILE too"):
        export(replace(job, checkpoint=checkpoint), {"en": same_score}, lambda photos, _: photos)
    dev = {"en": job.dev["en"], "zh": [replace(photo, language="zh") for photo in job.dev["en"]]}
    scores = {"en": same_score, "zh": lambda _: {"cider": 0.7, "bleu_4": 0.1}}
    export(replace(job, checkpoint=checkpoint, dev=dev), scores, lambda photos, _: photos)
    bundle = open_bundle(job.out)
    assert bundle.manifest.languages == {"en": " ", "zh": ""}
    assert bundle.manifest.quality["cpu-x86"]["zh"]["cider"] == 0.7
    chinese = Captioner(job.out, flavour="cpu-x86", language="zh")
    assert not chinese.calibrated
    assert " " not in chinese.caption(job.train[0].file).text
    assert "| cpu-x86, zh | 0.700 |" in (job.out / "MODEL_CARD.md").read_text()


def test_a_table_and_names_are_looked_at_before_the_work(job: Job, exported: Exported, tmp_path: Path) -> None:
    def work(photos: Iterable[Path], what: str) -> Iterable[Path]:
        raise AssertionError(what)

    foreign = tmp_path / "foreign.json"
    foreign.write_bytes(exported.table.encode().replace(b'"encoder":"', b'"encoder":"0', 1))
    with pytest.raises(CalibrationError, match=r"nope\.json is not a calibration table"):
        export(replace(job, calibration=tmp_path / "nope.json"), {"en": same_score}, work)
    with pytest.raises(CalibrationError, match="another model"):
        export(replace(job, calibration=foreign), {"en": same_score}, work)
    with pytest.raises(ExportError, match=r"no convolution conv\.99"):
        export(replace(job, kept=["conv.99"]), {"en": same_score}, work)


def test_an_unknown_flavour_is_refused(job: Job) -> None:
    with pytest.raises(ConfigError, match="there is no flavour cpu-vax; choose of: fp32, cpu-x86, cpu-arm"):
        export(replace(job, flavours=["cpu-vax"]), {"en": same_score}, lambda photos, _: photos)
