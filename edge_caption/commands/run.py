"""`edge-caption run`: caption a camera and publish what it sees."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from edge_caption.commands.broker_options import add_broker_options, broker_options
from edge_caption.commands.model_options import add_model_options, model_options
from edge_caption.commands.page import add_page_option, open_page
from edge_caption.commands.sinks import add_sink_options
from edge_caption.commands.values import checked, name, path
from edge_caption.errors import ConfigError
from edge_caption.terminal.numbers import rate, share
from edge_caption.terminal.output import set_up_log

if TYPE_CHECKING:
    from edge_caption.cameras.camera import Feed
    from edge_caption.cameras.source import Source
    from edge_caption.model.captioner import Captioner
    from edge_caption.model.live import Captions
    from edge_caption.node.settings import Settings

log = logging.getLogger(__name__)


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    from edge_caption.bounds import ListenAddress
    from edge_caption.cameras.source import named_source

    parser = subparsers.add_parser(
        "run",
        help="caption a camera and publish to an MQTT broker",
        description=f"{__doc__} docs/run.md tells more.",
    )
    add_camera_options(parser, fps="1", node="the computer's name")
    parser.add_argument(
        "--source",
        type=checked(named_source),
        action="append",
        metavar="[NAME=]SOURCE",
        help="camera index, /dev/video…, rtsp:// or http:// URL, mqtt:TOPIC, 'GStreamer ! pipeline', "
        "csi://0, picamera://0, video file, folder or 'pattern' of photos; "
        "once for each camera, then each with its name",
    )
    parser.add_argument(
        "--min-confidence",
        type=share,
        metavar="N",
        help="publish no caption of less confidence, 0-1 (default: 0, publish all)",
    )
    parser.add_argument("--loop", action="store_true", default=None, help="start files over when they end")
    parser.add_argument(
        "--metrics",
        type=checked(ListenAddress.parse),
        metavar="[HOST:]PORT",
        help="serve Prometheus metrics there (default: nowhere; without HOST on this computer only)",
    )
    parser.add_argument(
        "--home-assistant", action="store_true", default=None, help="let Home Assistant find this node by itself"
    )
    add_sink_options(parser)
    add_page_option(parser)
    add_broker_options(parser)
    add_model_options(parser)
    parser.add_argument("--config", type=path, metavar="FILE", help="settings as TOML; options override them")
    parser.add_argument("--state-dir", type=path, metavar="FOLDER", help="where captions wait for the broker")
    parser.set_defaults(handler=handle)


def add_camera_options(parser: argparse.ArgumentParser, fps: str, node: str) -> None:
    """Add the options that name a camera's topics and set its pace; the help tells the defaults of --fps and --node."""
    parser.add_argument("--fps", type=rate, metavar="N", help=f"captions a second at most (default: {fps})")
    parser.add_argument("--node", type=name("--node"), metavar="NAME", help=f"this device (default: {node})")
    parser.add_argument("--camera", type=name("--camera"), metavar="NAME", help="this camera (default: camera)")
    parser.add_argument(
        "--prefix",
        type=name("--prefix"),
        metavar="NAME",
        help="what topics begin with (default: edge_caption)",
    )


def options(args: argparse.Namespace) -> dict[str, object]:
    """Return the options in the settings' shape; None where one was not given.

    Raises:
        ConfigError: of several sources, one has no name, or has two.
    """
    alone, named = _sources(args.source or [])
    if named and args.camera:
        raise ConfigError("the sources have names already; leave --camera out")
    return {
        "node": args.node,
        "prefix": args.prefix,
        "state_dir": args.state_dir,
        "camera": {"source": alone, "name": args.camera, "fps": args.fps, "loop": args.loop},
        **({"cameras": named} if named else {}),
        "mqtt": broker_options(args),
        "home_assistant": {"enabled": args.home_assistant},
        "model": model_options(args),
        "metrics": args.metrics,
        "page": {"listen": args.page, "api": args.api},
        "gate": {"min_confidence": args.min_confidence},
        "history": {"keep": args.history},
        "speech": {"speak": args.speak},
    }


