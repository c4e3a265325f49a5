"""The options that choose and steer the model, the same in every command that captions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edge_caption.commands.values import checked, path

if TYPE_CHECKING:
    from edge_caption.model.captioner import Captioner


def add_model_options(parser: argparse.ArgumentParser, *, with_threads: bool = True, with_search: bool = True) -> None:
    """Add --bundle, --flavour, --backend, --language, --beam, --specific, --sure and --threads.

    Args:
        parser: of the command.
        with_threads: whether the last one is for its user to choose.
        with_search: whether it searches for sentences, which --beam, --specific and --sure steer.
    """
    group = parser.add_argument_group("model")
    add_bundle_options(group)
    group.add_argument(
        "--backend",
        type=checked(_backend),
        metavar="NAME",
        help="onnxruntime, openvino, tensorrt, or auto: the fastest CPU one here (default: onnxruntime)",
    )
    group.add_argument("--language", metavar="CODE", help="en, … (default: the bundle's first)")
    if with_search:
        _add_search_options(group)
    if with_threads:
        group.add_argument("--threads", type=threads, metavar="N", help="CPU threads (default: all cores, at most 4)")


def _add_search_options(group: argparse._ActionsContainer) -> None:
    group.add_argument("--beam", type=beams, metavar="N", help="sentences kept while searching (default: the bundle's)")
    group.add_argument(
        "--specific",
        type=share,
        metavar="N",
        help="0 to 1: prefer words that fit this picture better than others (default: the bundle's)",
    )
    group.add_argument(
        "--sure",
        type=share,
        metavar="N",
        help="0 to 1: name objects that are so probable, else say less (default: the bundle's)",
    )


def add_bundle_options(parser: argparse._ActionsContainer) -> None:
    """Add --bundle and --flavour."""
    about = "the model: accurate, fast, or a bundle's folder (default: accurate)"
    parser.add_argument("--bundle", type=path, metavar="NAME", help=about)
    parser.add_argument("--flavour", metavar="NAME", help="cpu-x86, cpu-arm, … (default: this machine's)")


def model_options(args: argparse.Namespace) -> dict[str, object]:
    """Return what was given for them, as the settings and the captioner name it; None where nothing was."""
    names = ("bundle", "flavour", "backend", "language", "beam", "threads", "specific", "sure")
    return {name: getattr(args, name) for name in names}


def captioner_from(args: argparse.Namespace) -> Captioner:
    """Load the model that the options choose.

    Raises:
        BundleError, BackendError, ConfigError: as of `Captioner`.
    """
    from edge_caption.model.captioner import Captioner

    return Captioner(
        args.bundle,
        flavour=args.flavour,
        backend=args.backend,
        beam=args.beam,
        threads=args.threads,
        language=args.language,
        specific=args.specific,
        sure=args.sure,
    )


def share(text: str) -> float:
    """Read a number from 0 to 1, as argparse's `type`."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def positive(text: str) -> int:
    """Read a whole number from 1 on, as argparse's `type`."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def beams(text: str) -> int:
    """Read a number of sentences kept while searching, as argparse's `type`."""
    from edge_caption.model.backends.session import MAX_BEAMS

    return _at_most(MAX_BEAMS, text)


def threads(text: str) -> int:
    """Read a number of CPU threads, as argparse's `type`."""
    from edge_caption.model.captioner import MAX_THREADS

    return _at_most(MAX_THREADS, text)


def _at_most(most: int, text: str) -> int:
    if (number := positive(text)) > most:
        raise argparse.ArgumentTypeError(f"{text} is more than {most}")
    return number


def _backend(text: str) -> str:
    from edge_caption.model.captioner import check_backends

    check_backends(text)
    return text
