"""`edge-caption caption PHOTO…`: a sentence a photo."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_caption.commands.model_options import add_model_options, captioner_from
from edge_caption.errors import PhotoError
from edge_caption.terminal.output import complain, say

if TYPE_CHECKING:
    from edge_caption.model.caption import Caption

STDIN = "-"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser("caption", help="print a sentence for each photo")
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="JPEG, PNG or WebP file, folder of them, or - for stdin"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--attention", action="store_true", help="with --json: add the attention map of each word")
    add_model_options(parser)
    parser.set_defaults(handler=run, refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Caption the photos in the order given; a bad one is reported and the rest go on.

    Returns:
        0, or 1 if a photo could not be read.
    """
    if args.attention and not args.json:
        args.refuse("--attention needs --json")
    captioner = captioner_from(args)
    failed = False
    for name, source in _photos(args.photos):
        try:
            if isinstance(source, PhotoError):
                raise source
            caption = captioner.caption(source)
        except PhotoError as error:
            complain(error)
            failed = True
            continue
        say(_as_json(name, caption, args.attention) if args.json else _as_text(name, caption, args.photos))
    return int(failed)


def _photos(arguments: list[str]) -> Iterator[tuple[str, Path | bytes | PhotoError]]:
    """Yield name and source of each photo; a folder without photos is an error in its place."""
    from edge_caption.images.photos import list_photos

    for argument in arguments:
        if argument == STDIN:
            yield STDIN, _read_stdin()
        elif os.path.isdir(argument):  # noqa: PTH112 - Path.is_dir() raises where the name is too long
            try:
                yield from ((str(file), file) for file in list_photos(Path(argument)))
            except PhotoError as error:
                yield argument, error
        else:
            yield argument, Path(argument)


def _read_stdin() -> bytes | PhotoError:
    from edge_caption.images.photos import MAX_BYTES

    if sys.stdin is None:
        return PhotoError("standard input is closed; pipe a photo to it, or leave - out")
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        return PhotoError(f"standard input is larger than {MAX_BYTES // 10**6} MB; make it smaller")
    return data


def _as_text(name: str, caption: Caption, arguments: list[str]) -> str:
    alone = len(arguments) == 1 and name == arguments[0]
    return caption.text if alone else f"{name}: {caption.text}"


def _as_json(name: str, caption: Caption, attention: bool) -> str:
    from edge_caption.records import PhotoCaption, encode, sentence

    # A name on disk may be any bytes, JSON only text.
    file = os.fsencode(name).decode("utf-8", "replace")
    return encode(PhotoCaption(file=file, **sentence(caption, attention=attention))).decode()
