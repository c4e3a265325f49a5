"""`python -m export`: a checkpoint -> a proved bundle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from calibration.ranges import METHODS
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import BUNDLES, open_bundle
from edge_caption.terminal.numbers import loss, positive, share
from export.flavours import FLAVOURS, SHIPPED
from export.job import Job
from export.report import confidence_line, parity_line, proofs_table
from export.run import export
from toolchain import command
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.load import CAPTIONS_HELP, caption_file, load_splits, read_split
from training.data.mixture import load_by_people, load_mixture
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.scoring.scores import Scorer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    return command.run("export", lambda: _export(args))


def _export(args: argparse.Namespace) -> int:
    job = _job(args)
    scores = {
        language: Scorer([photo.captions for photo in photos], language).all for language, photos in job.dev.items()
    }
    report = export(job, scores, _bar)
    console = Console()
    console.print(parity_line(report.parity))
    console.print(proofs_table(report))
    console.print(confidence_line(report.confidence))
    console.print(f"bundle: {job.out}")
    return 0


def _job(args: argparse.Namespace) -> Job:
    checkpoint = load_checkpoint(args.checkpoint)
    train, dev = _splits(checkpoint, args)
    before = _before(checkpoint, args)
    return Job(
        checkpoint=checkpoint,
        train=train,
        dev={
            language: [photo for photo in dev if photo.language == language][: args.dev_photos]
            for language in dict.fromkeys(photo.language for photo in dev)
        },
        before=before,
        test=_test(checkpoint, args, {*files_of(train), *files_of(dev)}) if before else (),
        force=args.force,
        out=args.out,
        name=args.name or args.out.resolve().name,
        version=args.version,
        flavours=[name.strip() for name in args.flavours.split(",")],
        method=args.method,
        calibration_photos=args.calibration_photos,
        calibration=args.calibration,
        gate=args.gate,
        decoder_bits=args.decoder_bits,
        specific=args.specific,
        sure=args.sure,
        kept=[name for name in args.keep_float.split(",") if name],
    )


def _splits(checkpoint: Checkpoint, args: argparse.Namespace) -> tuple[list[CaptionedPhoto], list[CaptionedPhoto]]:
    """Read the photos of the sources that the checkpoint learnt from, or those that the options name."""
    named = args.captions or args.photos or args.dev_captions
    if args.data and named:
        raise ConfigError("--data takes the sources that the recipe names; leave it out, or the captions and photos")
    if args.captions and args.photos:
        return load_splits(args.captions, args.dev_captions, args.photos)
    if not args.data:
        raise ConfigError("give --captions and --photos; or --data, the folder of a mixture's sources")
    return load_mixture(checkpoint.sources(), args.data)


def _before(checkpoint: Checkpoint, args: argparse.Namespace) -> Path | None:
    """Return the bundle that the checkpoint adapts, if it began as one.

    Raises:
        ConfigError: it did, and that bundle is none that ships, nor was it given.
    """
    adapts: dict[str, str] | None = checkpoint.trained_on.get("adapts")
    given: Path | None = args.against
    if given:
        return open_bundle(given).folder
    if not adapts:
        return None
    for folder in BUNDLES.values():
        if open_bundle(folder).sha256 == adapts["sha256"]:
            return folder
    if args.force:
        return None
    raise ConfigError(
        f"it adapts the bundle {adapts['name']} {adapts['version']}; give that one's folder with --against, "
        "so that test photos can judge both, or --force"
    )


def _test(checkpoint: Checkpoint, args: argparse.Namespace, known: Collection[Path]) -> list[CaptionedPhoto]:
    """Read the photos that judge.

    Args:
        known: files of train and dev, which can't: a file of COCO's is of whatever split is asked for.

    Raises:
        ConfigError: there are none.
    """
    if args.captions and args.photos:
        found = [photo for file in args.captions for photo in read_split(file, args.photos, "test", own_file=False)]
    else:
        found = load_by_people(checkpoint.sources(), args.data, "test")
    found = [photo for photo in found if photo.file not in known]
    if not found and not args.force:
        raise ConfigError(
            "no photo is in the split test, so none can judge whether it is better than the bundle that it adapts; "
            "mark some as test (a column split in a CSV), or give --force"
        )
    return [photo for photo in found if photo.language in checkpoint.languages]


def _bar(photos: Iterable[Path], what: str) -> Iterable[Path]:
    return track(list(photos), description=what, console=Console(stderr=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m export", description="Turn a checkpoint into a proved bundle for devices."
    )
    parser.add_argument(
        "checkpoint", type=Path, help="what training wrote, <run>/<stage>.pt; or a bundle, to be read back"
    )
    _add_photos(parser.add_argument)
    _add_bundle(parser.add_argument)
    _add_quantization(parser.add_argument)
    return parser


def _add_photos(add: Callable[..., object]) -> None:
    """Add the options that say what the bundle is calibrated and judged with."""
    add("--captions", type=caption_file, nargs="+", metavar="FILE", help=CAPTIONS_HELP)
    dev = "where dev is in files of its own, as in COCO"
    add("--dev-captions", type=caption_file, nargs="+", metavar="FILE", help=dev)
    add("--photos", type=Path, help="the folder of the photos")
    add("--data", type=Path, help="instead of both: what the paths of the sources in its recipe are relative to")
    add("--dev-photos", type=positive, help="score on the first so many dev photos only (default: all)")
    against = (
        "the bundle that it adapts: if it says worse sentences of test photos than that one, it is refused "
        "(default: the one that it began as, where that ships)"
    )
    add("--against", type=Path, metavar="BUNDLE", help=against)
    add("--force", action="store_true", help="write it though it is worse than the bundle that it adapts")
    add("--gate", type=loss, default=0.01, help="CIDEr that a flavour may lose against fp32 (default: %(default)s)")


def _add_bundle(add: Callable[..., object]) -> None:
    """Add the options that say what is written, and where."""
    add("--out", type=Path, required=True, help="the bundle's folder; an older bundle there is replaced")
    add("--name", help="the bundle's name (default: the folder's)")
    add("--version", default="1", help="the bundle's version (default: 1)")
    specific = "the bundle's default, as of edge-caption caption"
    add("--specific", type=share, default=0.0, metavar="N", help=specific)
    add("--sure", type=share, default=0.0, metavar="N", help=specific)
    flavours = f"which to put in, of {','.join(FLAVOURS)} (default: %(default)s)"
    add("--flavours", default=",".join(SHIPPED), help=flavours)


def _add_quantization(add: Callable[..., object]) -> None:
    """Add the options that say how flavours are rounded."""
    method = "how activations' ranges are chosen (default: %(default)s)"
    add("--method", choices=tuple(METHODS), default="percentile", help=method)
    add("--calibration-photos", type=positive, default=200, help="of the train split (default: %(default)s)")
    add("--calibration", type=Path, help="use this calibration.json instead of calibrating")
    bits = "of a weight of the decoder for processors and of trt's (default: %(default)s)"
    add("--decoder-bits", type=int, choices=(8, 4), default=8, help=bits)
    add("--keep-float", default="", metavar="NAMES", help="convolutions not to quantize, with commas")


if __name__ == "__main__":
    sys.exit(main())
