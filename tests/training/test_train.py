"""The whole toolchain on 32 pictures that it is to learn by heart."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from msgspec import structs

from calibration.calibrate import calibrate
from edge_caption.errors import BundleError, ConfigError
from edge_caption.model.bundle import BUNDLES
from edge_caption.model.captioner import Captioner
from export.flavours import make_flavours
from export.to_onnx import to_onnx
from export.write_bundle import Contents, sizes_of, write_bundle
from tests.conftest import ROOT
from training.__main__ import main
from training.data.batches import Batch, PhotoBatches, Sentences, Step
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.splits import Data
from training.data.words import build_vocabulary
from training.digests import digest_stages
from training.log import TrainingLog
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.recipe import Recipe, Stage, load_recipe
from training.run import Run
from training.scoring.scores import DevScorer
from training.stages.cross_entropy import CrossEntropy
from training.train import train

# Lightning's own: it calls what torch has deprecated, and advises on worker processes and loggers.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
]


def recipe(*stages: Stage) -> Recipe:
    size = Dimensions(region=64, attention=32, hidden=96, embedding=64)
    return Recipe(name="tiny", min_count=1, model=size, stages=stages)


MEMORISE = Stage(
    name="memorise",
    epochs=50,
    learning_rate=5e-3,
    photos_per_step=32,
    captions_per_photo=1,
    dropout=0.0,
    label_smoothing=0.0,
    weight_decay=0.0,
    ema=0.5,
    attention_penalty=0.0,
)


@pytest.fixture(scope="module")
def run(data: Data, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    folder = tmp_path_factory.mktemp("run")
    train(recipe(MEMORISE), data, weights, folder)
    return folder


def test_thirty_two_photos_are_learnt_by_heart(run: Path) -> None:
    with (run / "log.csv").open() as log:
        losses = [float(row["train_loss"]) for row in csv.DictReader(log)]
    assert losses[-1] < losses[0] / 10
    assert load_checkpoint(run / "memorise.pt").trained_on["dev_cider_greedy_torch"] > 5
    assert (run / "log.png").stat().st_size > 10_000


def test_an_epoch_without_a_train_loss_is_drawn_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    monkeypatch.setattr("training.log.pyplot.close", figures.append)
    TrainingLog(tmp_path).write({"stage": "s", "epoch": "0", "dev_loss": "3.5", "dev_cider": "0.5"})
    (figure,) = figures
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[3.5]]


def test_what_was_learnt_is_exported_and_runs(run: Path, data: Data, tmp_path: Path) -> None:
    """Without the proofs: an untrained backbone magnifies roundings, and INT8 ranges of it are too wide."""
    checkpoint = load_checkpoint(run / "memorise.pt")
    encoder, decoder = to_onnx(checkpoint.model)
    table = calibrate(encoder, decoder, [photo.file for photo in data.dev], "percentile")
    contents = Contents(
        name="tiny",
        version="1",
        model=make_flavours(encoder, decoder, table),
        table=table,
        vocabulary=checkpoint.vocabulary,
        sizes=sizes_of(checkpoint.model.size, len(checkpoint.vocabulary)),
        trained_on=checkpoint.trained_on,
    )
    (tmp_path / "bundle").mkdir()
    write_bundle(contents, ("fp32",), "made by a test", tmp_path / "bundle")
    captioner = Captioner(tmp_path / "bundle", flavour="fp32")
    right = [captioner.caption(photo.file).text == photo.captions[0] for photo in data.dev]
    assert sum(right) >= 29, f"{sum(right)} of {len(right)}"


def test_a_run_that_was_killed_ends_as_if_it_had_not(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:8], data.dev[:3], data.name, data.terms)
    vocabulary = build_vocabulary(few.train, 1)
    torch.manual_seed(1)
    start, size = tmp_path / "start.pt", Dimensions(region=16, attention=8, hidden=16, embedding=16)
    Checkpoint(CaptionModel(size, len(vocabulary)), vocabulary, {"data": "another"}).save(start)
    stage = Stage(
        name="judged",
        kind="adversarial",
        epochs=3,
        photos_per_step=4,
        captions_per_photo=1,
        learning_rate=1e-3,
        encoder_learning_rate=1e-4,
        samples=2,
        bleu_weight=0.5,
    )

    def kill(log: TrainingLog, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise RuntimeError("killed")

    whole = train(recipe(stage), few, None, tmp_path / "whole", start)
    with monkeypatch.context() as patch:
        patch.setattr(TrainingLog, "on_train_epoch_end", kill)
        with pytest.raises(RuntimeError, match="killed"):
            train(recipe(stage), few, None, tmp_path / "cut", start)
    cut = train(recipe(stage), few, None, tmp_path / "cut", start)
    states = [load_checkpoint(file).model.state_dict() for file in (whole, cut)]
    torch.testing.assert_close(*states, rtol=0, atol=0)
    with (tmp_path / "cut" / "log.csv").open() as log:
        assert "1" not in [row["epoch"] for row in csv.DictReader(log)]  # nothing began anew
    assert load_checkpoint(cut).trained_on["started_from"] == {"data": "another"}
    assert not any("discriminator" in name for name in states[0])
    # The last epoch is kept, whichever has the best CIDEr.
    last = torch.load(tmp_path / "whole" / "judged" / "last.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    assert all(torch.equal(value, last[f"model.{name}"]) for name, value in states[0].items())


def test_a_run_goes_on_after_its_last_epoch_though_an_earlier_one_was_the_best(
    data: Data, weights: Path, tmp_path: Path
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:8], data.dev[:2], data.name, data.terms)
    learns_nothing = structs.replace(MEMORISE, epochs=3, learning_rate=1e-12)
    train(recipe(learns_nothing), few, weights, tmp_path)
    epochs = {name: torch.load(tmp_path / "memorise" / f"{name}.ckpt")["epoch"] for name in ("best", "last")}
    assert epochs == {"best": 0, "last": 2}


@pytest.mark.parametrize("kind", ["cross-entropy", "adversarial"])
def test_a_run_that_was_cut_and_moved_keeps_its_best_epoch(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:8], data.dev[:3], data.name, data.terms)
    vocabulary, size = build_vocabulary(few.train, 1), Dimensions(side=32, region=8, attention=8, hidden=8, embedding=8)
    Checkpoint(CaptionModel(size, len(vocabulary)), vocabulary).save(tmp_path / "start.pt")
    ciders = iter((0.5, 0.3))
    monkeypatch.setattr(DevScorer, "cider", lambda *_: {"en": next(ciders)})
    stage = structs.replace(MEMORISE, name="moved", kind=kind, epochs=2, samples=2)

    def cut(*_: object) -> None:
        raise RuntimeError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_load_kept", cut)
        with pytest.raises(RuntimeError, match="cut"):
            train(recipe(stage), few, None, tmp_path / "runs" / "here", tmp_path / "start.pt")
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    file = train(recipe(stage), few, None, tmp_path / "elsewhere" / "here", tmp_path / "start.pt")
    kept = 0.5 if kind == "cross-entropy" else 0.3
    assert load_checkpoint(file).trained_on["dev_cider_greedy_torch"] == pytest.approx(kept)


def test_what_a_run_began_with_is_scored_not_what_was_cut_before_it(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:4], data.dev[:3], data.name, data.terms)
    vocabulary, size = build_vocabulary(few.train, 1), Dimensions(side=32, region=8, attention=8, hidden=8, embedding=8)

    def cut(*_: object) -> None:
        raise RuntimeError("cut")

    monkeypatch.setattr(Run, "_fit", cut)
    losses = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        start = tmp_path / f"{seed}.pt"
        Checkpoint(CaptionModel(size, len(vocabulary)), vocabulary, {"data": "another"}).save(start)
        with pytest.raises(RuntimeError, match="cut"):
            train(recipe(structs.replace(MEMORISE, epochs=1)), few, None, tmp_path / "run", start)
        with (tmp_path / "run" / "log.csv").open() as log:
            (row,) = csv.DictReader(log)
        losses.append(row["dev_loss"])
    assert losses[0] != losses[1]


def test_a_stage_that_makes_it_worse_keeps_its_start(run: Path, data: Data, tmp_path: Path) -> None:
    few = Data(data.train[:8], data.dev[:8], data.name, data.terms)
    harmful = structs.replace(MEMORISE, epochs=2, learning_rate=0.5)
    kept = train(recipe(harmful), few, None, tmp_path, run / "memorise.pt")
    with (tmp_path / "log.csv").open() as log:
        ciders = [(row["epoch"], float(row["dev_cider"])) for row in csv.DictReader(log)]
    assert [epoch for epoch, _ in ciders] == ["0", "1", "2"]
    assert max(cider for _, cider in ciders) == ciders[0][1] > 5
    before, after = (load_checkpoint(file) for file in (run / "memorise.pt", kept))
    before = before.with_words(after.vocabulary, after.languages)
    for name, value in before.model.encoder.state_dict().items():
        assert torch.equal(value, after.model.encoder.state_dict()[name]), name
    assert after.trained_on["dev_cider_greedy_torch"] == pytest.approx(ciders[0][1], abs=1e-3)


def test_adversarial_photos_are_near_the_photo_and_unlikely_to_be_described_rightly(
    run: Path, data: Data, tmp_path: Path
) -> None:
    learnt = load_checkpoint(run / "memorise.pt")
    stage = structs.replace(MEMORISE, name="attacked", encoder_learning_rate=1e-5, attack=2, attack_share=1.0)
    sentences = Sentences(data.dev, learnt.vocabulary, 18)
    photos = PhotoBatches(files_of(data.dev), 224, sentences, 1, augment=False)
    batch = photos[Step(list(range(8)), 1)]
    assert isinstance(batch, Batch)
    module = CrossEntropy(learnt.model.eval(), stage, learnt.vocabulary, DevScorer([]))
    attacked = module._attacked(batch)
    moved = (attacked.files.int() - batch.files.int()).abs()
    assert moved.max() == 2
    with torch.no_grad():
        losses = [float(module.cross_entropy(module.see(one), one)[0]) for one in (batch, attacked)]
    assert losses[1] > losses[0] + 0.02
    few = Data(data.dev[:4], data.dev[:2], data.name, data.terms)
    file = train(recipe(structs.replace(stage, epochs=1)), few, None, tmp_path, run / "memorise.pt")
    assert load_checkpoint(file).trained_on["stage"] == "attacked"


def test_a_folder_is_not_taken_for_another_run(
    data: Data, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:4], data.dev[:2], data.name, data.terms)
    first = structs.replace(MEMORISE, epochs=1)
    second = structs.replace(first, name="second")
    train(recipe(first), few, weights, tmp_path / "run")
    before = (tmp_path / "run" / "memorise.pt").read_bytes()
    train(recipe(first, second), few, weights, tmp_path / "run")  # a stage more
    train(recipe(first, second), few, weights, tmp_path / "run")
    monkeypatch.setattr(Run, "run_stage", lambda *_: pytest.fail("trained"))
    other_weights = tmp_path / "other.pth"
    torch.save({**torch.load(weights), "another": torch.zeros(1)}, other_weights)
    faster = structs.replace(second, learning_rate=1e-2)
    for stages, of, backbone, stage in (
        ((structs.replace(first, learning_rate=1e-2), second), few, weights, "memorise"),
        ((first, faster), few, weights, "second"),
        ((first,), replace(few, train=data.train[:3]), weights, "memorise"),
        ((first,), replace(few, dev=data.dev[:3]), weights, "memorise"),
        ((first,), few, other_weights, "memorise"),
    ):
        with pytest.raises(ConfigError, match=rf"the stage {stage} in .* was made with another recipe, other captions"):
            train(recipe(*stages), of, backbone, tmp_path / "run")
    assert (tmp_path / "run" / "memorise.pt").read_bytes() == before
    for forget in ((tmp_path / "run" / "second.pt").unlink, (tmp_path / "run" / "digests.json").unlink):
        forget()  # what was never noted counts as the same
    train(recipe(structs.replace(first, learning_rate=1e-2)), few, weights, tmp_path / "run")


def test_a_state_that_was_cut_short_and_a_folder_that_cant_be_are_named(
    data: Data, weights: Path, tmp_path: Path
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:4], data.dev[:2], data.name, data.terms)
    last = tmp_path / "run" / "memorise" / "last.ckpt"
    last.parent.mkdir(parents=True)
    torch.save({"epoch": torch.arange(9999)}, last)
    altered = bytearray(last.read_bytes())
    altered[len(altered) // 2] ^= 1
    for content in (b"PK\3\4 cut short", altered):
        last.write_bytes(content)
        with pytest.raises(ConfigError, match=r"last\.ckpt is damaged; delete .*memorise"):
            train(recipe(MEMORISE), few, weights, tmp_path / "run")
    for folder in (last, Path("/proc/nope")):
        with pytest.raises(ConfigError, match=r"can't be made \(.*\); give another --out"):
            train(recipe(MEMORISE), few, weights, folder)


def test_an_epoch_that_is_done_again_has_one_row(
    data: Data, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its row was written, but before the state was kept from which the run goes on."""
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    few = Data(data.train[:4], data.dev[:2], data.name, data.terms)
    again = recipe(structs.replace(MEMORISE, epochs=2))

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lightning.Trainer, "save_checkpoint", kill)
        with pytest.raises(KeyboardInterrupt):
            train(again, few, weights, tmp_path)
    train(again, few, weights, tmp_path)
    with (tmp_path / "log.csv").open() as log:
        assert [row["epoch"] for row in csv.DictReader(log)] == ["1", "2"]


