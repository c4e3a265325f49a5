"""How a command of the toolchain ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

from edge_caption.cli import INTERRUPTED
from edge_caption.errors import EdgeCaptionError

TERMINATED = 128 + signal.SIGTERM


def run(name: str, work: Callable[[], int]) -> int:
    """Do a command's work; returns the exit code: its own, 1 for what was raised on purpose, 130 for Ctrl-C.

    Raises:
        SystemExit: SIGTERM came; what is temporary is removed on the way.
    """
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return work()
    except EdgeCaptionError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
