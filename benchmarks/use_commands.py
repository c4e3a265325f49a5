"""`python -m benchmarks find` and `alerts`: how well captions and the model serve those who look for something."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import report
from edge_caption.terminal.numbers import positive

if TYPE_CHECKING:
    from training.data.load import CaptionFile

ABOUT = {
    "find": "finding a photo by a person's sentence: recall at 1, 5 and 10, beside full-text search on captions",
    "alerts": "precision and recall of alerts in words, beside the model's likelihood of the same words",
}


def add_parser(benchmarks: Any) -> None:
    """Register the commands."""
    for name, about in ABOUT.items():
        parser = benchmarks.add_parser(name, help=about, description=about)
        parser.add_argument("--captions", type=_captions, required=True, metavar="FILE", help="FILE, or LANGUAGE=FILE")
        parser.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
        parser.add_argument("--split", default="dev", help="train, dev or test (default: %(default)s)")
        parser.add_argument("--limit", type=positive, metavar="N", help="only the first so many photos")
        parser.add_argument("--bundle", type=Path, help="accurate, fast, or a bundle's folder (default: accurate)")
        parser.add_argument("--flavour", metavar="NAME", help="cpu-x86, cpu-arm, … (default: this machine's)")
        parser.add_argument("--save", action="store_true", help=f"also write benchmarks/results/{name}.json")
        parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and report; returns 0."""
    from benchmarks import alerts, find
    from training.data.load import load

    photos = load(args.captions.path, args.photos, args.split, args.captions.language)[: args.limit]
    measure = {"find": find.measure, "alerts": alerts.measure}[args.benchmark]
    report(args.benchmark, {"split": args.split, **measure(args.bundle, args.flavour, photos)}, save=args.save)
    return 0


def _captions(text: str) -> CaptionFile:
    from training.data.load import caption_file

    return caption_file(text)