def test_ctrl_c_says_how_to_go_on(
    data: Data, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    rows = [
        f"{photo.file.name},a dog,{split}" for photo, split in zip(data.dev[:3], ("train", "train", "dev"), strict=True)
    ]
    (tmp_path / "c.csv").write_text("\n".join(["image,caption,split", *rows]))
    (tmp_path / "recipe.toml").write_text(RIGHT.replace("'x'", "'x'\nmin_count = 1\nmodel.side = 32"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingLog, "on_train_epoch_end", stop)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # Lightning would have the tests ignore it from here on
    options = ("--captions", tmp_path / "c.csv", "--photos", data.dev[0].file.parent, "--weights", weights)
    assert main([str(part) for part in (tmp_path / "recipe.toml", *options, "--out", tmp_path)]) == 130
    assert capsys.readouterr().err.endswith("training: stopped; the same command goes on\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--start", "accurate", "--weights", "w.pth"), "--start brings its own backbone; leave out --weights"),
        (("--data", "."), "give --captions and --photos, not --data"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], says: str
) -> None:
    (tmp_path / "recipe.toml").write_text(RIGHT)
    assert main([str(tmp_path / "recipe.toml"), "--captions", "c.csv", "--photos", ".", *options]) == 1
    assert says in capsys.readouterr().err


