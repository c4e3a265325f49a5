"""`edge-caption bench`: how fast this device captions, stage by stage, and what that costs it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from edge_caption.commands.model_options import add_bundle_options, beams, threads
from edge_caption.commands.values import checked, path
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from edge_caption.commands.measurement.device import Subject

ABOUT = """Measure each stage from JPEG to broker, with every number of threads up to --threads, greedy and with beams;
start, memory, processor time, temperature and energy. The table goes to standard error, one JSON document to standard
output. Minutes; let nothing else run meanwhile. docs/results.md says how to send the document in."""

MOST_THREADS = 4
"""As many as the captioner takes by itself."""


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    from edge_caption.mqtt.address import SHAPE, Address

    parser = subparsers.add_parser("bench", help="measure this device: latency, memory, energy", description=ABOUT)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes, and rough")
    parser.add_argument("--compare", nargs=2, type=path, metavar="FILE", help="hold two documents side by side instead")
    parser.add_argument("--beams", type=beams, nargs="+", default=[1, 3], metavar="N", help="(default: 1 3)")
    parser.add_argument("--threads", type=threads, metavar="N", help="1 to N (default: all cores, at most 4)")
    parser.add_argument(
        "--broker",
        type=checked(Address.parse),
        metavar="URL",
        help=f"publish there, {SHAPE} (default: an embedded one, if its extra is installed)",
    )
    add_bundle_options(parser)
    parser.add_argument(
        "--backend", type=checked(_backend), metavar="NAME", help="onnxruntime or openvino (default: onnxruntime)"
    )
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Measure, or compare; returns 0, errors are raised."""
    from edge_caption.commands.measurement.document import read_document
    from edge_caption.commands.measurement.table import as_text, compare

    if args.compare:
        _say_all(compare(*map(read_document, args.compare)))
        return 0
    from edge_caption.commands.measurement.device import FULL, QUICK, measure

    document = measure(_subject(args), QUICK if args.quick else FULL, _tell)
    _say_all(as_text(document), file=sys.stderr)
    say(msgspec.json.encode(document).decode())
    return 0


def _subject(args: argparse.Namespace) -> Subject:
    from edge_caption.commands.measurement.device import Subject
    from edge_caption.mqtt.settings import MqttSettings
    from edge_caption.mqtt.settings import checked as checked_settings

    most = args.threads or min(MOST_THREADS, len(os.sched_getaffinity(0)))
    broker = checked_settings(MqttSettings(broker=args.broker)) if args.broker else None
    return Subject(args.bundle, args.flavour, args.backend, range(1, most + 1), args.beams, broker)


def _say_all(lines: str, file: TextIO | None = None) -> None:
    for line in lines.splitlines():
        say(line, file=file)


def _tell(what: str) -> None:
    say(f"measuring: {what}", file=sys.stderr)


def _backend(name: str) -> str:
    from edge_caption.errors import ConfigError
    from edge_caption.model.backends import BACKENDS

    if name not in BACKENDS:
        raise ConfigError(f"there is no backend {name!r}; choose one of: {', '.join(BACKENDS)}")
    return name
