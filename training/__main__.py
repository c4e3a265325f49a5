"""`python -m training`: photos with sentences -> a checkpoint."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only

from edge_caption.errors import ConfigError
from edge_caption.terminal.numbers import positive
from toolchain import command
from training.allocator import keep_freed_memory
from training.data.captioned_photos import files_of
from training.data.load import CAPTIONS_HELP, caption_file, load_splits
from training.data.splits import Data, mixed
from training.machines import Machines
from training.recipe import Recipe, load_recipe
from training.train import train

OF_ONE_SOURCE = ("captions", "photos", "dev_captions", "name", "terms")
"""Options that a recipe with sources of its own does not need."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    # Lightning's advice on worker processes and loggers isn't for the person who runs a recipe.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
    keep_freed_memory()
    return command.run("training", lambda: _train(args), "stopped; the same command goes on")


def _train(args: argparse.Namespace) -> int:
    recipe = load_recipe(args.recipe)
    data = _data(recipe, args)
    folder, machines = args.out / recipe.name, Machines(args.devices or "auto", args.nodes)
    _say(f"{len(files_of(data.train))} train and {len(files_of(data.dev))} dev photos; run in {folder}")
    checkpoint = train(recipe, data, args.weights, folder, args.start, machines)
    _say(f"checkpoint: {checkpoint}")
    return 0


def _data(recipe: Recipe, args: argparse.Namespace) -> Data:
    """Read the recipe's sources, or the one source that the options give."""
    if args.start and args.weights:
        raise ConfigError("--start brings its own backbone; leave out --weights")
    if recipe.sources:
        if given := [f"--{name.replace('_', '-')}" for name in OF_ONE_SOURCE if getattr(args, name)]:
            raise ConfigError(f"{args.recipe} names its sources; leave out {' and '.join(given)}, and give --data")
        return mixed(recipe.sources, args.data or Path())
    if args.data or not (args.captions and args.photos):
        without = ", not --data" if args.data else ""
        raise ConfigError(f"{args.recipe} names no sources; give --captions and --photos{without}")
    train, dev = load_splits(args.captions, args.dev_captions, args.photos)
    return Data(train, dev, args.name or args.captions[0].path.stem, args.terms or "not stated")


@rank_zero_only
def _say(text: str) -> None:
    """Print once, however many processes train."""
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m training", description="Train a captioner: photos + sentences -> checkpoint."
    )
    parser.add_argument("recipe", type=Path, help="stages and sizes, e.g. training/recipes/flickr8k.toml")
    parser.add_argument(
        "--data", type=Path, help="what the paths of a recipe's sources are relative to (default: here)"
    )
    parser.add_argument("--captions", type=caption_file, nargs="+", metavar="FILE", help=CAPTIONS_HELP)
    parser.add_argument(
        "--dev-captions",
        type=caption_file,
        nargs="+",
        metavar="FILE",
        help="where dev is in files of its own, as in COCO",
    )
    parser.add_argument("--photos", type=Path, help="the folder of the photos")
    parser.add_argument(
        "--weights", type=Path, help="ImageNet weights of the backbone (default: torchvision's download)"
    )
    parser.add_argument("--start", type=Path, help="a checkpoint or a bundle to go on from, with its sizes and words")
    parser.add_argument(
        "--devices", type=positive, metavar="N", help="GPUs, or processes where there are none (default: all)"
    )
    parser.add_argument("--nodes", type=positive, metavar="N", default=1, help="machines running this (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where the run's folder goes (default: runs)")
    parser.add_argument("--name", help="the data set's name, for the model card (default: the file's)")
    parser.add_argument("--terms", help="the data set's terms of use, for the model card (default: not stated)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