def test_a_bundle_that_ships_is_begun_with_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RIGHT)
    named, folder = (
        digest_stages(load_recipe(tmp_path / "recipe.toml"), {}, None, start)
        for start in (Path("fast"), BUNDLES["fast"])
    )
    assert named == folder


def test_two_languages_are_learnt_from_one_photo(data: Data, weights: Path, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    english = data.dev[:4]
    chinese = [CaptionedPhoto(photo.file, ("一只红色的狗。", "草地上的狗。"), "zh") for photo in english]
    stages = [structs.replace(MEMORISE, name=kind, kind=kind, epochs=1) for kind in ("cross-entropy", "self-critical")]
    both = Data([*english, *chinese], [*english, *chinese], "two", "made by a test")
    checkpoint = load_checkpoint(train(recipe(*stages), both, weights, tmp_path / "two"))
    assert checkpoint.languages == ("en", "zh")
    assert checkpoint.vocabulary.start("zh") == 4
    assert checkpoint.trained_on["photos"] == 4
    computed = list((tmp_path / "features").glob("*.npy"))
    assert computed
    assert all(np.load(features, mmap_mode="r").shape[1] == 4 for features in computed)
    with (tmp_path / "two" / "log.csv").open() as log:
        for row in csv.DictReader(log):
            english_cider, chinese_cider = float(row["dev_cider_en"]), float(row["dev_cider_zh"])
            assert float(row["dev_cider"]) == pytest.approx((english_cider + chinese_cider) / 2, abs=1e-4)


RIGHT = "name = 'x'\n[[stages]]\nname = 'y'\nepochs = 1\nlearning_rate = 1.0\n"


def test_a_short_recipe_is_right(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RIGHT)
    assert load_recipe(tmp_path / "recipe.toml").stages[0].name == "y"


@pytest.mark.parametrize(
    "content",
    [
        *("name = 1", "[[stages]]\nnme = 'x'", "name = 'x'\nstages = []\nepochs = 3", "="),
        "name = 'x'\n[[stages]]\nname = 'y'\nepochs = 1\nlearning_rate = 1.0\nsamples = 1",
        "name = 'x'\n[[stages]]\nname = 'y'\nkind = 'unknown'\nepochs = 1\nlearning_rate = 1.0",
        "name = 'é'".encode("latin-1"),
        *(RIGHT.replace("epochs = 1", f"epochs = {epochs}") for epochs in (0, -1)),
        f"{RIGHT}attack = 2",  # of features that are computed once
        *(RIGHT.replace("learning_rate = 1.0", f"learning_rate = {rate}") for rate in ("nan", "inf", -1)),
        *(RIGHT.replace("'y'", name) for name in ("''", "'a/b'", "'..'")),
        *(RIGHT.replace("'x'", f"'x'\n{setting}") for setting in ("seed = -1", "max_words = 0", "model.region = 0")),
        *(f"{RIGHT}\n{setting}" for setting in ("photos_per_step = 0", "captions_per_photo = 0", "ema = 2.0")),
        *(f"{RIGHT}\n{setting} = -1" for setting in ("weight_decay", "encoder_learning_rate", "label_smoothing")),
        f"{RIGHT}\nlabel_smoothing = 2",
        "name = 'x'\nstages = []",
        RIGHT + RIGHT.partition("\n")[2],  # two stages of one name
        RIGHT.replace("'x'", "'x'\nmodel = {encoder = 'inception_v3', side = 64}"),
        RIGHT.replace("'x'", "'x'\nmodel.encoder = 'inception_v3'") + "\nside = 64",
    ],
)
def test_a_recipe_that_is_wrong_is_refused(tmp_path: Path, content: str | bytes) -> None:
    (tmp_path / "recipe.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError, match=r"recipe\.toml is wrong"):
        load_recipe(tmp_path / "recipe.toml")


def test_the_committed_recipes_are_right() -> None:
    for file in (ROOT / "training" / "recipes").glob("*.toml"):
        assert load_recipe(file).name == file.stem


def test_checkpoints_that_docs_and_scripts_name_are_stages_of_recipes() -> None:
    recipes = ROOT / "training" / "recipes"
    files = [*(ROOT / "docs").glob("*.md"), *recipes.glob("*.sh")]
    named = {pair for file in files for pair in re.findall(r"\bruns/([\w-]+)/([\w-]+)\.pt\b", file.read_text())}
    assert ("flickr8k", "fine-tuned") in named
    stages = {(name, stage.name) for name, _ in named for stage in load_recipe(recipes / f"{name}.toml").stages}
    assert named <= stages


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(BundleError, match=r"x\.pt is no checkpoint"):
        load_checkpoint(tmp_path / "x.pt")
