"""`edge-caption watch`: what all nodes on a broker see, live in the terminal."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from edge_caption.commands.broker_options import add_broker_options, broker_settings
from edge_caption.commands.run import stopping
from edge_caption.commands.values import name
from edge_caption.terminal.numbers import rate
from edge_caption.terminal.output import discard_output, say, set_up_log

if TYPE_CHECKING:
    import threading

    from rich.table import Table

    from edge_caption.mqtt.watching.fleet import CameraView, Fleet, NodeView

Show = Callable[[Sequence[str]], None]

FRAME_LINES = 6
"""Of a table: title, borders, headings, and the line below."""

HINT = "for a live table: pip install 'edge-caption[watch]'"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "watch",
        help="see live what all nodes on a broker say",
        description="A live table of all nodes and cameras on a broker. Where the output is no terminal: a line for "
        "each event. docs/watch.md tells more.",
    )
    parser.add_argument(
        "--prefix",
        type=name("--prefix"),
        default="edge_caption",
        metavar="NAME",
        help="what topics begin with (default: %(default)s)",
    )
    parser.add_argument("--lines", action="store_true", help="lines on a terminal, too")
    parser.add_argument("--seconds", type=rate, metavar="N", help="stop after so long")
    add_broker_options(parser)
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Show until Ctrl-C.

    Returns:
        0; errors are raised.
    """
    import socket

    from edge_caption.mqtt.line import Line
    from edge_caption.mqtt.selectable_event import SelectableEvent
    from edge_caption.mqtt.watching.fleet import Fleet
    from edge_caption.mqtt.watching.watcher import Watcher

    settings = broker_settings(args)
    fleet = Fleet(args.prefix)
    own = f"watch-{socket.gethostname()[:60]}-{os.getpid()}"
    with stopping(args.seconds) as stop, closing(SelectableEvent()) as attention:
        screen = _live(fleet, str(settings.broker)) if _wants_table(args) else _lines(stop)
        with screen as show:
            Line(settings, own, attention).keep(Watcher(fleet, show), stop.is_set)
    return 0


def _wants_table(args: argparse.Namespace) -> bool:
    if args.lines or not sys.stdout.isatty():
        return False
    try:
        import rich  # noqa: F401
    except ImportError:
        say(f"edge-caption: {HINT}", file=sys.stderr)
        return False
    return True


@contextmanager
def _lines(stop: threading.Event) -> Iterator[Show]:
    set_up_log()

    def show(lines: Sequence[str]) -> None:
        try:
            for line in lines:
                say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}")
        except BrokenPipeError:  # nobody reads any more, as with … | head
            discard_output()
            stop.set()

    yield show


@contextmanager
def _live(fleet: Fleet, broker: str) -> Iterator[Show]:
    from rich.live import Live

    with Live(table(fleet, broker, 1), auto_refresh=False) as live:
        set_up_log()  # Live shows what goes to standard error above the table
        shown_at = 0.0

        def show(_: Sequence[str]) -> None:
            nonlocal shown_at
            if time.monotonic() - shown_at >= 0.2:
                shown_at = time.monotonic()
                fit = max(1, live.console.height - FRAME_LINES)
                live.update(table(fleet, broker, fit), refresh=True)

        yield show


def table(fleet: Fleet, broker: str, most_rows: int) -> Table:
    """Return the table; its title tells what is left out.

    Args:
        fleet: all nodes.
        broker: what the title names.
        most_rows: what the terminal has room for.
    """
    from rich.table import Table
    from rich.text import Text

    # Texts are `Text`, so that nothing in them is taken for markup.
    table = Table(title=Text(_title(fleet, broker, most_rows)), expand=True, caption=Text("Ctrl-C ends"))
    for heading, ratio in (("node", 2), ("camera", 2), ("state", 2), ("ago", 1), ("what", 8)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for row in itertools.islice(rows(fleet, time.time()), most_rows):
        table.add_row(*map(Text, row))
    return table


def _title(fleet: Fleet, broker: str, most_rows: int) -> str:
    more = len(fleet.nodes) + fleet.cameras - most_rows
    parts = [
        f"{broker}: {len(fleet.nodes):,} {'node' if len(fleet.nodes) == 1 else 'nodes'}",
        f"{more:,} rows more than fit here (--lines shows all)" if more > 0 else "",
        f"{fleet.left_out:,} messages of further nodes and cameras left out" if fleet.left_out else "",
    ]
    return ", ".join(part for part in parts if part)


def rows(fleet: Fleet, now: float) -> Iterator[tuple[str, ...]]:
    """Yield what the table shows: node, camera, state, age, sentence.

    Args:
        fleet: all nodes.
        now: seconds since the Unix epoch.
    """
    from edge_caption.mqtt.watching.fleet import shown

    for node, view in sorted(fleet.nodes.items()):
        yield shown(node), "", view.state, "", _figures(view)
        for camera, seen in sorted(view.cameras.items()):
            yield "", shown(camera), seen.state, _ago(seen, now), _said(seen)


def _said(seen: CameraView) -> str:
    kind = seen.last.event_type
    return seen.last.said if kind == "caption" else f"{kind}: {seen.last.said}"


def _ago(seen: CameraView, now: float) -> str:
    if not seen.last.captured_at:
        return ""
    seconds = max(0, round(now - seen.last.captured_at))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _figures(view: NodeView) -> str:
    health = view.health
    parts = [
        f"{health.fps:.1f} captions a second" if health.fps is not None and view.state != "offline" else "",
        f"{health.outbox_depth:,} wait" if health.outbox_depth else "",
        f"{health.outbox_dropped:,} dropped" if health.outbox_dropped else "",
        f"{health.temperature_c:.0f} °C" if health.temperature_c is not None else "",
        "throttled" if health.throttled else "",
        f"{view.missing:,} missing" if view.missing else "",
        f"{view.repeated:,} came twice" if view.repeated else "",
    ]
    return ", ".join(part for part in parts if part)
