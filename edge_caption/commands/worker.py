"""`edge-caption worker`: caption photos that a broker spreads over all workers."""

from __future__ import annotations

import argparse
import logging
import os
import socket
from contextlib import closing
from typing import Any

from edge_caption.commands.broker_options import add_broker_options, add_topic_option, broker_settings
from edge_caption.commands.model_options import add_model_options, captioner_from
from edge_caption.commands.run import stopping
from edge_caption.commands.values import name
from edge_caption.terminal.output import set_up_log

log = logging.getLogger(__name__)


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "worker",
        help="caption photos that come over MQTT, together with other workers",
        description="Take photos from an MQTT 5 shared subscription and answer on each one's response topic. "
        "docs/workers.md tells more.",
    )
    add_topic_option(parser)
    parser.add_argument(
        "--group",
        type=name("--group"),
        default="workers",
        metavar="NAME",
        help="workers of one group share the photos (default: %(default)s)",
    )
    parser.add_argument(
        "--name", type=name("--name"), metavar="NAME", help="this worker (default: the computer's name and a number)"
    )
    add_broker_options(parser)
    add_model_options(parser)
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Caption until a signal; what is in hand is answered first.

    Returns:
        0; errors are raised.
    """
    from edge_caption.images.allocator import give_back_large_blocks
    from edge_caption.images.photos import keep_opencv_in_one_thread
    from edge_caption.mqtt.line import Line
    from edge_caption.mqtt.selectable_event import SelectableEvent
    from edge_caption.mqtt.settings import check_for_workers
    from edge_caption.mqtt.work.worker import UNACKNOWLEDGED, Worker

    set_up_log()
    give_back_large_blocks()
    keep_opencv_in_one_thread()
    settings = broker_settings(args)
    own = args.name or f"worker-{socket.gethostname()[:60]}-{os.getpid()}"
    check_for_workers(settings)
    worker = Worker(captioner_from(args), args.topic, args.group, own)
    with stopping() as stop, closing(SelectableEvent()) as attention:
        line = Line(settings, own, attention, UNACKNOWLEDGED)
        log.info("%s takes photos from %s at %s", own, args.topic, settings.broker)
        line.keep(worker, stop.is_set)
    log.info("%s answered %d photos, and %d with an error", own, worker.done + worker.failed, worker.failed)
    return 0
