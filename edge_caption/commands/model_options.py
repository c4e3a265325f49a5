"""The options that choose and steer the model, the same in every command that captions."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add --bundle, --flavour, --backend, --language, --beam and --threads."""
    group = parser.add_argument_group("model")
    group.add_argument("--bundle", type=Path, metavar="FOLDER", help="the model (default: the one that ships)")
    group.add_argument("--flavour", metavar="NAME", help="cpu-x86, cpu-arm, … (default: this machine's)")
    group.add_argument(
        "--backend",
        metavar="NAME",
        help="onnxruntime, openvino, tensorrt, or auto: the fastest CPU one here (default: onnxruntime)",
    )
    group.add_argument("--language", metavar="CODE", help="en, … (default: the bundle's first)")
    group.add_argument(
        "--beam", type=positive, metavar="N", help="sentences kept while searching (default: the bundle's)"
    )
    group.add_argument("--threads", type=positive, metavar="N", help="CPU threads (default: all cores, at most 4)")


def model_options(args: argparse.Namespace) -> dict[str, object]:
    """Return what was given for them, as the settings and the captioner name it; None where nothing was."""
    return {name: getattr(args, name) for name in ("bundle", "flavour", "backend", "language", "beam", "threads")}


def positive(text: str) -> int:
    """Read a whole number from 1 on, as argparse's `type`."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number
