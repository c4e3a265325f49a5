"""`edge-caption model`: what a bundle is, whether it is whole, and what of it runs here and how fast."""

from __future__ import annotations

import argparse
import itertools
import statistics
from typing import TYPE_CHECKING, Any

import msgspec

from edge_caption.commands.values import path
from edge_caption.errors import BackendError
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from pathlib import Path

    from edge_caption.model.bundle import Bundle

ROUNDS = 20


def add_parser(subparsers: Any) -> None:
    """Register the command and its three parts."""
    parser = subparsers.add_parser("model", help="show, check or time a model", description=__doc__)
    parts = parser.add_subparsers(metavar="PART", required=True)
    for name, handler, about, default in (
        ("show", show, "what a bundle is: languages, flavours, figures, origin, terms", "accurate"),
        ("verify", verify, "check that all files are there and unaltered, and that the graphs fit them", "accurate"),
        ("list", list_bundles, "what runs on this machine, on which backends, and how fast", "all that ship"),
    ):
        part = parts.add_parser(name, help=about, description=about)
        part.add_argument(
            "bundle", nargs="?", type=path, help=f"accurate, fast, or a bundle's folder (default: {default})"
        )
        part.set_defaults(handler=handler)
    parts.choices["show"].add_argument("--json", action="store_true", help="print the whole manifest")


def show(args: argparse.Namespace) -> int:
    """Print what a bundle is; returns 0."""
    from edge_caption.model.bundle import open_bundle

    bundle = open_bundle(args.bundle)
    if args.json:
        for line in msgspec.json.format(msgspec.json.encode(bundle.manifest), indent=2).decode().split("\n"):
            say(line)
        return 0
    for name, value in _facts(bundle).items():
        say(f"{name:<12} {value}")
    return 0


def _facts(bundle: Bundle) -> dict[str, str]:
    manifest = bundle.manifest
    training = manifest.training
    return {
        "name": f"{manifest.name}, version {manifest.version}",
        "folder": str(bundle.folder),
        "sha256": bundle.sha256,
        "languages": ", ".join(manifest.languages),
        "words": str(manifest.sizes.words),
        "sees": f"{manifest.sizes.side}x{manifest.sizes.side} pixels, {manifest.sizes.grid**2} regions",
        "says": f"at most {manifest.decoding.max_words} words; --beam {manifest.decoding.beam} unless told otherwise",
        **{flavour: _flavour(bundle, flavour) for flavour in manifest.flavours},
        "trained on": f"{training.get('data', 'unknown')} ({training.get('terms', 'terms not stated')})",
        "made with": ", ".join(f"{package} {version}" for package, version in manifest.made_with.items()),
    }


def _flavour(bundle: Bundle, flavour: str) -> str:
    size = sum(bundle.bytes_of(flavour).values()) / 1e6
    figures = bundle.manifest.quality.get(flavour, {})
    known = {name: figures[name] for name in ("cider", "bleu_4") if isinstance(figures.get(name), (int, float))}
    quality = "".join(f", {name} {figure:.3f}" for name, figure in known.items())
    return f"{size:.2f} MB{quality}"


def verify(args: argparse.Namespace) -> int:
    """Check every file of a bundle, and every flavour's graphs; returns 0, or raises what is wrong."""
    from edge_caption.model.backends import REFERENCE
    from edge_caption.model.bundle import open_bundle
    from edge_caption.model.flavour import load_flavour

    bundle = open_bundle(args.bundle)
    bundle.verify()
    bundle.vocabulary()
    for flavour in bundle.manifest.flavours:
        load_flavour(bundle, flavour, REFERENCE, threads=1)
    say(f"{bundle.folder} is whole: {len(bundle.manifest.files)} files")
    return 0


def list_bundles(args: argparse.Namespace) -> int:
    """Caption a picture with each flavour of each bundle; returns 0 if one of them runs, else 1."""
    from edge_caption.model.bundle import BUNDLES, open_bundle

    named = [args.bundle] if args.bundle else BUNDLES.values()
    works = [_list_flavours(open_bundle(bundle)) for bundle in named]
    return int(not any(works))


def _list_flavours(bundle: Bundle) -> bool:
    """Caption a picture with each flavour on each installed backend; return whether one of them runs."""
    from edge_caption.model.backends import BACKENDS, REFERENCE

    default, works = (bundle.default_flavour(), REFERENCE), False
    installed = {name: backend for name, backend in BACKENDS.items() if backend.installed}
    say(f"{bundle.folder.name}: {bundle.manifest.name}, version {bundle.manifest.version}")
    for flavour, name in itertools.product(bundle.manifest.flavours, installed):
        if flavour not in installed[name].flavours:
            continue
        try:
            result, works = f"{_milliseconds(bundle.folder, flavour, name):.1f} ms a photo on one thread", True
        except BackendError as error:
            result = f"does not run here: {error}"
        say(f"  {flavour:<12} {name:<12} {result}{' (the default here)' if (flavour, name) == default else ''}")
    return works


def _milliseconds(folder: Path, flavour: str, backend: str) -> float:
    """Return the median of ROUNDS captions of a 640x480 picture."""
    import numpy as np

    from edge_caption.model.captioner import Captioner

    captioner = Captioner(folder, flavour=flavour, backend=backend, threads=1)
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    times = [sum(captioner.caption(picture).stages_ms.values()) for _ in range(ROUNDS)]
    return statistics.median(times)
