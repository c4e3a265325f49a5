"""The built wheel on Arm processors, emulated: scripts/arm."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.arm import UNAVAILABLE
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import open_bundle
from edge_caption.model.captioner import Captioner
from edge_caption.model.decoder import Decoder
from edge_caption.model.encoder import Encoder
from edge_caption.model.flavour import load_flavour
from edge_caption.model.preprocess import to_input
from tests.close_call import CLOSE_CALL, parting
from tests.conftest import ROOT

ARM = ROOT / "scripts" / "arm"

CLOSE = 0.1
"""Nats, on average over the words: photos are resized a level differently and INT8 rounds that otherwise."""


def arm(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run scripts/arm, which sets itself up the first time."""
    done = subprocess.run([ARM, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode == UNAVAILABLE:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return done


# Raspberry Pi 4, without dot products, and Raspberry Pi 5, with them: other kernels in ONNX Runtime.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("processor", ["cortex-a72", "cortex-a76"])
def test_the_wheel_says_on_arm_what_it_says_here(processor: str, demo_photos: list[Path]) -> None:
    done = arm("--cpu", processor, "caption", "--json", *demo_photos)
    assert done.returncode == 0, done.stderr
    there: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    captioner = Captioner(flavour="cpu-arm", threads=1)
    here = [captioner.caption(photo) for photo in demo_photos]
    same = [(one, other) for one, other in zip(there, here, strict=True) if one["caption"] == other.text]
    assert 2 * len(same) > len(demo_photos)
    bundle = open_bundle()
    vocabulary, engine = bundle.vocabulary(), load_flavour(bundle, "cpu-arm", "onnxruntime", 1)
    speaker = Decoder(engine.decoder, vocabulary.start("en"))
    for photo, one, other in zip(demo_photos, there, here, strict=True):
        seen = Encoder(engine.encoder)(to_input(read_photo(photo), bundle.manifest.sizes.side))
        mine = vocabulary.encode([word.text for word in other.words])
        theirs = vocabulary.encode([word["text"] for word in one["words"]])
        assert parting(speaker, seen, mine, theirs) < CLOSE_CALL
    for one, other in same:
        differences = [
            abs(word["log_prob"] - mine.log_prob) for word, mine in zip(one["words"], other.words, strict=True)
        ]
        assert sum(differences) / len(differences) < CLOSE


def test_a_failure_of_the_program_is_the_scripts_failure() -> None:
    done = arm("caption", "no-such-photo.jpg")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("edge-caption: error: no-such-photo.jpg")


def test_without_an_emulator_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    for tool in ("bash", "dirname", "env"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([ARM, "caption", "photo.jpg"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == UNAVAILABLE
    assert done.stderr.count("\n") == 1
    assert "install it" in done.stderr


def test_an_unknown_processor_is_wrong_usage() -> None:
    done = subprocess.run(
        [ARM, "--cpu", "pentium", "caption", "photo.jpg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cortex-a72" in done.stderr
