"""COCO-captions JSON and Karpathy's JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge_caption.text import decode_json
from training.data.captioned_photos import ANY_SPLIT, Row, read_text
from training.errors import DataError


class CocoImage(msgspec.Struct):
    id: int
    file_name: str


class CocoAnnotation(msgspec.Struct):
    image_id: int
    caption: str


class Coco(msgspec.Struct):
    """What COCO's `captions_*.json` hold; one file is one split."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]


class KarpathySentence(msgspec.Struct):
    raw: str


class KarpathyImage(msgspec.Struct):
    filename: str
    sentences: list[KarpathySentence]
    split: str
    filepath: str = ""


class Karpathy(msgspec.Struct):
    """What Karpathy's `dataset_*.json` hold: all splits in one file."""

    images: list[KarpathyImage]


KARPATHY_SPLITS = {"train": "train", "restval": "train", "val": "dev", "test": "test"}


def rows(file: Path) -> Iterator[Row]:
    """Read either format; COCO has `annotations`, Karpathy's sentences lie within `images`.

    Raises:
        DataError: it is neither, or an entry is malformed.
    """
    text = read_text(file)
    try:
        if "annotations" in decode_json(text, dict[str, msgspec.Raw]):
            yield from _coco(file, decode_json(text, Coco))
        else:
            yield from _karpathy(file, decode_json(text, Karpathy))
    except msgspec.DecodeError as error:
        raise DataError(f"{file} is neither COCO-captions nor Karpathy JSON ({error}); mend it") from error


def _coco(file: Path, data: Coco) -> Iterator[Row]:
    names = {image.id: image.file_name for image in data.images}
    for number, annotation in enumerate(data.annotations):
        where = f"{file}, annotation {number}"
        if annotation.image_id not in names:
            raise DataError(f"{where}: there is no image with id {annotation.image_id}; mend the file")
        yield Row(names[annotation.image_id], annotation.caption, where, ANY_SPLIT)


def _karpathy(file: Path, data: Karpathy) -> Iterator[Row]:
    for number, image in enumerate(data.images):
        split = KARPATHY_SPLITS.get(image.split)
        if split is None:
            raise DataError(f"{file}, image {number}: unknown split {image.split!r}; use train, restval, val or test")
        photo = str(Path(image.filepath) / image.filename)
        for sentence in image.sentences:
            yield Row(photo, sentence.raw, f"{file}, image {number}", split)
