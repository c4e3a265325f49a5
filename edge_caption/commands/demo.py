"""`edge-caption demo`: captions of a panning camera, published to a broker in this process."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_caption.commands.model_options import add_model_options, model_options
from edge_caption.commands.page import add_page_option, usual_page
from edge_caption.commands.run import add_camera_options, caption_feeds, stopping
from edge_caption.commands.values import checked
from edge_caption.terminal.numbers import positive, rate
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from edge_caption.cameras.camera import Feed
    from edge_caption.cameras.settings import CameraSettings
    from edge_caption.node.settings import Settings

FPS = 2.0

NODE = "demo"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    from edge_caption.cameras.source import Source

    parser = subparsers.add_parser(
        "demo", help="caption photos that ship with the program, or a camera", description=__doc__
    )
    parser.add_argument("--source", type=checked(Source), metavar="SOURCE", help="a camera instead, as with run")
    parser.add_argument("--seconds", type=rate, metavar="N", help="stop after so long")
    parser.add_argument("--captions", type=positive, metavar="N", help="stop after so many")
    add_camera_options(parser, fps=f"{FPS:g}", node=NODE)
    add_page_option(parser)
    parser.add_argument("--no-page", action="store_true", help="without the page")
    add_model_options(parser)
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or the given end.

    Returns:
        0; errors are raised.
    """
    from edge_caption.mqtt.address import EMBEDDED_PORT
    from edge_caption.mqtt.broker import free_port, port_is_free

    port = EMBEDDED_PORT if port_is_free(EMBEDDED_PORT) else free_port()
    # The broker ends with the demo, so nothing is worth keeping for the next one.
    with stopping(args.seconds) as stop, tempfile.TemporaryDirectory(prefix="edge-caption-demo-") as folder:
        settings = _settings(args, port, Path(folder))
        _explain(settings, port)
        return caption_feeds(settings, [_feed(settings.cameras[0])], stop, args.captions)


def _settings(args: argparse.Namespace, port: int, state_dir: Path) -> Settings:
    from edge_caption.config import load

    options = {
        "node": args.node or NODE,
        "prefix": args.prefix,
        "state_dir": state_dir,
        "camera": {"source": args.source, "name": args.camera, "fps": args.fps or FPS, "loop": True},
        "mqtt": {"broker": f"embedded:{port}"},
        "model": model_options(args),
        "page": {"listen": None if args.no_page else args.page or usual_page(), "api": args.api},
    }
    return load(None, options, environment={})


def _feed(camera: CameraSettings) -> Feed:
    if camera.source is not None:
        from edge_caption.cameras.kinds import feed_of

        return feed_of(camera.source, camera)
    from edge_caption.demo.panning import panning_feed

    return panning_feed()


def _explain(settings: Settings, port: int) -> None:
    for line in f"""\
Captions come below and go to an MQTT broker on port {port} of this computer. See them from another terminal with
  mosquitto_sub -h 127.0.0.1 -p {port} -t '{settings.prefix}/#' -v
Ctrl-C ends.
""".split("\n"):
        say(line, file=sys.stderr)
