"""A 640x480 frame in memory -> a sentence, by each way to run a bundle's model, in one run, of one bundle or several.

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
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from numpy.typing import NDArray

from benchmarks.composed import Say, captioner
from benchmarks.ratios import ratios
from edge_caption.commands.measurement.frames import frames
from edge_caption.commands.measurement.stages import Stopwatch
from edge_caption.errors import BackendError, BundleError
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

WORDS = 20
"""Of a sentence, at most."""


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


class Subject:
    """A bundle, and the ways to run it."""

    def __init__(self, bundle: Bundle, threads: int, folder: Path) -> None:
        """Load everything.

        Args:
            bundle: what is measured.
            threads: of each way.
            folder: gets the fp32 graphs.
        """
        self.engines = open_engines(bundle, threads)
        self.side = side = bundle.manifest.sizes.side
        model = untrained(dimensions(bundle), bundle.manifest.sizes.words)
        fp32 = [folder / f"{bundle.folder.name}-{name}.onnx" for name in ("encoder", "decoder")]
        for graph, file in zip(to_onnx(model), fp32, strict=True):
            onnx.save(graph, file)
        self.ways: dict[str, Say] = {
            **{row(engine): captioner(engine.encoder, engine.decoder, side) for engine in self.engines},
            "onnxruntime fp32": captioner(OnnxSession(fp32[0], threads), OnnxSession(fp32[1], threads), side),
            "pytorch eager": captioner(TorchEncoder(model), TorchDecoder(model), side),
        }
        self.leader = row(self.engines[0])
        self.steps = [self.ways[self.leader](frame, WORDS) for frame in frames()]

    def figures(self, times: dict[str, list[float]], rounds: int) -> dict[str, Any]:
        """Return medians of its ways, in ms, and the ratios to INT8."""
        around = overhead(self.engines[0], self.side, rounds)
        faster = {name: ratios(taken, times[self.leader]) for name, taken in times.items() if name != self.leader}
        return {
            "mean_steps": round(statistics.mean(self.steps), 2),
            "median_ms": {name: round(statistics.median(taken), 3) for name, taken in times.items()},
            "share_around_graphs": {name: round(share, 4) for name, share in around.items()},
            "best_ms": {name: round(min(taken), 3) for name, taken in times.items()},
            "times_faster_than": faster,
        }


def measure(bundles: Sequence[Path], rounds: int, threads: int) -> dict[str, Any]:
    """Return each bundle's medians and ratios, and how many times faster each further one is than the first."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        opened = [open_bundle(bundle) for bundle in bundles]
        subjects = {bundle.folder.name: Subject(bundle, threads, Path(folder)) for bundle in opened}
        times = time_rounds(subjects, rounds)
        first, *others = subjects
        lead = {name: times[name][subject.leader] for name, subject in subjects.items()}
        return {
            "threads": threads,
            "frames": len(frames()),
            "rounds": rounds,
            "bundles": {name: subject.figures(times[name], rounds) for name, subject in subjects.items()},
            "faster_than_the_first": {name: ratios(lead[first], lead[name]) for name in others},
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
        greedy(step, seen, WORDS)
        ended = time.perf_counter()
        shares["preprocess"].append((prepared - started) / (ended - started))
        steps = sum(decoder.take()) / 1000
        shares["decoder_loop"].append((ended - encoded - steps) / (ended - started))
    return {name: statistics.median(found) for name, found in shares.items()}


def time_rounds(subjects: dict[str, Subject], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Caption all frames in every way of every bundle, round by round, in as many steps as the bundle's INT8 takes.

    Returns:
        Bundle -> way -> milliseconds a frame in each round.
    """
    times: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in subjects}
    pictures = frames()
    every = [(times[name], subject, way) for name, subject in subjects.items() for way in subject.ways]
    for number in range(-1, rounds):  # the first round warms up
        for noted, subject, way in every:
            started = time.perf_counter()
            for picture, count in zip(pictures, subject.steps, strict=True):
                subject.ways[way](picture, count)
            if number >= 0:
                noted[way].append((time.perf_counter() - started) * 1000 / len(subject.steps))
    return times
