"""`python -m benchmarks`: measure and print JSON, or show on a page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import annotation, camera_commands, options, pareto, regress, scale, soak, use_commands
from benchmarks.engines import command as engines
from benchmarks.faults import command as faults
from benchmarks.peers import command as peers
from benchmarks.report import report
from benchmarks.tables import command as tables
from edge_caption.commands import toolchain
from edge_caption.commands.model_options import positive, share
from edge_caption.model.backends import REFERENCE

if TYPE_CHECKING:
    from training.data.captioned_photos import CaptionedPhoto
    from training.data.load import CaptionFile


GALLERY = """Write one HTML page that works offline: scores, distributions, and photos with each word's probability and
where the captioner looked. The page holds the photos and what people wrote of them: where their terms forbid handing
them on, as Flickr8k's do, keep it to yourself."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; returns the exit code."""
    args = _parser().parse_args(argv)
    return toolchain.run("benchmarks", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    if "run" in args:
        return int(args.run(args))
    if args.benchmark == "gallery":
        print(_make_gallery(args))
    else:
        figures = _measure(args)
        # Each language's figures have a file of their own.
        language = figures.get("language", "en")
        report(args.benchmark if language == "en" else f"{args.benchmark}-{language}", figures, save=args.save)
    return 0


def _measure(args: argparse.Namespace) -> dict[str, object]:
    # Each benchmark brings its own heavy imports; the others do without them.
    match args.benchmark:
        case "arm":
            from benchmarks import arm

            figures = arm.measure(args.bundle, [photo.file for photo in _photos(args)], args.cpus)
            return {"split": args.split, **figures}
        case "calibration-memory":
            from benchmarks import calibration_memory

            return calibration_memory.measure(args.bundle, args.photos, args.counts, args.method)
        case "confidence":
            from benchmarks import confidence

            figures = confidence.measure(args.bundle, args.flavour, args.beams, _photos(args))
            return {"split": args.split, **figures}
        case "history":
            from benchmarks import history

            return history.measure(args.captions, args.rounds)
        case "latency":
            from benchmarks import latency

            return latency.measure(args.bundle, args.rounds, args.threads)
        case "levers":
            from benchmarks import levers

            source = levers.Source(args.captions, args.photos, args.people, args.dev_captions)
            return levers.measure(args.recipe, source, args.weights, args.out, args.seeds)
        case "memory":
            from benchmarks import memory

            return memory.measure(args.bundle, args.backend, args.captions, args.runs)
        case "quality":
            return _measure_quality(args)
        case "robustness":
            from benchmarks import robustness

            figures = robustness.measure(args.bundle, args.flavour, _photos(args), args.checkpoint)
            return {"split": args.split, **figures}
        case "roofline":
            from benchmarks import roofline

            return roofline.measure(args.bundle, args.flavour, args.rounds)
        case _:
            from benchmarks import size

            return size.measure(args.bundle)


def _measure_quality(args: argparse.Namespace) -> dict[str, object]:
    """Measure the set that the options name, and those beside it, each by itself."""
    from benchmarks import quality

    def of_set(captions: CaptionFile, photos: Path) -> dict[str, object]:
        some, trained_on = _load(captions, photos, args), quality.training_sentences(captions)
        return quality.measure(
            args.bundle, args.flavours.split(","), args.backend, args.beams, some, trained_on, args.specific
        )

    also = {captions: of_set(_captions(captions), Path(photos)) for captions, photos in args.also}
    return {"split": args.split, **of_set(args.captions, args.photos), **({"also": also} if also else {})}


def _make_gallery(args: argparse.Namespace) -> Path:
    from benchmarks import gallery, quality
    from calibration.output import check_file, write_file

    check_file(args.out)
    trained_on = quality.training_sentences(args.captions)
    found = gallery.evaluate(args.bundle, args.flavour, _photos(args), trained_on)
    write_file(gallery.render(found, args.split, args.shown).encode(), args.out)
    return Path(args.out)


def _photos(args: argparse.Namespace) -> Sequence[CaptionedPhoto]:
    return _load(args.captions, args.photos, args)


def _load(captions: CaptionFile, photos: Path, args: argparse.Namespace) -> Sequence[CaptionedPhoto]:
    from training.data.load import load

    return load(captions.path, photos, args.split, captions.language)[: args.limit]


def _captions(text: str) -> CaptionFile:
    from training.data.load import caption_file

    return caption_file(text)


def _parser() -> argparse.ArgumentParser:
    bundle, data, flavour, backend = _bundle(), _data(), _flavour(), _backend()
    shared = argparse.ArgumentParser(add_help=False, parents=[bundle])
    shared.add_argument(
        "--save", action="store_true", help="also write benchmarks/results/<benchmark>.json, and a plot"
    )
    top = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    benchmarks = top.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    arm = benchmarks.add_parser(
        "arm", parents=[shared, data], help="do emulated Arm processors say what this machine says?"
    )
    arm.add_argument("--cpus", nargs="+", default=["cortex-a76"], help="as of scripts/arm (default: %(default)s)")
    calibration = benchmarks.add_parser("calibration-memory", help="peak memory of `python -m calibration`")
    calibration.add_argument("--bundle", type=Path, required=True, help="one that holds fp32")
    calibration.add_argument(
        "--photos", type=Path, required=True, help="a folder, or a text file that names one a line"
    )
    calibration.add_argument("--counts", type=positive, nargs="+", default=[100, 2000])
    calibration.add_argument(
        "--method", default="percentile", help="as of python -m calibration (default: %(default)s)"
    )
    calibration.add_argument(
        "--save", action="store_true", help="also write benchmarks/results/calibration-memory.json"
    )
    history = benchmarks.add_parser("history", help="a question to the history of a million captions")
    history.add_argument("--captions", type=positive, default=1_000_000)
    history.add_argument("--rounds", type=positive, default=20)
    history.add_argument("--save", action="store_true", help="also write benchmarks/results/history.json")
    latency = benchmarks.add_parser(
        "latency", parents=[shared], help="frame -> sentence: INT8 on each installed backend, fp32, PyTorch eager"
    )
    latency.add_argument("--rounds", type=positive, default=40)
    latency.add_argument("--threads", type=positive, default=1)
    levers = benchmarks.add_parser("levers", help="what each setting of a training recipe is worth, over seeds")
    levers.add_argument("recipe", type=Path, help="e.g. training/recipes/levers.toml")
    levers.add_argument("--captions", type=_captions, nargs="+", required=True, metavar="FILE", help="as for training")
    levers.add_argument(
        "--people",
        type=_captions,
        nargs="+",
        default=(),
        metavar="FILE",
        help="without captioners' sentences, where --captions has some; a lever, too",
    )
    levers.add_argument(
        "--dev-captions",
        type=_captions,
        nargs="+",
        default=(),
        metavar="FILE",
        help="where dev is in files of its own, as in COCO",
    )
    levers.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    levers.add_argument("--weights", type=Path, help="the backbone's, as for training")
    levers.add_argument("--seeds", type=positive, default=3, help="runs of each (default: %(default)s)")
    levers.add_argument("--out", type=Path, default=Path("runs/levers"), help="keeps what was trained, to go on with")
    levers.add_argument("--save", action="store_true", help="also write benchmarks/results/levers.json, and a plot")
    memory = benchmarks.add_parser(
        "memory", parents=[shared, backend], help="peak memory and cold start of `edge-caption run`"
    )
    memory.add_argument("--captions", type=positive, default=50)
    memory.add_argument("--runs", type=positive, default=5)
    quality = benchmarks.add_parser(
        "quality", parents=[shared, data, backend], help="coco-caption scores with intervals, and diversity"
    )
    quality.add_argument("--specific", type=share, metavar="N", help="0 to 1 (default: the bundle's)")
    quality.add_argument(
        "--also",
        nargs=2,
        action="append",
        default=[],
        metavar=("CAPTIONS", "PHOTOS"),
        help="a further set, scored by itself, with document frequencies of its own; may be given several times",
    )
    quality.add_argument("--flavours", default="cpu-x86", help="with commas (default: %(default)s)")
    quality.add_argument("--beams", type=positive, nargs="+", default=[1, 3])
    confidence = benchmarks.add_parser(
        "confidence", parents=[shared, data, flavour], help="is confidence the share that is right?"
    )
    confidence.add_argument("--beams", type=positive, nargs="+", default=[1, 3])
    robustness = benchmarks.add_parser(
        "robustness", parents=[shared, data, flavour], help="CIDEr and BLEU-4 of corrupted and of attacked pictures"
    )
    robustness.add_argument("--checkpoint", type=Path, help="what the bundle was made from, to be attacked (FGSM, PGD)")
    roofline = benchmarks.add_parser(
        "roofline", parents=[shared, flavour], help="the encoder's time by kind of node, and what the processor can do"
    )
    roofline.add_argument("--rounds", type=positive, default=40)
    gallery = benchmarks.add_parser(
        "gallery", parents=[bundle, data, flavour], help="an HTML page", description=GALLERY
    )
    gallery.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page, e.g. gallery.html")
    gallery.add_argument(
        "--shown", type=positive, default=24, metavar="N", help="photos drawn by chance (default: %(default)s)"
    )
    benchmarks.add_parser("size", parents=[shared], help="bytes of the wheel and the bundle")
    for command in (
        annotation,
        camera_commands,
        use_commands,
        engines,
        faults,
        options,
        pareto,
        peers,
        regress,
        scale,
        soak,
        tables,
    ):
        command.add_parser(benchmarks)
    return top


def _bundle() -> argparse.ArgumentParser:
    bundle = argparse.ArgumentParser(add_help=False)
    bundle.add_argument("--bundle", type=Path, help="the bundle (default: the one that ships)")
    return bundle


def _flavour() -> argparse.ArgumentParser:
    flavour = argparse.ArgumentParser(add_help=False)
    flavour.add_argument("--flavour", metavar="NAME", help="cpu-x86, cpu-arm, … (default: this machine's)")
    return flavour


def _backend() -> argparse.ArgumentParser:
    backend = argparse.ArgumentParser(add_help=False)
    backend.add_argument("--backend", default=REFERENCE, metavar="NAME", help="openvino, … (default: %(default)s)")
    return backend


def _data() -> argparse.ArgumentParser:
    """Return the options of benchmarks that need captioned photos."""
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--captions", type=_captions, required=True, metavar="FILE", help="as for training: FILE, or LANGUAGE=FILE"
    )
    data.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    data.add_argument("--split", default="dev", help="train, dev or test (default: %(default)s)")
    data.add_argument("--limit", type=positive, metavar="N", help="only the first so many photos, to try it out")
    return data


if __name__ == "__main__":
    sys.exit(main())
