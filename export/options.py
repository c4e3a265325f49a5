"""Options of the export's commands, read as argparse's `type`."""

from __future__ import annotations

import argparse
import math


def loss(text: str) -> float:
    """Read a finite number from 0 on."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return number
