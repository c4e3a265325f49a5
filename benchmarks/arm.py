"""Does an Arm processor say what this machine says? The wheel on emulated processors, held against fp32 here.

Three things may differ, and are told apart. Quantization: INT8 against fp32, on this machine already. Resizing: the
photos are given at the encoder's size, which no device resizes, and at a camera's. Arithmetic: what is left then. A
sentence that has left the other's way goes on differently, so words are also compared step by step along fp32's.
"""

from __future__ import annotations

import itertools
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec

from benchmarks.replay import Job, Said, replay
from edge_caption.errors import BackendError, ConfigError
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import folder_of, open_bundle
from edge_caption.model.preprocess import to_input

ROOT = Path(__file__).parent.parent

UNAVAILABLE = 69
"""Exit code of scripts/arm where it can't be set up."""

TWINS = {"fp32": "fp32", "cpu-arm": "cpu-x86"}
"""A flavour on Arm -> the one that is the same arithmetic on x86, which computes part of cpu-arm in float."""

HERE = platform.machine()

CAMERA = (640, 480)
"""Width and height that the photos are given at, beside the encoder's own."""

Figures = dict[str, Any]


def measure(bundle: Path | None, photos: Sequence[Path], processors: Sequence[str]) -> Figures:
    """Caption photos here and on each emulated processor.

    Args:
        bundle: one that holds fp32, cpu-x86 and cpu-arm.

    Raises:
        BundleError: it lacks one of them.
        ConfigError: nothing can be emulated on this machine.
        BackendError: an emulated run failed.
    """
    folder = str(folder_of(bundle).resolve())
    side = open_bundle(bundle).manifest.sizes.side
    with tempfile.TemporaryDirectory() as scratch:
        return {"photos": len(photos)} | {
            f"{width}x{height}": _measure(folder, _resize(photos, side, (width, height), Path(scratch)), processors)
            for width, height in ((side, side), CAMERA)
        }


def _measure(bundle: str, files: Sequence[str], processors: Sequence[str]) -> Figures:
    sentences = [said.tokens for said in replay(Job(bundle, "fp32", files))]
    here = {flavour: replay(Job(bundle, flavour, files, sentences)) for flavour in ("fp32", "cpu-x86", "cpu-arm")}
    runs = {f"{HERE}, {flavour}": (flavour, here[flavour]) for flavour in ("cpu-x86", "cpu-arm")}
    for processor, flavour in itertools.product(processors, TWINS):
        runs[f"{processor}, {flavour}"] = flavour, emulate(processor, Job(bundle, flavour, files, sentences))
    return {
        "runs": {name: _figures(flavour, said, here) for name, (flavour, said) in runs.items()},
        "different_sentences": {
            name: _different(said, here[TWINS[flavour]]) for name, (flavour, said) in runs.items() if flavour in TWINS
        },
    }


def _resize(photos: Sequence[Path], side: int, size: tuple[int, int], folder: Path) -> list[str]:
    """Write what the encoder sees of the photos as pictures of another size, without loss."""
    files = [str(folder / f"{number}-{size[0]}x{size[1]}.png") for number in range(len(photos))]
    for photo, file in zip(photos, files, strict=True):
        pixels = cv2.resize(to_input(read_photo(photo), side)[0], size)
        cv2.imwrite(file, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return files


def _figures(flavour: str, said: Sequence[Said], here: Mapping[str, Sequence[Said]]) -> Figures:
    """Hold a run against fp32 on this machine and against the same arithmetic on this machine."""
    others = dict.fromkeys(("fp32", TWINS.get(flavour, "fp32")))
    return {f"against_{other}_here": compare(said, here[other]) for other in others}


def _different(said: Sequence[Said], here: Sequence[Said]) -> list[Figures]:
    """Return both sentences where they are not the same."""
    return [
        {"photo": number, "here": other.text, "there": one.text}
        for number, (one, other) in enumerate(zip(said, here, strict=True))
        if one.tokens != other.tokens
    ]


def emulate(processor: str, job: Job) -> list[Said]:
    """Run a job on an emulated processor.

    Raises:
        ConfigError: nothing can be emulated on this machine.
        BackendError: it failed.
    """
    command: list[str | Path] = [
        ROOT / "scripts" / "arm",
        "--cpu",
        processor,
        "python",
        ROOT / "benchmarks" / "replay.py",
    ]
    done = subprocess.run(command, input=msgspec.json.encode(job), capture_output=True, check=False)
    complaint = (done.stderr.decode().strip().splitlines() or ["no output"])[-1]
    if done.returncode == UNAVAILABLE:
        raise ConfigError(complaint)
    if done.returncode:
        raise BackendError(
            f"{job.flavour} does not run on {processor} ({complaint}); run scripts/arm by hand to see why"
        )
    return msgspec.json.decode(done.stdout, type=list[Said])


def compare(ones: Sequence[Said], others: Sequence[Said]) -> dict[str, float]:
    """Return the shares of photos, words and steps at which two runs are the same.

    `same_step`, the likeliest word at each step, and `log_prob_difference`, the mean absolute difference of a word's
    log-probability, are along one given sentence; the others are of what each run said itself.
    """
    pairs = list(zip(ones, others, strict=True))
    words = [word for one, other in pairs for word in itertools.zip_longest(one.tokens, other.tokens)]
    steps = [step for one, other in pairs for step in zip(one.choices, other.choices, strict=True)]
    log_probs = [log_prob for one, other in pairs for log_prob in zip(one.log_probs, other.log_probs, strict=True)]
    return {
        "same_pixels": _share((one.pixels, other.pixels) for one, other in pairs),
        "same_encoding": _share((one.encoding, other.encoding) for one, other in pairs),
        "same_sentence": _share((one.tokens, other.tokens) for one, other in pairs),
        "same_word": _share(words),
        "same_step": _share(steps),
        "log_prob_difference": round(statistics.mean(abs(one - other) for one, other in log_probs), 4),
    }


def _share(pairs: Iterable[tuple[object, object]]) -> float:
    """Return how many of the pairs are twice the same."""
    return round(statistics.mean(one == other for one, other in pairs), 4)
