"""The page beside a running node: its options, and how it opens. The HTTP API may ride on it: one server, one port."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge_caption.commands.values import checked
from edge_caption.errors import ConfigError
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from edge_caption.bounds import ListenAddress
    from edge_caption.model.live import Captions
    from edge_caption.node.settings import Settings
    from edge_caption.web.past import Search
    from edge_caption.web.view import View

MOST_BYTES = 20_000_000
"""Of one photo that is sent to the page's address."""

USUAL = "127.0.0.1:8765"


def add_page_option(parser: argparse.ArgumentParser) -> None:
    """Add --page and --api."""
    from edge_caption.bounds import ListenAddress

    parser.add_argument(
        "--page",
        nargs="?",
        type=checked(ListenAddress.parse),
        const=ListenAddress.parse(USUAL),
        metavar="[HOST:]PORT",
        help=f"show pictures and captions to browsers (default where given alone: {USUAL})",
    )
    parser.add_argument(
        "--api",
        action="store_true",
        default=None,
        help="caption photos that come over HTTP to the page's address, too, as edge-caption serve does",
    )


@contextmanager
def open_page(settings: Settings, captioner: Captions) -> Iterator[View | None]:
    """Serve the page, where the settings ask for one, and say its address.

    Yields:
        What takes records and shows them.

    Raises:
        ConfigError: nothing can listen there, the token file is wrong, or the extra is not installed.
    """
    if settings.page.listen is None:
        if settings.page.api:
            raise ConfigError("--api rides on the page; add --page, or use edge-caption serve")
        yield None
        return
    if settings.page.api and settings.workers.send_frames:
        raise ConfigError(
            "--api captions photos on this device and send_frames has workers do it; leave one of them out"
        )
    check_installed()
    from edge_caption.web.page import Page

    page = Page(settings.page, _search(settings), _api(captioner) if settings.page.api else None)
    say(f"The page is at {page.url}", file=sys.stderr)
    try:
        yield page.view
    finally:
        page.close()


def _search(settings: Settings) -> Search | None:
    """Return what searches the history on disk, None where none is kept."""
    if not settings.history.keep:
        return None
    from edge_caption.history.search import Query, search
    from edge_caption.history.tables import history_path
    from edge_caption.node.identity import node_name

    path = history_path(settings.state_dir, node_name(settings.node, settings.state_dir))
    return lambda words, camera, most: search([path], Query(words=words, camera=camera, limit=most))


def _api(captioner: Captions) -> Starlette:
    from edge_caption.web.api import app
    from edge_caption.web.describer import Describer

    return app(Describer(captioner), MOST_BYTES)


def check_installed() -> None:
    """Raise ConfigError where the extra `web` is missing."""
    if not (importlib.util.find_spec("starlette") and importlib.util.find_spec("uvicorn")):
        raise ConfigError("this needs starlette and uvicorn; run: pip install 'edge-caption[web]'")


def usual_page() -> ListenAddress | None:
    """Return where the demo's page listens, on another port where the usual one is taken; None without the extra."""
    from edge_caption.bounds import ListenAddress

    try:
        check_installed()
    except ConfigError as error:
        say(f"There is no page: {error}", file=sys.stderr)
        return None
    from edge_caption.web.listen import bind

    listen = ListenAddress.parse(USUAL)
    try:
        bind(listen).close()
    except ConfigError:
        return ListenAddress(listen.host, 0)
    return listen
