"""How a command of the toolchain ends: as any, but SIGTERM, too, has it remove what is temporary."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

from edge_caption.terminal.exit_code import INTERRUPTED, exit_code
from toolchain.interrupt import python_raises

TERMINATED = 128 + signal.SIGTERM


def run(program: str, work: Callable[[], int], stopped: str = "stopped") -> int:
    """Do a command's work; returns the exit code.

    Args:
        program: what an error's sentence begins with.
        work: the command.
        stopped: what is said after Ctrl-C.

    Raises:
        SystemExit: SIGTERM came; what is temporary is removed on the way.
    """
    python_raises()
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        code = exit_code(program, work)
        if code == INTERRUPTED:
            print(f"\n{program}: {stopped}", file=sys.stderr)
        return code
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
