"""`edge-caption build-engine`: make TensorRT engines of a bundle, so that the first start does not have to."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from edge_caption.commands.values import path
from edge_caption.terminal.output import overwrite, say

if TYPE_CHECKING:
    from edge_caption.model.backends.tensorrt_builder import Progress
    from edge_caption.model.backends.tensorrt_library import Library


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    about = "build a bundle's TensorRT engines for this device's GPU"
    parser = subparsers.add_parser("build-engine", help=about, description=f"{about}. docs/tensorrt.md tells more.")
    parser.add_argument("bundle", nargs="?", type=path, help="accurate, fast, or a bundle's folder (default: accurate)")
    parser.add_argument("--flavour", metavar="NAME", help="trt or fp16 (default: the first of them in the bundle)")
    parser.add_argument(
        "--without-gpu", action="store_true", help="build with TensorRT-RTX, for any GPU from Ampere on, on any machine"
    )
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Build what is not there yet, and say where it is; returns 0."""
    from edge_caption.model.backends import BACKENDS
    from edge_caption.model.backends.engines import find_or_build
    from edge_caption.model.bundle import open_bundle
    from edge_caption.model.flavour import suiting_flavour

    bundle = open_bundle(args.bundle)
    _, *graphs = bundle.graphs(args.flavour or suiting_flavour(bundle, BACKENDS["tensorrt"]))
    library, gpu = _without_gpu() if args.without_gpu else _with_gpu()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        # All is imported: from here on Ctrl-C ends a build at its next step.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for graph in graphs:
        started = time.monotonic()
        engine, built = find_or_build(graph, library, gpu, _progress(graph.name))
        how = f"built in {time.monotonic() - started:.1f} s" if built else "there already"
        say(f"{graph.name}: {how}, {len(engine.data) / 1e6:.1f} MB, {engine.file}")
    return 0


def _with_gpu() -> tuple[Library, str]:
    from edge_caption.model.backends.cuda import Gpu
    from edge_caption.model.backends.tensorrt_library import load_library

    gpu = Gpu()
    return load_library(), gpu.name


def _without_gpu() -> tuple[Library, None]:
    from edge_caption.model.backends.tensorrt_library import RTX, load_library

    return load_library((RTX,)), None


def _progress(name: str) -> Progress:
    from edge_caption.model.backends.tensorrt_builder import silently

    def show(phase: str, done: int, steps: int) -> None:
        overwrite(f"{name}: {phase} {done}/{steps}")

    return show if sys.stderr.isatty() else silently
