"""What each stage of a run is made of, so that a folder isn't taken for the run of another recipe or other captions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from edge_caption.errors import ConfigError
from edge_caption.files import pieces, write_whole
from edge_caption.model.bundle import MANIFEST, folder_of
from edge_caption.text import decode_json
from training.data.captioned_photos import CaptionedPhoto
from training.recipe import Recipe

Digests = dict[str, str]
"""Stage -> a digest of all that went into it."""


def digest_stages(
    recipe: Recipe, splits: Mapping[str, Sequence[CaptionedPhoto]], weights: Path | None, start: Path | None
) -> Digests:
    """Digest what each stage is made of: the stages before it count, those behind it don't.

    Photos count by name, so that they may move.

    Raises:
        ConfigError: `weights` or `start` can't be read.
    """
    size = None if start else recipe.model
    digest = hashlib.sha256(msgspec.json.encode((recipe.min_count, recipe.max_words, recipe.seed, size)))
    for split, photos in splits.items():
        for photo in photos:
            digest.update(msgspec.json.encode((split, photo.language, photo.file.name, photo.captions)))
            if photo.sources:
                digest.update(msgspec.json.encode((photo.weight, photo.trusts, photo.origin)))
    if origin := folder_of(start) if start else weights:
        for piece in _read(origin / MANIFEST if origin.is_dir() else origin):  # it has its files' digests
            digest.update(piece)
    found = {}
    for stage in recipe.stages:
        digest.update(msgspec.json.encode(stage))
        found[stage.name] = digest.hexdigest()
    return found


def check_digests(folder: Path, expected: Digests) -> None:
    """Refuse a folder some stage of which was made of something else; what was never noted passes.

    Raises:
        ConfigError: naming the stage.
    """
    noted = _noted(folder)
    for stage, digest in expected.items():
        begun = (folder / stage).exists() or (folder / f"{stage}.pt").exists()
        if begun and noted.get(stage, digest) != digest:
            raise ConfigError(
                f"the stage {stage} in {folder} was made with another recipe, other captions or other weights; "
                f"give another --out or delete {folder}"
            )


def note_digest(folder: Path, stage: str, digest: str) -> None:
    """Write down what a stage that begins is made of."""
    write_whole(_file(folder), msgspec.json.format(msgspec.json.encode(_noted(folder) | {stage: digest})))


def is_noted(folder: Path, stage: str, digest: str) -> bool:
    """Tell whether a stage of this digest has begun in a folder."""
    return _noted(folder).get(stage) == digest


def _noted(folder: Path) -> Digests:
    file = _file(folder)
    try:
        return decode_json(file.read_bytes(), Digests) if file.exists() else {}
    except msgspec.DecodeError as error:
        raise ConfigError(f"{file} is damaged; give another --out or delete {folder}") from error


def _file(folder: Path) -> Path:
    return folder / "digests.json"


def _read(file: Path) -> Iterator[bytes]:
    try:
        yield from pieces(file)
    except OSError as error:
        raise ConfigError(f"{file} can't be read ({error.strerror}); check the path") from error
