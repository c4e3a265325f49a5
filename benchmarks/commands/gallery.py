"""A page of captions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import add_bundle, add_data, add_flavour, check_bundles, photos
from edge_caption.terminal.numbers import positive

ABOUT = """Write one HTML page that works offline: scores, distributions, and photos with each word's probability and
where the captioner looked. The page holds the photos and what people wrote of them: where their terms forbid handing
them on, as Flickr8k's do, keep it to yourself."""


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser("gallery", help="an HTML page", description=ABOUT)
    add_bundle(parser)
    add_data(parser)
    add_flavour(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page, e.g. gallery.html")
    parser.add_argument(
        "--shown", type=positive, default=24, metavar="N", help="photos drawn by chance (default: %(default)s)"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from benchmarks import gallery, quality
    from toolchain.output import check_file, write_file

    check_bundles(args.bundle)
    check_file(args.out)
    trained_on = quality.training_sentences(args.captions)
    found = gallery.evaluate(args.bundle, args.flavour, photos(args), trained_on)
    write_file(gallery.render(found, args.split, args.shown).encode(), args.out)
    print(args.out)
    return 0
