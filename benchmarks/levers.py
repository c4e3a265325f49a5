"""What each lever of a recipe is worth: trained with all of them, then with one changed, from several seeds."""

from __future__ import annotations

import contextlib
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from toolchain.output import check_folder
from training.allocator import keep_freed_memory
from training.data.load import CaptionFile, load_splits
from training.data.splits import Data
from training.recipe import Recipe, load_recipe
from training.train import train

ALL = "all levers"
"""What the others are compared with."""


@dataclass(frozen=True)
class Lever:
    """A recipe's change."""

    stage: Mapping[str, Any] = field(default_factory=dict)
    """Settings of every stage that take other values."""
    model: Mapping[str, Any] = field(default_factory=dict)


LEVERS = {
    ALL: Lever(),
    "no label smoothing": Lever({"label_smoothing": 0.0}),
    "no averaged weights": Lever({"ema": 0.0}),
    "no dropout": Lever({"dropout": 0.0}),
    "no augmentation": Lever({"augment": False}),
    "scheduled sampling": Lever({"scheduled_sampling": 0.25}),
    "no attention": Lever(model={"pooled": True}),
}

PEOPLE = "people's sentences alone"

Ciders = dict[str, float]
"""Language -> dev CIDEr, greedy, in PyTorch."""


@dataclass(frozen=True)
class Source:
    """What runs learn from."""

    captions: Sequence[CaptionFile]
    photos: Path
    people: Sequence[CaptionFile] = ()
    """The same without captioners' sentences, where `captions` has them."""
    dev: Sequence[CaptionFile] = ()
    """Of dev, where it has files of its own."""

    def data(self, captions: Sequence[CaptionFile]) -> Data:
        languages = {file.language for file in captions}
        dev = [file for file in self.dev if file.language in languages]
        return Data(*load_splits(captions, dev or None, self.photos), "levers", "not kept")


def measure(recipe: Path, source: Source, weights: Path | None, folder: Path, seeds: int) -> dict[str, Any]:
    """Train all runs that `folder` doesn't hold yet, a seed of every lever before the next seed of any.

    Args:
        weights: as for training.

    Returns:
        CIDEr after the last epoch, for each lever and language by seed, and what the lever gains: the mean difference
        from all levers with the same seed, and that mean's standard error where there are two seeds or more.

    Raises:
        EdgeCaptionError: recipe, captions or photos can't be read, or `folder` can't be written to.
    """
    check_folder(folder)
    keep_freed_memory()
    base = load_recipe(recipe)
    runs = list(_runs(base, source))
    found: dict[str, list[Ciders]] = {name: [] for name, *_ in runs}
    for seed in range(base.seed, base.seed + seeds):
        for name, changed, captions in runs:
            run = folder / f"{name.replace(' ', '-')}-{seed}"
            with contextlib.redirect_stdout(sys.stderr):  # Lightning's progress; stdout is for the figures
                train(structs.replace(changed, seed=seed), source.data(captions), weights, run)
            found[name].append(_last(run / "log.csv"))
    languages = [file.language for file in source.captions]
    return {
        "recipe": base.name,
        "epochs": sum(stage.epochs for stage in base.stages),
        "seeds": list(range(base.seed, base.seed + seeds)),
        "cider": {name: _by_language(ciders, languages) for name, ciders in found.items()},
        "gained": {name: _gained(ciders, found[ALL]) for name, ciders in found.items() if name != ALL},
    }


def _runs(base: Recipe, source: Source) -> Iterator[tuple[str, Recipe, Sequence[CaptionFile]]]:
    """Yield each lever's name, its recipe, and what it learns from."""
    for name, lever in LEVERS.items():
        stages = tuple(structs.replace(stage, **lever.stage) for stage in base.stages)
        model = structs.replace(base.model, **lever.model)
        yield name, structs.replace(base, stages=stages, model=model), source.captions
    if source.people:
        yield PEOPLE, base, source.people
    if len(source.captions) > 1:
        for captions in source.captions:
            yield f"{captions.language} alone", base, [captions]


def _last(log: Path) -> Ciders:
    with log.open(newline="") as source:
        *_, last = csv.DictReader(source)
    head = "dev_cider_"
    return {name.removeprefix(head): float(value) for name, value in last.items() if name.startswith(head) and value}


def _by_language(ciders: Sequence[Ciders], languages: Sequence[str]) -> dict[str, list[float]]:
    return {language: [round(one[language], 4) for one in ciders] for language in languages if language in ciders[0]}


def _gained(ciders: Sequence[Ciders], others: Sequence[Ciders]) -> dict[str, dict[str, float]]:
    """Return the mean of the paired differences and its standard error, by language."""
    gains = {}
    for language in ciders[0]:
        differences = np.array([one[language] - other[language] for one, other in zip(ciders, others, strict=True)])
        gains[language] = {"mean": round(float(differences.mean()), 4)}
        if len(differences) > 1:
            error = float(differences.std(ddof=1)) / len(differences) ** 0.5
            gains[language]["standard_error"] = round(error, 4)
    return gains
