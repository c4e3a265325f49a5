"""What is left of caption quality when pictures get worse: by chance, or by an attacker who knows the model.

A picture is the encoder's input, uint8; the bundle's graphs caption it greedily, as on a device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.attacks import ATTACKS, Attack, ReferenceLoss
from benchmarks.captions import caption_all
from benchmarks.corruptions import CAMERAS, CORRUPTIONS, SEVERITIES, Corruption
from benchmarks.intervals import bleu_4, mean_interval
from edge_caption.errors import ConfigError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import open_bundle
from edge_caption.model.captioner import Captioner
from edge_caption.model.preprocess import to_input
from training.data.captioned_photos import CaptionedPhoto
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.scoring.scores import Scorer

EPSILONS = (1, 2, 4, 8)
"""Most that an attack changes a pixel by, of 255."""

SEED = 1

BATCH = 8
"""Pictures attacked at once."""

Photos = Sequence[CaptionedPhoto]

Pictures = Callable[[], Iterator[Pixels]]
"""Reads the photos as the encoder sees them, anew each time."""

Said = list[str]
"""A sentence a photo."""


def measure(bundle: Path | None, flavour: str | None, photos: Photos, checkpoint: Path | None) -> dict[str, Any]:
    """Caption photos as they are, under every corruption and, with a checkpoint, under every attack on it.

    Raises:
        ConfigError: the checkpoint is not the bundle's, or Java is missing.
    """
    language = photos[0].language
    scorer = Scorer([photo.captions for photo in photos], language)
    originals = partial(_originals, photos, open_bundle(bundle).manifest.sizes.side)
    attacked = _attack_all(photos, originals, _load_attacked(checkpoint, bundle)) if checkpoint else {}
    captioner = Captioner(bundle, flavour=flavour, beam=1, language=language)
    clean = _say(captioner, originals(), len(photos), "as they are")
    corruptions = _say_all(captioner, _corrupt_all(originals), len(photos))
    cameras = _say_all(captioner, {name: [map(see, originals())] for name, see in CAMERAS.items()}, len(photos))
    attacks = _say_all(captioner, attacked, len(photos))
    scorer.learn(
        [clean, *(said for runs in (*corruptions.values(), *cameras.values(), *attacks.values()) for said in runs)]
    )
    interval = [round(limit, 4) for limit in mean_interval(scorer.cider_of_each(clean))]
    figures = {
        "language": language,
        "photos": len(photos),
        "flavour": captioner.model.flavour,
        "clean": {**_score(scorer, clean), "interval_95": {"cider": interval}},
        "severities": SEVERITIES,
        "corruptions": {name: _columns(scorer, runs, clean) for name, runs in corruptions.items()},
        "cameras": {name: {**_score(scorer, said), "same": _same(said, clean)} for name, (said,) in cameras.items()},
    }
    if checkpoint:
        columns = {name: _columns(scorer, runs, clean) for name, runs in attacks.items()}
        figures |= {"epsilons": EPSILONS, "attacks": columns}
    return figures


def _load_attacked(checkpoint: Path, bundle: Path | None) -> Checkpoint:
    loaded = load_checkpoint(checkpoint)
    if loaded.vocabulary.words != open_bundle(bundle).vocabulary().words:
        raise ConfigError(f"{checkpoint} knows other words than the bundle; give the one that the bundle was made from")
    return loaded


def _corrupt_all(originals: Pictures) -> dict[str, list[Iterator[Pixels]]]:
    return {
        name: [_corrupted(originals, corrupt, severity) for severity in SEVERITIES]
        for name, corrupt in CORRUPTIONS.items()
    }


def _attack_all(photos: Photos, originals: Pictures, checkpoint: Checkpoint) -> dict[str, list[Iterator[Pixels]]]:
    losses = ReferenceLoss(checkpoint, photos)
    return {
        name: [_attacked(originals, len(photos), losses, attack, epsilon) for epsilon in EPSILONS]
        for name, attack in ATTACKS.items()
    }


def _originals(photos: Photos, side: int) -> Iterator[Pixels]:
    return (to_input(read_photo(photo.file), side)[0] for photo in photos)


def _corrupted(originals: Pictures, corrupt: Corruption, severity: int) -> Iterator[Pixels]:
    chance = np.random.default_rng(SEED)
    return (corrupt(picture, severity, chance) for picture in originals())


def _attacked(originals: Pictures, count: int, losses: ReferenceLoss, attack: Attack, epsilon: int) -> Iterator[Pixels]:
    chance = torch.Generator().manual_seed(SEED)
    pictures_left = originals()
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        pictures = torch.from_numpy(np.stack([next(pictures_left) for _ in numbers])).float()
        yield from attack(losses.of(numbers), pictures, epsilon, chance).to(torch.uint8).numpy()


def _say_all(
    captioner: Captioner, worse: Mapping[str, Sequence[Iterator[Pixels]]], count: int
) -> dict[str, list[Said]]:
    return {
        name: [
            _say(captioner, pictures, count, f"{name.replace('_', ' ')}, {number} of {len(strengths)}")
            for number, pictures in enumerate(strengths, 1)
        ]
        for name, strengths in worse.items()
    }


def _say(captioner: Captioner, pictures: Iterator[Pixels], count: int, title: str) -> Said:
    return [caption.text for caption in caption_all(captioner, pictures, count, title)]


def _columns(scorer: Scorer, runs: Sequence[Said], clean: Said) -> dict[str, list[float]]:
    scores = [{**_score(scorer, said), "same": _same(said, clean)} for said in runs]
    return {name: [score[name] for score in scores] for name in scores[0]}


def _same(said: Said, clean: Said) -> float:
    """Return the share of the same sentences as of the pictures as they are."""
    return round(sum(one == other for one, other in zip(said, clean, strict=True)) / len(clean), 4)


def _score(scorer: Scorer, said: Said) -> dict[str, float]:
    bleu = float(bleu_4(scorer.bleu_counts(said).sum(0)))
    return {"cider": round(scorer.cider(said), 4), "bleu_4": round(bleu, 4)}
