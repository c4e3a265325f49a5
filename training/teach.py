"""`python -m training.teach`: captioners' sentences beside people's, for another captioner to learn from.

Sequence-level distillation (Kim and Rush 2016): what captioners that learnt already say of a training photo is easier
to learn than the five different things that people said. Several speak as one, and of their likeliest sentences the
one that people's sentences speak most for is taught, too. Only train photos are captioned; dev stays people's alone.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import track

from edge_caption.files import writing
from edge_caption.terminal.numbers import positive
from toolchain import command
from training.allocator import keep_freed_memory
from training.data.batches import Sentences
from training.data.captioned_photos import CaptionedPhoto
from training.data.load import CAPTIONS_HELP, CaptionFile, caption_file, load, load_splits
from training.errors import DataError
from training.languages import LANGUAGES
from training.model.checkpoint import load_checkpoint
from training.model.ensemble import Ensemble
from training.scoring.reward import BleuReward, CiderReward, Reward

Sentence = tuple[str, str, str]
"""Photo, sentence, split: a row of the CSV."""

STEP = 32
"""Photos that are captioned at once."""

BLEU_WEIGHT = 0.3
"""Beside CIDEr-D's 1, as in the recipes' self-critical stages."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    keep_freed_memory()
    return command.run("training.teach", lambda: _teach(args))


def _teach(args: argparse.Namespace) -> int:
    _check_target(args.out, args.captions.path)
    teachers = Ensemble([load_checkpoint(file) for file in args.teachers], args.captions.language)
    rows = taught_sentences if args.alone else sentences
    write(args.out, rows(args.captions, args.photos, teachers, args.beams, args.times))
    print(f"captions: {args.out}")
    return 0


def sentences(captions: CaptionFile, photos: Path, teachers: Ensemble, beams: int, times: int) -> Iterator[Sentence]:
    """Yield people's sentences of train and dev, and for train the teachers' likeliest and best, `times` each.

    Raises:
        EdgeCaptionError: the captions or a photo can't be read.
    """
    train, dev = load_splits([captions], None, photos)
    for split, known in (("train", train), ("dev", dev)):
        for photo in known:
            yield from ((_name(photo, photos), caption, split) for caption in photo.captions)
    yield from taught_sentences(captions, photos, teachers, beams, times)


def taught_sentences(
    captions: CaptionFile, photos: Path, teachers: Ensemble, beams: int, times: int
) -> Iterator[Sentence]:
    """Yield the teachers' likeliest and best sentence of each train photo, `times` each.

    Raises:
        EdgeCaptionError: the captions or a photo can't be read.
    """
    joiner = LANGUAGES[captions.language].joiner
    for photo, taught in _taught(load(captions.path, photos, "train", captions.language), teachers, beams):
        said = [joiner.join(teachers.vocabulary.decode(tokens)) for tokens in taught]
        yield from ((_name(photo, photos), text, "train") for text in said * times if text)


def _name(photo: CaptionedPhoto, folder: Path) -> str:
    """Return what the caption file calls a photo: an absolute path may lie elsewhere."""
    return str(photo.file.relative_to(folder) if photo.file.is_relative_to(folder) else photo.file)


def _taught(
    photos: Sequence[CaptionedPhoto], teachers: Ensemble, beams: int
) -> Iterator[tuple[CaptionedPhoto, tuple[list[int], list[int]]]]:
    """Yield each photo with the likeliest sentence, and the one of the likeliest that is rewarded most."""
    longest = max(len(caption) for photo in photos for caption in photo.captions)
    references = Sentences(photos, teachers.vocabulary, longest)
    reward = Reward(((1.0, CiderReward(references, len(photos))), (BLEU_WEIGHT, BleuReward(references))))
    for start in track(range(0, len(photos), STEP), "teaching"):
        some = photos[start : start + STEP]
        for place, found in enumerate(teachers.say([photo.file for photo in some], beams), start):
            worth = reward(place, found)
            yield photos[place], (found[0], found[worth.index(max(worth))])


def _check_target(file: Path, captions: Path) -> None:
    """Refuse what can't be or mustn't be written, before anything is computed."""
    if file.suffix.lower() != ".csv":
        raise DataError(f"{file} would not be read as a table; give a name that ends in .csv")
    if file.resolve() == captions.resolve():
        raise DataError(f"{file} holds people's sentences, which would be lost; give --out another name")
    if file.is_dir():
        raise DataError(f"{file} is a folder; give the name of a file")


def write(file: Path, rows: Iterator[Sentence]) -> None:
    """Write the CSV, whole or not at all.

    Raises:
        DataError: the file can't be written.
    """
    try:
        with writing(file) as fresh, fresh.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerow(("image", "caption", "split"))
            writer.writerows(rows)
    except OSError as error:
        raise DataError(f"{file} can't be written ({error.strerror}); choose another place") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m training.teach", description=__doc__)
    parser.add_argument("--captions", type=caption_file, required=True, metavar="FILE", help=CAPTIONS_HELP)
    parser.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    parser.add_argument(
        "--teachers",
        type=Path,
        nargs="+",
        required=True,
        metavar="CHECKPOINT",
        help="captioners (or bundles), who speak as one",
    )
    parser.add_argument(
        "--beams", type=positive, default=5, help="likeliest sentences that the best is chosen of (default: 5)"
    )
    parser.add_argument(
        "--times", type=positive, default=4, help="how often each is written, to outweigh people's (default: 4)"
    )
    parser.add_argument(
        "--alone", action="store_true", help="leave out people's sentences, for a source with written_by = 'models'"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="captions for python -m training")
    return parser


if __name__ == "__main__":
    sys.exit(main())
