"""`python -m export.sensitivity`: which convolutions cost what in INT8, and the fewest that must stay in float.

Leave-one-out: all of the encoder in INT8 but one convolution, for each of them. What that gains is told twice: in
decibels of the regions' signal over the rounding's noise, which is steady, and in CIDEr, which is what counts but moves
by some thousandths either way.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from onnx import ModelProto
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed

from calibration.calibrate import calibrate
from calibration.ranges import METHODS
from calibration.sampling import sample
from calibration.table import Table
from edge_caption.errors import ConfigError
from edge_caption.files import write_whole
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import Decoding
from edge_caption.model.decoder import Decoder, greedy
from edge_caption.model.encoder import Encoder
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import Vocabulary
from edge_caption.terminal.numbers import loss, positive
from export.noise import decibels, regions_of, session_of
from export.qdq import convolutions, quantize_encoder
from export.to_onnx import to_onnx
from export.weights_only import quantize_decoder
from toolchain import command
from toolchain.output import check_folder, refusing
from training.data.captioned_photos import CaptionedPhoto
from training.data.load import CAPTIONS_HELP, caption_file, load
from training.languages import LANGUAGES
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.scoring.scores import Scorer

matplotlib.use("Agg")
from matplotlib import pyplot

Cider = Callable[[Sequence[str]], float]
"""Sentences -> CIDEr; training.scoring.scores.Scorer(...).cider is one."""

NOISE_PHOTOS = 50
"""Whose regions are compared; more change decibels by hundredths."""


@dataclass(frozen=True)
class Measured:
    """An encoder with some convolutions in float."""

    decibels: float
    cider: float


@dataclass(frozen=True)
class Sensitivity:
    """What a model's convolutions cost in INT8."""

    fp32: float
    """CIDEr."""
    int8: Measured
    """Everything in INT8."""
    without: dict[str, Measured]
    """Name -> everything in INT8 but this one."""
    proposal: list[str] | None
    """The fewest to keep in float so that no more than the gate's CIDEr is lost; None if even all were not enough."""

    def ranked(self) -> list[str]:
        """Return the names, the one whose rounding adds most noise first."""
        return sorted(self.without, key=lambda name: -self.without[name].decibels)


class Bench:
    """One model, with its decoder in 8 bits, in front of dev photos."""

    def __init__(self, checkpoint: Checkpoint, table: Table, dev: Sequence[CaptionedPhoto], cider: Cider) -> None:
        """Take dev photos with sentences in one language, which is spoken."""
        language, vocabulary = dev[0].language, checkpoint.vocabulary
        self.encoder, decoder = to_onnx(checkpoint.model)
        table.check(self.encoder, decoder)
        self._vocabulary: Vocabulary = vocabulary
        self._joiner = LANGUAGES[language].joiner
        self._table, self._cider = table, cider
        self._images = [to_input(read_photo(photo.file), checkpoint.model.size.side) for photo in dev]
        session = session_of(quantize_decoder(decoder), 1)
        self._decoder = Decoder(session, vocabulary.start(language), vocabulary.special)
        self._regions = regions_of(self.encoder, self._images[:NOISE_PHOTOS])

    def cider(self, encoder: ModelProto) -> float:
        """Caption the photos greedily."""
        see, words = Encoder(session_of(encoder, 0)), Decoding().max_words
        tokens = [greedy(self._decoder, see(image), words).tokens for image in self._images]
        return self._cider([self._joiner.join(self._vocabulary.decode(sentence)) for sentence in tokens])

    def measure(self, kept: Collection[str]) -> Measured:
        """Quantize all but `kept`."""
        table = self._table
        encoder = quantize_encoder(self.encoder, table.ranges["encoder"], table.means["encoder"], np.uint8, kept)
        clear = decibels(regions_of(encoder, self._images[:NOISE_PHOTOS]), self._regions)
        return Measured(round(clear, 2), round(self.cider(encoder), 4))


