"""The sinks that the settings ask for, opened and closed. What nobody asks for isn't even imported."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from edge_caption.commands.console import Console

if TYPE_CHECKING:
    from edge_caption.history.store import History
    from edge_caption.node.settings import Settings
    from edge_caption.node.sinks import Sink
    from edge_caption.speech.settings import SpeechSettings
    from edge_caption.speech.speaker import Speaker


def add_sink_options(parser: argparse.ArgumentParser) -> None:
    """Add --history and --speak."""
    parser.add_argument(
        "--history", action="store_true", default=None, help="keep captions on this device, for edge-caption search"
    )
    parser.add_argument(
        "--speak",
        action="store_true",
        default=None,
        help="read new captions aloud; on a terminal the space bar asks what is there now",
    )


@contextmanager
def open_sinks(settings: Settings, stop: threading.Event) -> Iterator[list[Sink]]:
    """Yield the console and what else shows or keeps captions.

    Raises:
        ConfigError: there is no program that speaks.
        HistoryError: the history's file can't be used.
    """
    sinks: list[Sink] = [Console(stop)]
    with ExitStack() as stack:
        if settings.history.keep:
            sinks.append(_open_history(settings, stack))
        if settings.speech.speak:
            sinks.append(_open_speaker(settings.speech, stack))
        yield sinks


def _open_history(settings: Settings, stack: ExitStack) -> History:
    from edge_caption.history.store import History
    from edge_caption.history.tables import history_path
    from edge_caption.node.identity import node_name

    node = node_name(settings.node, settings.state_dir)
    return stack.enter_context(closing(History(history_path(settings.state_dir, node), settings.history)))


def _open_speaker(settings: SpeechSettings, stack: ExitStack) -> Speaker:
    from edge_caption.commands.keys import on_key
    from edge_caption.speech.speaker import Speaker

    speaker = Speaker(settings)
    stack.callback(speaker.close)
    stack.enter_context(on_key(" \n", speaker.repeat))
    return speaker
