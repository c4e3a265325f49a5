"""Whether adapting a bundle to some photos of one kind makes it better on other photos of that kind.

Each run adapts to so many photos, a tenth of which are dev; the same test photos judge all runs and the bundle itself.
"""

from __future__ import annotations

import contextlib
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from msgspec import structs

from edge_caption.errors import ConfigError
from toolchain.output import check_folder
from training.allocator import keep_freed_memory
from training.data.batches import in_steps
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.load import CaptionFile, load
from training.data.splits import Data
from training.languages import LANGUAGES
from training.log import TrainingLog
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.model.decoding import greedy
from training.recipe import Recipe, load_recipe
from training.scoring.scores import Scorer
from training.sources import Source
from training.train import train

TEST = 200
"""Photos that judge."""

LEAST = 3
"""Photos to adapt to: two of them are dev."""

STEP = 32
"""Photos that are captioned at once."""


@dataclass(frozen=True)
class Kind:
    """Photos to adapt to, and others to mix in."""

    captions: CaptionFile
    photos: Path
    words: str
    """A regular expression: photos of the kind have a sentence in which it is found."""
    old: tuple[CaptionFile, Path] | None = None
    """What the bundle learnt from; as many of it are seen as of the kind."""

    def load(self) -> list[CaptionedPhoto]:
        """Return the photos of the kind, in an order by chance that is always the same.

        Raises:
            ConfigError: `words` can't be read.
        """
        try:
            wanted = re.compile(self.words)
        except re.error as error:
            raise ConfigError(f"--words {self.words!r} is no regular expression ({error}); correct it") from error
        known = load(self.captions.path, self.photos, "train", self.captions.language)
        found = [photo for photo in known if any(wanted.search(text.lower()) for text in photo.captions)]
        random.Random(0).shuffle(found)
        return found

    def load_old(self) -> list[CaptionedPhoto]:
        """Return what is mixed in."""
        return load(self.old[0].path, self.old[1], "train", self.old[0].language) if self.old else []


def measure(recipe: Path, bundle: Path, kind: Kind, sizes: Sequence[int], seeds: int, folder: Path) -> dict[str, Any]:
    """Adapt to each number of photos from each seed, alone and with old photos; what `folder` has is not done again.

    Returns:
        For each run CIDEr (greedy, in PyTorch) on its dev photos and on the test photos, before and after.

    Raises:
        EdgeCaptionError: recipe, bundle, captions or photos can't be used, or `folder` can't be written to.
    """
    check_folder(folder)
    keep_freed_memory()
    base, found, old = load_recipe(recipe), kind.load(), kind.load_old()
    test, rest = found[:TEST], found[TEST:]
    if min(sizes) < LEAST or max(sizes) > len(rest):
        raise ConfigError(
            f"{len(found)} photos are of the kind, {TEST} of which judge, so {len(rest)} are left to adapt to; "
            f"give --sizes from {LEAST} on that are no more, or more photos"
        )
    before = cider(load_checkpoint(bundle), test)
    runs = []
    for size in sizes:
        for seed in range(1, seeds + 1):
            for mixed in (False, True) if old else (False,):
                run = folder / f"{size}-{seed}{'-with-old' if mixed else ''}"
                chosen = random.Random(seed).sample(rest, size)
                data = split(chosen, old if mixed else [])
                with contextlib.redirect_stdout(sys.stderr):  # Lightning's progress; stdout is for the figures
                    file = train(structs.replace(base, seed=seed), data, None, run, bundle)
                runs.append({"photos": size, "seed": seed, "with_old": mixed, **figures(run, base, file, test, before)})
    return {"recipe": base.name, "kind": len(found), "test_photos": len(test), "test_before": before, "runs": runs}


def split(chosen: Sequence[CaptionedPhoto], old: Sequence[CaptionedPhoto]) -> Data:
    """Keep a tenth for dev; mix in old photos, so that they come as often as the others."""
    dev, learnt = chosen[: max(2, len(chosen) // 10)], chosen[max(2, len(chosen) // 10) :]
    weight = min(1.0, len(learnt) / max(1, len(old)))
    source = Source(name="old", captions="", weight=weight)
    mixed = [replace(photo, sources=(source,) * len(photo.captions)) for photo in old]
    return Data([*learnt, *mixed], dev, "a kind of photos", "not kept")


def figures(run: Path, recipe: Recipe, file: Path, test: Sequence[CaptionedPhoto], before: float) -> dict[str, Any]:
    """Return CIDEr on dev and test, before and after."""
    adapted = load_checkpoint(file)
    after, started = cider(adapted, test), TrainingLog(run).dev_cider(recipe.stages[0].name, 0)
    return {
        "dev": [round(started or 0.0, 4), adapted.trained_on["dev_cider_greedy_torch"]],
        "test": [before, after],
        "gained": round(after - before, 4),
    }


@torch.inference_mode()
def cider(checkpoint: Checkpoint, photos: Sequence[CaptionedPhoto]) -> float:
    """Return CIDEr of what a captioner says greedily of photos in one language."""
    language, model = photos[0].language, checkpoint.model.eval()
    start, said = checkpoint.vocabulary.start(language), []
    for images in in_steps(files_of(photos), STEP, model.encoder.side):
        tokens = greedy(model.decoder, model.encoder(images), torch.full((len(images),), start))
        said += [LANGUAGES[language].joiner.join(checkpoint.vocabulary.decode(row)) for row in tokens.tolist()]
    return round(Scorer([photo.captions for photo in photos], language).cider(said), 4)
