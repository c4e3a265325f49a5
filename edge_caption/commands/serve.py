"""`edge-caption serve`: caption photos that come over HTTP."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from edge_caption.commands.model_options import add_model_options, model_options
from edge_caption.commands.page import check_installed
from edge_caption.commands.run import stopping
from edge_caption.commands.values import checked, path
from edge_caption.errors import ConfigError
from edge_caption.terminal.numbers import rate
from edge_caption.terminal.output import say, set_up_log

if TYPE_CHECKING:
    from edge_caption.bounds import ListenAddress

USUAL = "127.0.0.1:8766"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    from edge_caption.bounds import ListenAddress

    parser = subparsers.add_parser(
        "serve", help="caption photos that come over HTTP", description=f"{__doc__} docs/http-api.md tells more."
    )
    parser.add_argument(
        "--port",
        type=checked(ListenAddress.parse),
        default=ListenAddress.parse(USUAL),
        metavar="[HOST:]PORT",
        help=f"where to listen; without HOST on this computer only (default: {USUAL})",
    )
    parser.add_argument("--max-mb", type=rate, default=20.0, metavar="N", help="of one upload (default: 20)")
    parser.add_argument("--token-file", type=path, metavar="FILE", help="the token that clients must send")
    parser.add_argument(
        "--no-token", action="store_true", help="let in everybody who reaches it, for clients that can send no token"
    )
    parser.add_argument(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name that clients may call it by; any number of times",
    )
    add_model_options(parser)
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C.

    Returns:
        0; errors are raised.
    """
    check_installed()
    from edge_caption.images.allocator import give_back_large_blocks
    from edge_caption.images.photos import keep_opencv_in_one_thread
    from edge_caption.model.captioner import Captioner
    from edge_caption.web.api import app
    from edge_caption.web.describer import Describer
    from edge_caption.web.guard import Door, Guard
    from edge_caption.web.listen import bind, url
    from edge_caption.web.server import Server

    set_up_log()
    give_back_large_blocks()
    keep_opencv_in_one_thread()
    listen: ListenAddress = args.port
    given: dict[str, Any] = model_options(args)
    token = _token(args)
    with stopping() as stop, bind(listen) as listening:
        captioner = Captioner(**given)
        door = Door(listen.host, token, tuple(args.host_name))
        describer = Describer(captioner)
        server = Server(Guard(app(describer, int(args.max_mb * 1e6)), door), listening)
        say(f"Photos are captioned at {url(listen, server.port)}caption", file=sys.stderr)
        if token and not args.token_file:
            say(f"Clients send the token {token} as Authorization: Bearer TOKEN", file=sys.stderr)
        stop.wait()
        server.close()
    return 0


def _token(args: argparse.Namespace) -> str | None:
    """Return the token that clients must send, None where they need none.

    Raises:
        ConfigError: the options contradict each other, or the file is wrong.
    """
    from edge_caption.web.listen import is_local
    from edge_caption.web.token import new_token, read_token

    if args.token_file and args.no_token:
        raise ConfigError("--token-file and --no-token contradict each other; give one of them")
    if args.token_file:
        return read_token(args.token_file)
    return None if args.no_token or is_local(args.port.host) else new_token()
