"""The whole toolchain on 32 pictures that it is to learn by heart."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import msgspec
import pytest

from calibration.calibrate import calibrate
from edge_caption.captioner import Captioner
from edge_caption.errors import BundleError, ConfigError
from export.flavours import make_flavours
from export.to_onnx import to_onnx
from export.write_bundle import Contents, sizes_of, write_bundle
from tests.conftest import ROOT
from tests.training.pictures import backbone_weights, captioned
from training.checkpoint import load_checkpoint
from training.model import Dimensions
from training.recipe import Recipe, Stage, load_recipe
from training.train import Data, train

# Lightning's own: it calls what torch has deprecated, and advises on worker processes and loggers.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    photos = captioned(tmp_path_factory.mktemp("data"), 32)
    return Data(photos * 8, photos, "thirty-two", "made by a test")  # eight steps an epoch


@pytest.fixture(scope="module")
def weights(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backbone_weights("mobilenet_v2", [*data.dev], tmp_path_factory.mktemp("weights"))


def recipe(*stages: Stage) -> Recipe:
    size = Dimensions(region=64, attention=32, hidden=96, embedding=64, dropout=0.0)
    return Recipe(name="tiny", min_count=1, model=size, stages=stages)


MEMORISE = Stage(
    name="memorise",
    epochs=40,
    learning_rate=5e-3,
    photos_per_step=32,
    captions_per_photo=1,
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


def test_a_run_that_was_killed_goes_on(data: Data, weights: Path, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    short, whole = (msgspec.structs.replace(MEMORISE, epochs=epochs) for epochs in (2, 4))
    train(recipe(short), data, weights, tmp_path)
    (tmp_path / "memorise.pt").unlink()  # as if it had been killed after its second epoch
    train(recipe(whole), data, weights, tmp_path)
    with (tmp_path / "log.csv").open() as log:
        epochs = [row["epoch"] for row in csv.DictReader(log)]
    assert epochs.count("1") == 1  # nothing began anew
    assert sorted(set(epochs)) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("content", ["name = 1", "[[stages]]\nnme = 'x'", "name = 'x'\nstages = []\nepochs = 3", "="])
def test_a_recipe_that_is_wrong_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "recipe.toml").write_text(content)
    with pytest.raises(ConfigError, match=r"recipe\.toml is wrong"):
        load_recipe(tmp_path / "recipe.toml")


def test_the_committed_recipes_are_right() -> None:
    for file in (ROOT / "training" / "recipes").glob("*.toml"):
        assert load_recipe(file).name == file.stem


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(BundleError, match=r"x\.pt is no checkpoint"):
        load_checkpoint(tmp_path / "x.pt")
