"""`edge-caption find SENTENCE FOLDER`: the photos that a sentence fits best."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edge_caption.commands.model_options import add_model_options, captioner_from
from edge_caption.commands.values import path
from edge_caption.terminal.numbers import positive
from edge_caption.terminal.output import overwrite, say

if TYPE_CHECKING:
    from edge_caption.errors import PhotoError
    from edge_caption.model.retrieval.find import Found


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "find", help="rank a folder's photos by a sentence", description=f"{__doc__} docs/find.md tells more."
    )
    parser.add_argument("sentence", metavar="SENTENCE", help='as in "a child on a slide"')
    parser.add_argument("folder", type=path, metavar="FOLDER", help="of photos; a cache keeps what is seen of them")
    parser.add_argument("--limit", type=positive, default=10, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_model_options(parser, with_search=False)
    parser.set_defaults(handler=handle, beam=None, specific=None, sure=None)


def handle(args: argparse.Namespace) -> int:
    """Print the photos that fit best.

    Returns:
        0, or 1 if a photo could not be read.
    """
    from edge_caption.images.photos import list_photos
    from edge_caption.model.retrieval.cache import Cache, cache_folder
    from edge_caption.model.retrieval.find import Album

    captioner = captioner_from(args)
    question = captioner.ask(args.sentence)
    if question.unknown:
        words = ", ".join(dict.fromkeys(question.unknown))
        say(f"edge-caption: the model does not know {words}; the other words rank the photos", file=sys.stderr)
    photos = list(list_photos(args.folder))
    failed: list[PhotoError] = []
    album = Album(captioner, Cache(cache_folder(captioner.model, args.folder)))
    album.add(photos, failed.append, _progress(len(photos)), _wait)
    found_photos = album.find(question)
    for error in failed:
        say(f"edge-caption: error: {error}", file=sys.stderr)
    for found in found_photos[: args.limit]:
        say(_as_json(found) if args.json else f"{found.score:+.2f}  {found.file}")
    return int(bool(failed))


def _progress(count: int) -> Callable[[int], None]:
    """Return what shows on a terminal how many photos were encoded."""
    began = time.monotonic()

    def show(done: int) -> None:
        if sys.stderr.isatty() and done % 20 == 0:
            rate = done / max(time.monotonic() - began, 1e-3)
            overwrite(f"{done} photos encoded of {count} at most, {rate:.0f} a second")

    return show


def _wait() -> None:
    say("edge-caption: another find looks at these photos; this one waits for it", file=sys.stderr)


def _as_json(found: Found) -> str:
    import msgspec

    # A name on disk may be any bytes, JSON only text.
    file = os.fsencode(found.file).decode("utf-8", "replace")
    return msgspec.json.encode({"file": file, "score": round(found.score, 4)}).decode()
