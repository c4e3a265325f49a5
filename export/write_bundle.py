"""A proved model -> the folder that devices load, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from calibration.table import Table
from edge_caption.errors import ConfigError
from edge_caption.files import writing
from edge_caption.model import preprocess
from edge_caption.model.bundle import DIGEST, MANIFEST, SCHEMA, Decoding, FileRecord, Manifest, Sizes, digest_line
from edge_caption.model.confidence import Confidence
from edge_caption.model.vocabulary import Vocabulary
from export.flavours import FLAVOURS, Flavours
from toolchain.output import check_folder, refusing
from training.languages import LANGUAGES
from training.model.caption_model import Dimensions

MAKERS = ("torch", "onnx", "onnxruntime", "numpy")
"""Packages whose version may change a bundle's bytes."""


@dataclass(frozen=True)
class Contents:
    """All that a bundle is made of."""

    name: str
    version: str
    model: Flavours
    table: Table
    vocabulary: Vocabulary
    sizes: Sizes
    trained_on: dict[str, Any]
    languages: Sequence[str] = ("en",)
    """The first is spoken unless another is asked for."""
    quality: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    decoding: Decoding = field(default_factory=Decoding)
    confidence: Confidence | None = None


def sizes_of(size: Dimensions, words: int) -> Sizes:
    """Return the sizes that a device checks its graphs by."""
    return Sizes(
        side=size.side,
        grid=size.grid,
        region=size.region,
        attention=size.attention,
        hidden=size.hidden,
        embedding=size.embedding,
        words=words,
    )


def write_bundle(contents: Contents, flavours: Sequence[str], card: str, folder: Path) -> None:
    """Write a bundle's files into a folder; the same contents give the same bytes."""
    files = contents.model.files(flavours)
    files["calibration.json"] = contents.table.encode()
    files["MODEL_CARD.md"] = card.encode()
    contents.vocabulary.save(folder / "vocabulary.json")
    files["vocabulary.json"] = (folder / "vocabulary.json").read_bytes()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest = msgspec.json.encode(_manifest(contents, flavours, files), order="deterministic")
    data = msgspec.json.format(manifest, indent=2) + b"\n"
    (folder / MANIFEST).write_bytes(data)
    (folder / DIGEST).write_bytes(digest_line(hashlib.sha256(data).hexdigest()))


def _manifest(contents: Contents, flavours: Sequence[str], files: Mapping[str, bytes]) -> Manifest:
    return Manifest(
        schema=SCHEMA,
        name=contents.name,
        version=contents.version,
        preprocessing=preprocess.NAME,
        sizes=contents.sizes,
        decoding=msgspec.structs.replace(contents.decoding, language=contents.languages[0]),
        languages={language: LANGUAGES[language].joiner for language in contents.languages},
        flavours={flavour: FLAVOURS[flavour] for flavour in flavours},
        files={name: FileRecord(hashlib.sha256(data).hexdigest(), len(data)) for name, data in sorted(files.items())},
        training=dict(contents.trained_on),
        quality={flavour: contents.quality[flavour] for flavour in flavours if flavour in contents.quality},
        made_with={package: version(package) for package in MAKERS},
        confidence=contents.confidence,
    )


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a folder beside `target` that takes its place when the block ends well, and vanishes otherwise.

    Where `target` is a link, that is what it points to.

    Raises:
        ConfigError: `target` is something else than a bundle, or its parent can't be written to.
    """
    check_target(target)
    place = target.resolve()
    with refusing(target):
        place.parent.mkdir(parents=True, exist_ok=True)
        with writing(place) as folder:
            folder.mkdir()
            yield folder


def check_target(target: Path) -> None:
    """Make sure that a bundle can be written, and that nothing but an older bundle would be replaced.

    Raises:
        ConfigError: something else is there, or the place can't be written to.
    """
    with refusing(target):
        if target.exists() and not (target / MANIFEST).is_file() and (target.is_file() or any(target.iterdir())):
            raise ConfigError(f"{target} exists and is no bundle; choose another folder for --out")
        if target.is_mount() or target.resolve() == Path.cwd():
            raise ConfigError(f"{target} can't be replaced as a whole; give --out a folder in it")
    check_folder(target.resolve().parent)