def find(bench: Bench, gate: float) -> Sensitivity:
    """Leave one out after the other, then search for the fewest to keep in float."""
    fp32, int8 = round(bench.cider(bench.encoder), 4), bench.measure(())
    names = convolutions(bench.encoder)
    without = {name: bench.measure((name,)) for name in track(names, "leaving one out", console=Console(stderr=True))}
    found = Sensitivity(fp32, int8, without, None)
    ranked = found.ranked()
    for count in range(len(ranked) + 1):
        lost = fp32 - (int8 if not count else bench.measure(ranked[:count])).cider
        if lost <= gate:
            return Sensitivity(fp32, int8, without, ranked[:count])
    return found


def draw(found: Sensitivity, picture: Path) -> None:
    """Plot each convolution's gain in decibels and in CIDEr, in the order in which they run."""
    names = list(found.without)
    figure, (noise, cider) = pyplot.subplots(2, 1, figsize=(12, 7), sharex=True)
    noise.bar(names, [found.without[name].decibels - found.int8.decibels for name in names], color="#2a7f62")
    noise.set(ylabel="dB gained in float", title="What each convolution's INT8 costs, all others in INT8")
    cider.bar(names, [found.without[name].cider - found.int8.cider for name in names], color="#8a6d3b")
    cider.axhline(found.fp32 - found.int8.cider, linestyle="--", color="grey", label="all in float")
    cider.set(ylabel="CIDEr gained in float")
    cider.legend()
    cider.set_xticks(range(len(names)), [name.removeprefix("backbone.features.") for name in names], rotation=90)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def as_record(found: Sensitivity) -> dict[str, Any]:
    """Return it as JSON's types."""
    parts = {name: vars(measured) for name, measured in found.without.items()}
    return {"fp32_cider": found.fp32, "int8": vars(found.int8), "all_but": parts, "keep_in_float": found.proposal}


def print_ranked(found: Sensitivity, count: int = 10) -> None:
    """Show the costliest convolutions and the proposal."""
    title = f"fp32 CIDEr {found.fp32:.4f}; INT8 {found.int8.cider:.4f}, {found.int8.decibels:.1f} dB"
    table = Printed("in float", "dB gained", "CIDEr gained", title=title)
    for name in found.ranked()[:count]:
        one = found.without[name]
        table.add_row(name, f"{one.decibels - found.int8.decibels:+.2f}", f"{one.cider - found.int8.cider:+.4f}")
    Console().print(table)
    if found.proposal is None:
        print("no exclusion list passes the gate")
    else:
        print(f"keep in float: {','.join(found.proposal) or 'nothing'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    return command.run("export.sensitivity", lambda: _measure(args))


def _measure(args: argparse.Namespace) -> int:
    check_folder(args.out)
    checkpoint, captions, language = load_checkpoint(args.checkpoint), args.captions.path, args.captions.language
    if language not in checkpoint.languages:
        raise ConfigError(f"the checkpoint does not speak {language}; give --captions in {checkpoint.languages[0]}")
    dev = load(captions, args.photos, "dev", language)[: args.dev_photos]
    train = [photo.file for photo in load(captions, args.photos, "train", language)]
    table = calibrate(*to_onnx(checkpoint.model), sample(train, args.calibration_photos), args.method)
    scorer = Scorer([photo.captions for photo in dev], language)
    found = find(Bench(checkpoint, table, dev, scorer.cider), args.gate)
    with refusing(args.out):
        write_whole(args.out / "sensitivity.json", f"{json.dumps(as_record(found), indent=2)}\n".encode())
        draw(found, args.out / "sensitivity.png")
    print_ranked(found)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m export.sensitivity", description="Find which convolutions INT8 hurts.")
    add = parser.add_argument
    add("checkpoint", type=Path, help="what training wrote, <run>/<stage>.pt; or a bundle, to be read back")
    add("--captions", type=caption_file, required=True, metavar="FILE", help=CAPTIONS_HELP)
    add("--photos", type=Path, required=True, help="the folder of the photos")
    add(
        "--out",
        type=Path,
        default=Path("sensitivity"),
        help="folder for the JSON and the picture (default: %(default)s)",
    )
    add("--method", choices=tuple(METHODS), default="percentile", help="as for the export (default: %(default)s)")
    add("--calibration-photos", type=positive, default=200, help="of the train split (default: %(default)s)")
    add("--dev-photos", type=positive, help="score on the first so many dev photos only (default: all)")
    add("--gate", type=loss, default=0.01, help="CIDEr that may be lost against fp32 (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