def _sources(given: list[tuple[str | None, Source]]) -> tuple[Source | None, list[dict[str, object]]]:
    """Return the source that has no name, or the tables of those that have one."""
    if not given or (len(given) == 1 and given[0][0] is None):
        return (given[0][1] if given else None), []
    if any(name is None for name, _ in given):
        raise ConfigError("several sources need names; write each as in --source porch=rtsp://…")
    return None, [{"name": name, "source": source} for name, source in given]


def handle(args: argparse.Namespace) -> int:
    """Run until a signal or the end of a file.

    Returns:
        0; errors are raised.
    """
    from edge_caption.config import load

    settings = load(args.config, options(args))
    set_up_log()
    with stopping() as stop:
        return caption_feeds(settings, feeds_of(settings), stop)


def feeds_of(settings: Settings) -> list[Feed]:
    """Return how to open the cameras.

    Raises:
        ConfigError: one has no source.
    """
    from edge_caption.cameras.kinds import feed_of

    feeds = []
    for camera in settings.cameras:
        if camera.source is None and len(settings.cameras) == 1:
            raise ConfigError("no camera is given; use --source, or source in the [camera] part of the --config file")
        if camera.source is None:
            raise ConfigError(f"the camera {camera.name} has no source; give it one in its part of the --config file")
        feeds.append(feed_of(camera.source, camera))
    return feeds


def caption_feeds(settings: Settings, feeds: Sequence[Feed], stop: threading.Event, limit: int | None = None) -> int:
    """Load the model and run the node, with captions on standard output and the log on standard error.

    Args:
        settings: of the node.
        feeds: where each camera's frames come from.
        stop: ends it.
        limit: stop after so many captions.
    """
    from edge_caption.commands.sinks import open_sinks
    from edge_caption.images import allocator
    from edge_caption.images.photos import keep_opencv_in_one_thread
    from edge_caption.node.start import run

    set_up_log()
    allocator.reuse_frames()
    keep_opencv_in_one_thread()
    with (
        _captions(settings, stop) as captions,
        open_sinks(settings, stop) as sinks,
        open_page(settings, captions) as page,
    ):
        shown = [*sinks, *([page] if page else [])]
        again = run(settings, feeds, captions, shown, stop, limit, page.steer if page else lambda _: None)
    if again:
        # The same program with the same arguments; open files close by themselves.
        os.execv(sys.executable, sys.orig_argv)
    return 0


@contextmanager
def _captions(settings: Settings, stop: threading.Event) -> Iterator[Captions]:
    """Load the model, or reach the workers that caption in its place."""
    if settings.workers.send_frames:
        from edge_caption.mqtt.work.asker import Asker
        from edge_caption.mqtt.work.captions import RemoteCaptions
        from edge_caption.node.identity import node_name

        topic = settings.workers.topic
        log.warning("pictures leave this device: workers at %s caption its frames", settings.mqtt.broker)
        with closing(Asker(settings.mqtt, node_name(settings.node, settings.state_dir), topic)) as asker:
            yield RemoteCaptions(asker, topic, stop)
        return
    from edge_caption.images import allocator
    from edge_caption.model.live import LiveCaptioner

    captioner = _open_captioner(settings)
    allocator.give_back_freed()
    if any(camera.gate.min_confidence for camera in settings.cameras) and not captioner.calibrated:
        log.warning(
            "the model %s has no calibrated confidence: min_confidence compares with the mean probability of the "
            "words, which says nothing of right and wrong",
            captioner.model.name,
        )
    yield LiveCaptioner(captioner)


def _open_captioner(settings: Settings) -> Captioner:
    """Load the model of the settings, or what it was updated to.

    Raises:
        BundleError, BackendError, ConfigError: as of `Captioner`.
    """
    if settings.update.public_key is None:
        from edge_caption.model.captioner import Captioner

        return Captioner(**msgspec.structs.asdict(settings.model))
    from edge_caption.node.update.boot import open_captioner

    return open_captioner(settings)


@contextmanager
def stopping(seconds: float | None = None) -> Iterator[threading.Event]:
    """Yield what SIGINT, SIGTERM or the time sets; a second signal ends the program at once."""
    stop = threading.Event()

    def on_signal(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), stop.set) if seconds is not None else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        yield stop
    finally:
        if timer:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
