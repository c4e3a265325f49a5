"""The page beside a running node: its option, and how it opens."""

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
    from edge_caption.bounds import ListenAddress
    from edge_caption.web.settings import PageSettings
    from edge_caption.web.view import View

USUAL = "127.0.0.1:8765"


def add_page_option(parser: argparse.ArgumentParser) -> None:
    """Add --page."""
    from edge_caption.bounds import ListenAddress

    parser.add_argument(
        "--page",
        nargs="?",
        type=checked(ListenAddress.parse),
        const=ListenAddress.parse(USUAL),
        metavar="[HOST:]PORT",
        help=f"show pictures and captions to browsers (default where given alone: {USUAL})",
    )


@contextmanager
def open_page(settings: PageSettings) -> Iterator[View | None]:
    """Serve the page, where the settings ask for one, and say its address.

    Yields:
        What takes records and shows them.

    Raises:
        ConfigError: nothing can listen there, the token file is wrong, or the extra is not installed.
    """
    if settings.listen is None:
        yield None
        return
    check_installed()
    from edge_caption.web.page import Page

    page = Page(settings)
    say(f"The page is at {page.url}", file=sys.stderr)
    try:
        yield page.view
    finally:
        page.close()


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
