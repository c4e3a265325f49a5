"""`edge-caption annotate FOLDER`: captions of a whole folder of photos, for other programs."""

from __future__ import annotations

import argparse
import math
import os
import sys
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from edge_caption.commands.broker_options import add_broker_options, add_topic_option, broker_settings
from edge_caption.commands.model_options import add_model_options
from edge_caption.commands.run import stopping
from edge_caption.commands.values import path
from edge_caption.errors import ConfigError
from edge_caption.terminal.numbers import positive
from edge_caption.terminal.output import PROGRAM, complain, overwrite, say, set_up_log

if TYPE_CHECKING:
    from edge_caption.annotation.annotate import Progress
    from edge_caption.annotation.outputs import Output
    from edge_caption.annotation.workers import Annotation, Unreadable
    from edge_caption.errors import PhotoError

TERMINAL_S, LOG_S = 0.2, 30.0
"""Between two lines of progress: on a terminal, where each takes the place of the last, and in a log."""


MODEL_OPTIONS = ("bundle", "flavour", "backend", "beam", "language", "specific", "sure")
"""Each worker has one thread."""


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "annotate",
        help="caption every photo in a folder, for other programs",
        description="Caption every photo in a folder and the folders in it. The same command goes on after a stop. "
        "docs/annotate.md tells more.",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER", help="of photos")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("-o", "--out", type=path, metavar="FILE", help="a name ending in .jsonl, .csv or .coco.json")
    where.add_argument("--xmp", action="store_true", help="write an XMP sidecar beside each photo: photo.jpg.xmp")
    parser.add_argument("--workers", type=positive, metavar="N", help="processes here (default: one a core)")
    add_model_options(parser, with_threads=False)
    parser.add_argument(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="let Ray Data caption, on this machine or in the cluster at an address (extra: ray)",
    )
    add_broker_options(parser, "let the workers of this broker caption (default: this computer does)")
    add_topic_option(parser)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Caption what has no caption yet.

    Returns:
        0; 1 where photos could not be read, which are listed; 130 where it was stopped.
    """
    from edge_caption.annotation.annotate import annotate, find_photos, left

    unread: list[PhotoError] = []
    names = find_photos(args.folder, unread.append)
    output = _output(args, names)
    unwritable: dict[str, str] = getattr(output, "unwritable", {})
    for sentence in (*unread, *dict.fromkeys(unwritable.values())):
        complain(sentence)
    names = [name for name in names if name not in unwritable]
    todo = left(names, output)
    if len(todo) < len(names):
        say(f"{PROGRAM}: {len(names) - len(todo):,} of {len(names):,} photos have captions already", file=sys.stderr)
    if foreign := getattr(output, "foreign", ()):
        say(
            f"{PROGRAM}: {len(foreign):,} photos have a sidecar of another program, which is left as it is",
            file=sys.stderr,
        )
    with stopping() as stop, _captioned(args, todo, stop, output.languages) as captioned:
        progress = annotate(len(todo), captioned, output, stop, _Shown().show)
        stopped = stop.is_set()
    _sum_up(progress)
    if stopped:
        complain("stopped; the same command goes on")
        return 130
    return int(bool(progress.unreadable or unread or unwritable))


@contextmanager
def _captioned(
    args: argparse.Namespace, names: list[str], stop: threading.Event, languages: set[str]
) -> Iterator[Generator[Annotation | Unreadable, None, None]]:
    """Have photos captioned: by processes here, by Ray, or by a broker's workers.

    Raises:
        ConfigError: two of them are asked for, or captions in another language are there already.
    """
    if args.ray is not None:
        from edge_caption.annotation.cluster import caption_by_ray

        if given := [name for name in ("workers", "broker") if getattr(args, name) is not None]:
            raise ConfigError(f"--ray and --{given[0]} contradict each other; give one of them")
        yield caption_by_ray(args.folder, names, _model(args, languages), args.ray)
        return
    if args.broker is None:
        from edge_caption.annotation.workers import caption_by_processes

        workers = args.workers or len(os.sched_getaffinity(0))
        yield caption_by_processes(args.folder, names, _model(args, languages), workers)
        return
    from edge_caption.annotation.remote import caption_by_workers
    from edge_caption.mqtt.work.asker import Asker

    if given := [name for name in ("workers", *MODEL_OPTIONS) if getattr(args, name) is not None]:
        raise ConfigError(f"with --broker the workers choose the model; give --{given[0]} to edge-caption worker")
    set_up_log()
    with closing(Asker(broker_settings(args), f"annotate-{uuid.uuid4().hex[:12]}", args.topic)) as asker:
        yield caption_by_workers(args.folder, names, asker, stop)


def _model(args: argparse.Namespace, languages: set[str]) -> dict[str, Any]:
    """Return the captioner's options, after a look at whether it loads: a worker could only say so late.

    Raises:
        ConfigError: it speaks another language than the captions that are there.
    """
    from edge_caption.model.captioner import Captioner

    options: dict[str, Any] = {name: getattr(args, name) for name in MODEL_OPTIONS}
    options["bundle"] = args.bundle and args.bundle.absolute()  # a process elsewhere has another folder
    language = Captioner(**options, threads=1).language
    if other := languages - {language}:
        there = f"captions in another language are there already ({', '.join(sorted(other))}, not {language})"
        raise ConfigError(f"{there}; give --language {min(other)}, or another --out")
    return options


def _output(args: argparse.Namespace, names: list[str]) -> Output:
    from edge_caption.annotation.outputs import open_output
    from edge_caption.annotation.sidecars import Sidecars

    if args.xmp:
        return Sidecars(args.folder, names)
    try:
        return open_output(args.out)
    except OSError as error:
        raise ConfigError(f"{args.out} can't be written ({error.strerror}); choose another --out") from None


class _Shown:
    """The progress on standard error."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._next = 0.0 if self._terminal else time.monotonic() + LOG_S

    def show(self, progress: Progress, result: Annotation | Unreadable) -> None:
        from edge_caption.annotation.workers import Unreadable

        if isinstance(result, Unreadable):
            complain(result.reason)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + (TERMINAL_S if self._terminal else LOG_S)
            line = (
                f"{progress.done:,} of {progress.total:,} photos, {progress.rate:.1f} a second, {_left(progress)} left"
            )
            overwrite(line) if self._terminal else say(f"{PROGRAM}: {line}", file=sys.stderr)


def _left(progress: Progress) -> str:
    if math.isinf(progress.left_s):
        return "?"
    minutes, seconds = divmod(round(progress.left_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _sum_up(progress: Progress) -> None:
    unreadable = f", {len(progress.unreadable):,} of them unreadable" if progress.unreadable else ""
    say(f"{PROGRAM}: {progress.done:,} photos, {progress.rate:.1f} a second{unreadable}", file=sys.stderr)
