"""Options that several benchmarks share, and the data that they name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import report
from edge_caption.errors import ConfigError
from edge_caption.model.backends import REFERENCE
from edge_caption.model.bundle import BUNDLES, DEFAULT, folder_of, open_bundle
from edge_caption.terminal.numbers import positive

if TYPE_CHECKING:
    from training.data.captioned_photos import CaptionedPhoto
    from training.data.load import CaptionFile


def register(
    benchmarks: Any, name: str, about: str, measure: Callable[[argparse.Namespace], dict[str, object]]
) -> argparse.ArgumentParser:
    """Add a benchmark that prints its figures as JSON and may save them."""
    parser: argparse.ArgumentParser = benchmarks.add_parser(name, help=about, description=about)
    parser.add_argument("--save", action="store_true", help=f"also write benchmarks/results/{name}.json, and a plot")

    def run(args: argparse.Namespace) -> int:
        check_bundles(getattr(args, "bundle", None))
        figures = measure(args)
        # Each language's figures have a file of their own, and so have those of a bundle that is not the default.
        language = figures.get("language", "en")
        title = name if language == "en" else f"{name}-{language}"
        report(title, figures, save=args.save, file=file_name(title, args))
        return 0

    parser.set_defaults(run=run)
    return parser


def check_bundles(given: Path | Sequence[Path] | None) -> None:
    """Find out, before the work, whether the bundles are there, and whether results can tell them apart.

    Raises:
        BundleError: one is not there.
        ConfigError: two have one name.
    """
    bundles = [given] if isinstance(given, Path) else given or []
    # What is adapted may be a checkpoint, which is a file.
    folders = [bundle for bundle in bundles if not bundle.is_file()]
    names = [open_bundle(bundle).folder.name for bundle in folders]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"two bundles are called {twice[0]}; copy one to a folder of another name")


def file_name(name: str, args: argparse.Namespace) -> str:
    """Return what a result is saved as: memory; memory-fast or memory-openvino where one thing is not the default."""
    bundle, backend = getattr(args, "bundle", None), getattr(args, "backend", REFERENCE)
    parts = [name]
    if isinstance(bundle, Path) and folder_of(bundle) != DEFAULT:
        parts.append(folder_of(bundle).name)
    return "-".join(parts if backend == REFERENCE else [*parts, backend])


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Add --bundle, of one."""
    names = ", ".join(BUNDLES)
    parser.add_argument("--bundle", type=Path, help=f"{names}, or a bundle's folder (default: {DEFAULT.name})")


def add_bundles(parser: argparse.ArgumentParser) -> None:
    """Add --bundle, of several that are compared; the first leads."""
    names = [Path(name) for name in BUNDLES]
    about = f"{', '.join(BUNDLES)}, or bundles' folders (default: all that ship)"
    parser.add_argument("--bundle", type=Path, nargs="+", default=names, metavar="NAME", help=about)


def add_flavour(parser: argparse.ArgumentParser) -> None:
    """Add --flavour."""
    parser.add_argument("--flavour", metavar="NAME", help="cpu-x86, cpu-arm, … (default: this machine's)")


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add --backend."""
    parser.add_argument("--backend", default=REFERENCE, metavar="NAME", help="openvino, … (default: %(default)s)")


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options of benchmarks that need captioned photos."""
    parser.add_argument(
        "--captions", type=captions, required=True, metavar="FILE", help="as for training: FILE, or LANGUAGE=FILE"
    )
    parser.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--split", default="dev", help="train, dev or test (default: %(default)s)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first so many photos, to try it out")


def captions(text: str) -> CaptionFile:
    """Read FILE or LANGUAGE=FILE, as argparse's `type`."""
    from training.data.load import caption_file

    return caption_file(text)


def photos(args: argparse.Namespace) -> Sequence[CaptionedPhoto]:
    """Return the photos that --captions and --photos name."""
    return load(args.captions, args.photos, args)


def load(file: CaptionFile, folder: Path, args: argparse.Namespace) -> Sequence[CaptionedPhoto]:
    """Return the split's photos of a caption file, as many as --limit allows."""
    from training.data.load import load as load_split

    return load_split(file.path, folder, args.split, file.language)[: args.limit]
