"""What the gates save and miss."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.terminal.numbers import positive, share


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "gates", "what motion and scene save and miss on a day of real photos", _measure)
    add_bundle(parser)
    parser.add_argument("photos", type=Path, help="a folder of photos that the camera looks at")
    parser.add_argument("--limit", type=positive, default=25, help="photos of it (default: %(default)s)")
    parser.add_argument("--motion", type=share, default=0.02, help="as in [gate] (default: %(default)s)")
    parser.add_argument("--scene", type=share, default=0.05, help="as in [gate] (default: %(default)s)")
    parser.add_argument("--seed", type=positive, default=1, help="of noise, light and visitors (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import gates
    from edge_caption.images.photos import list_photos

    some = list_photos(args.photos)[: args.limit]
    return gates.measure(some, args.bundle, args.motion, args.scene, args.seed)
