"""`python -m training.teach`: a captioner's sentences beside people's, for another captioner to learn from.

Sequence-level distillation (Kim and Rush 2016): what a better captioner says of a training photo is easier to learn
than the five different things that people said. Only train photos are captioned; dev stays people's alone.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import track

from edge_caption.captioner import Captioner
from edge_caption.commands.model_options import positive
from edge_caption.errors import EdgeCaptionError
from training.data.load import CAPTIONS_HELP, CaptionFile, caption_file, load
from training.data.photos import DataError

Sentence = tuple[str, str, str]
"""Photo, sentence, split: a row of the CSV."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        if args.out.suffix.lower() != ".csv":
            raise DataError(f"{args.out} would not be read as a table; give a name that ends in .csv")
        write(args.out, sentences(args.captions, args.photos, args.bundle, args.beams, args.times))
    except EdgeCaptionError as error:
        print(f"training.teach: error: {error}", file=sys.stderr)
        return 1
    print(f"captions: {args.out}")
    return 0


def sentences(
    captions: CaptionFile, photos: Path, bundle: Path | None, beams: Sequence[int], times: int
) -> Iterator[Sentence]:
    """Yield people's sentences of train and dev, and the captioner's of train, `times` for each beam.

    Raises:
        EdgeCaptionError: the captions, a photo or the bundle can't be read, or it doesn't speak the language.
    """
    teachers = [Captioner(bundle, beam=beam, language=captions.language) for beam in beams]
    for split in ("train", "dev"):
        known = load(captions.path, photos, split, captions.language)
        for photo in track(known, split, disable=split == "dev"):
            name = str(photo.file.relative_to(photos))
            yield from ((name, caption, split) for caption in photo.captions)
            if split == "train":
                taught = [teacher.caption(photo.file).text for teacher in teachers]
                yield from ((name, caption, split) for caption in taught * times if caption)


def write(file: Path, rows: Iterator[Sentence]) -> None:
    """Write the CSV, whole or not at all.

    Raises:
        DataError: the file can't be written.
    """
    partial = file.with_suffix(".partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerow(("image", "caption", "split"))
            writer.writerows(rows)
        partial.replace(file)
    except OSError as error:
        raise DataError(f"{file} can't be written ({error.strerror}); choose another place") from error
    finally:
        partial.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m training.teach", description=__doc__)
    parser.add_argument("--captions", type=caption_file, required=True, metavar="FILE", help=CAPTIONS_HELP)
    parser.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--bundle", type=Path, help="the captioner that teaches (default: the one that ships)")
    parser.add_argument("--beams", type=positive, nargs="+", default=[1, 3], help="a sentence each (default: 1 3)")
    parser.add_argument(
        "--times", type=positive, default=4, help="how often each is written, to outweigh people's (default: 4)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="captions for python -m training")
    return parser


if __name__ == "__main__":
    sys.exit(main())
