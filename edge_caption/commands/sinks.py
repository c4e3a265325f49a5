"""The sinks that the settings ask for, opened and closed. What nobody asks for isn't even imported."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge_caption.commands.console import Console

if TYPE_CHECKING:
    from edge_caption.node.settings import Settings
    from edge_caption.node.sinks import Sink


def add_sink_options(parser: argparse.ArgumentParser) -> None:
    """Add --history."""
    parser.add_argument(
        "--history", action="store_true", default=None, help="keep captions on this device, for edge-caption search"
    )


@contextmanager
def open_sinks(settings: Settings, stop: threading.Event) -> Iterator[list[Sink]]:
    """Yield the console and what else shows or keeps captions.

    Raises:
        HistoryError: the history's file can't be used.
    """
    sinks: list[Sink] = [Console(stop)]
    if settings.history.keep:
        from edge_caption.history.store import History
        from edge_caption.history.tables import history_path
        from edge_caption.node.identity import node_name

        node = node_name(settings.node, settings.state_dir)
        sinks.append(History(history_path(settings.state_dir, node), settings.history))
    yield sinks
