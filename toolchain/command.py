"""How a command of the toolchain ends: as any, but SIGTERM, too, has it remove what is temporary."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

from edge_caption.terminal.exit_code import exit_code
from toolchain.interrupt import python_raises

TERMINATED = 128 + signal.SIGTERM


def run(program: str, work: Callable[[], int]) -> int:
    """Do a command's work; returns the exit code.

    Raises:
        SystemExit: SIGTERM came; what is temporary is removed on the way.
    """
    python_raises()
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return exit_code(program, work)
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
