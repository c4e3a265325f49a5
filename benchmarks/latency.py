"""A 640x480 frame in memory -> a sentence, by each way to run the bundle's model, in one run.

INT8 runs on each installed backend; the same model runs in fp32, and in PyTorch eager. Those two get untrained weights
of the bundle's sizes (speed does not depend on their values) that never end a sentence, and say for each frame as many
words as the bundle does. All run the device's own search. Rounds are interleaved, so that a machine whose speed drifts
slows all alike.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from benchmarks.composed import Say, captioner
from edge_caption.commands.measurement.frames import frames
from edge_caption.commands.measurement.stages import Stopwatch
from edge_caption.errors import BackendError, BundleError
from edge_caption.images.frame import Pixels
from edge_caption.model.backends import BACKENDS, REFERENCE
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.backends.session import Arrays
from edge_caption.model.bundle import Bundle, open_bundle
from edge_caption.model.decoder import Decoder, greedy
from edge_caption.model.encoder import Encoder
from edge_caption.model.flavour import LoadedFlavour, load_flavour
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import END
from export.to_onnx import to_onnx
from training.model.caption_model import CaptionModel, Dimensions
from training.model.recover import dimensions


class TorchEncoder:
    """The encoder in PyTorch eager, as a session."""

    def __init__(self, model: CaptionModel) -> None:
        self._model = model

    @torch.inference_mode()
    def run(self, **inputs: NDArray[Any]) -> Arrays:
        return [part.numpy() for part in self._model.encoder(torch.from_numpy(inputs["image"]))]


class TorchDecoder:
    """One decoder step in PyTorch eager, as a session."""

    def __init__(self, model: CaptionModel) -> None:
        self._model = model

    @torch.inference_mode()
    def run(self, **inputs: NDArray[Any]) -> Arrays:
        token, state, regions, keys = (torch.from_numpy(inputs[name]) for name in ("token", "state", "regions", "keys"))
        outputs = self._model.decoder.step(token.unsqueeze(0), state.unsqueeze(0), regions, keys)
        return [part.squeeze(0).numpy() for part in outputs]


def measure(bundle: Path | None, rounds: int, threads: int) -> dict[str, Any]:
    """Return medians in ms and the ratios to INT8."""
    torch.set_num_threads(threads)
    opened = open_bundle(bundle)
    engines = open_engines(opened, threads)
    leader = row(engines[0])
    model, side = untrained(dimensions(opened), opened.manifest.sizes.words), opened.manifest.sizes.side
    with tempfile.TemporaryDirectory() as folder:
        fp32 = [Path(folder) / name for name in ("encoder.onnx", "decoder.onnx")]
        for graph, file in zip(to_onnx(model), fp32, strict=True):
            onnx.save(graph, file)
        runners: dict[str, Say] = {
            **{row(engine): captioner(engine.encoder, engine.decoder, side) for engine in engines},
            "onnxruntime fp32": captioner(OnnxSession(fp32[0], threads), OnnxSession(fp32[1], threads), side),
            "pytorch eager": captioner(TorchEncoder(model), TorchDecoder(model), side),
        }
        times, steps = time_rounds(runners, frames(), leader, rounds)
        around = overhead(engines[0], side, rounds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {
        "threads": threads,
        "frames": len(frames()),
        "rounds": rounds,
        "mean_steps": round(steps, 2),
        "median_ms": {name: round(median, 3) for name, median in medians.items()},
        "share_around_graphs": {name: round(share, 4) for name, share in around.items()},
        "best_ms": {name: round(min(taken), 3) for name, taken in times.items()},
        "times_faster_than": {name: ratios(taken, times[leader]) for name, taken in times.items() if name != leader},
    }


def open_engines(bundle: Bundle, threads: int) -> list[LoadedFlavour]:
    """Load the flavour that suits each installed backend, the runtime's default first; say why of one that can't."""
    engines = [load_flavour(bundle, None, REFERENCE, threads)]
    for name, backend in BACKENDS.items():
        if name == REFERENCE or not backend.installed:
            continue
        try:
            engines.append(load_flavour(bundle, None, name, threads))
        except (BackendError, BundleError) as error:
            print(f"benchmarks: {name} is left out: {error}", file=sys.stderr)
    return engines


def row(engine: LoadedFlavour) -> str:
    """Name an engine; the default backend goes without saying."""
    return engine.flavour if engine.backend == REFERENCE else f"{engine.flavour} {engine.backend}"


def ratios(slower: Sequence[float], faster: Sequence[float]) -> dict[str, float]:
    """Return median and quartiles of the ratio, round by round: a slow moment of the machine hits both alike."""
    found = [one / other for one, other in zip(slower, faster, strict=True)]
    low, middle, high = np.quantile(found, (0.25, 0.5, 0.75), method="weibull").round(2).tolist()
    return {"median": middle, "quartile_1": low, "quartile_3": high}


def untrained(size: Dimensions, words: int) -> CaptionModel:
    """Build a captioner of this size that never ends a sentence by itself."""
    torch.manual_seed(1)
    model = CaptionModel(size, words).eval()
    with torch.no_grad():
        model.decoder.word_bias[END] = -1e4
    return model


def overhead(engine: LoadedFlavour, side: int, rounds: int) -> dict[str, float]:
    """Return the share of a frame's time that goes by outside the graphs: making its input small, and the loop's own.

    The median over `rounds` of all frames.
    """
    shares: dict[str, list[float]] = {"preprocess": [], "decoder_loop": []}
    for picture in frames() * rounds:
        decoder = Stopwatch(engine.decoder)
        see, step = Encoder(engine.encoder), Decoder(decoder)
        started = time.perf_counter()
        image = to_input(picture, side)
        prepared = time.perf_counter()
        seen = see(image)
        encoded = time.perf_counter()
        greedy(step, seen, 20)
        ended = time.perf_counter()
        shares["preprocess"].append((prepared - started) / (ended - started))
        steps = sum(decoder.take()) / 1000
        shares["decoder_loop"].append((ended - encoded - steps) / (ended - started))
    return {name: statistics.median(found) for name, found in shares.items()}


def time_rounds(
    runners: dict[str, Say], pictures: Sequence[Pixels], leader: str, rounds: int
) -> tuple[dict[str, list[float]], float]:
    """Caption all frames with every runner, round by round.

    Returns:
        Milliseconds a frame in each round, and the mean number of steps that the leader, and so all, took.
    """
    steps = [runners[leader](picture, 20) for picture in pictures]
    times: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(-1, rounds):  # the first round warms up
        for name, say in runners.items():
            started = time.perf_counter()
            for picture, count in zip(pictures, steps, strict=True):
                say(picture, count)
            if number >= 0:
                times[name].append((time.perf_counter() - started) * 1000 / len(pictures))
    return times, statistics.mean(steps)
