"""Where annotations go: lines of JSON, a CSV, COCO's JSON. Each knows after a kill what is done already."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from edge_caption.annotation.workers import Annotation
from edge_caption.errors import ConfigError
from edge_caption.files import write_whole
from edge_caption.text import decode_json, read_text

COLUMNS = ("image", "caption", "confidence", "language")

LONGEST_LINE = 16_384
"""Bytes: twice a path of Linux, for its quotes are doubled, and a caption."""


class Output(Protocol):
    """A place for annotations."""

    @property
    def languages(self) -> set[str]:
        """Those of the captions that are there."""
        ...

    def done(self) -> set[str]:
        """Return the photos that have theirs."""
        ...

    def add(self, annotation: Annotation) -> None:
        """Keep one; a killed process loses none that was added."""
        ...

    def finish(self) -> None:
        """Complete the place: all photos have theirs."""
        ...


def open_output(target: Path) -> Output:
    """Open the output that a file's name asks for.

    Raises:
        ConfigError: the name tells no format, or the file is something else.
        OSError: it can't be written.
    """
    name = target.name.lower()
    if name.endswith(".coco.json"):
        return Coco(target)
    if name.endswith((".jsonl", ".csv")):
        return Lines(target, _Csv() if name.endswith(".csv") else _Json())
    raise ConfigError(f"{target} tells no format; give a name that ends in .jsonl, .csv or .coco.json")


def name_of(file: str) -> str:
    """Return a file's name as text: on disk it may be any bytes."""
    return os.fsencode(file).decode("utf-8", "replace")


class _Json:
    header = ""

    def begins(self, data: bytes) -> bool:
        return data.startswith(b"{")

    def end(self, data: bytes) -> int:
        return data.rfind(b"\n") + 1

    def line(self, annotation: Annotation) -> str:
        return msgspec.json.encode(annotation).decode() + "\n"

    def read(self, text: str) -> list[Annotation]:
        return [decode_json(line, Annotation) for line in text.split("\n") if line]


class _Csv:
    header = ",".join(COLUMNS) + "\n"

    def begins(self, data: bytes) -> bool:
        return self.header.encode().startswith(data)

    def end(self, data: bytes) -> int:
        end = data.rfind(b"\n") + 1
        quotes = data.count(b'"', 0, end)
        # The end of a line may be one in a photo's name: a line is whole where its quotes are closed.
        while quotes % 2 and len(data) - end < LONGEST_LINE:
            before = data.rfind(b"\n", 0, end - 1) + 1
            quotes -= data.count(b'"', before, end)
            end = before
        return end

    def line(self, annotation: Annotation) -> str:
        target = io.StringIO(newline="")
        fields = (annotation.file, annotation.caption, annotation.confidence, annotation.language)
        # A name may have either end of a line in it: what may end one is put in quotes.
        csv.writer(target, lineterminator="\r\n").writerow(fields)
        return target.getvalue().removesuffix("\r\n") + "\n"

    def read(self, text: str) -> list[Annotation]:
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError("another header")
        return [Annotation(file, caption, float(share), language) for file, caption, share, language in rows]


class Lines:
    """A file that grows by a line for each photo; what a kill left of a line is cut off."""

    def __init__(self, target: Path, form: _Json | _Csv) -> None:
        """Open the file, or make it.

        Raises:
            ConfigError: it is there and holds something else.
            OSError: it can't be written.
        """
        self._form = form
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without a buffer: what a full disk refused is not tried again when the program ends.
        self._file = target.open("ab", buffering=0)
        try:
            _hold(self._file.fileno(), target)
            self._whole = self._read(target)
            if not target.stat().st_size:
                self._write(form.header)
        except BaseException:
            self._file.close()
            raise

    def _read(self, target: Path) -> list[Annotation]:
        data = target.read_bytes()
        whole = self._form.end(data)
        try:
            text = data[:whole].decode()
            if not whole and data and not self._form.begins(data):
                raise ValueError("no line")
            found = self._form.read(text) if text else []
        except (ValueError, csv.Error, msgspec.DecodeError):
            raise ConfigError(f"{target} holds something else than captions; give another --out") from None
        os.truncate(target, whole)
        return found

    @property
    def languages(self) -> set[str]:
        """Those of the lines."""
        return {annotation.language for annotation in self._whole}

    def done(self) -> set[str]:
        """Return the photos that have a line."""
        return {annotation.file for annotation in self._whole}

    def add(self, annotation: Annotation) -> None:
        """Write a line, past this process's buffers.

        Raises:
            ConfigError: the disk refuses.
        """
        try:
            self._write(self._form.line(replace(annotation, file=name_of(annotation.file))))
        except OSError as error:
            reason = f"{self._file.name} can't be written any more ({error.strerror})"
            raise ConfigError(f"{reason}; make room, and the same command goes on") from None

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[self._file.write(data) :]

    def sync(self) -> None:
        """Wait for the disk."""
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Wait for the disk, and let others have the file."""
        self.sync()
        self._file.close()


def _hold(descriptor: int, target: Path) -> None:
    """Keep a file for this process until it is closed.

    Raises:
        ConfigError: another process has it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(f"another program writes captions to {target}; wait for it, or give another --out") from None
    except OSError:
        return  # a file system without locks


class Coco:
    """COCO-captions JSON, which is written at the end; until then, lines beside it keep what is done."""

    def __init__(self, target: Path) -> None:
        """Open the lines, and read what a finished file holds.

        Raises:
            ConfigError: the file is there and holds something else.
            OSError: it can't be written.
        """
        self._target = target
        self._journal = target.with_name(f"{target.name}.unfinished.jsonl")
        self._before = _read_coco(target) if target.exists() else []
        self._lines = Lines(self._journal, _Json())

    @property
    def languages(self) -> set[str]:
        """Those of the lines and of the finished file."""
        return self._lines.languages | {annotation.language for annotation in self._before}

    def done(self) -> set[str]:
        """Return the photos that have a line, or a place in the finished file."""
        return self._lines.done() | {annotation.file for annotation in self._before}

    def add(self, annotation: Annotation) -> None:
        """Write a line."""
        self._lines.add(annotation)

    def finish(self) -> None:
        """Write the whole, sorted by name."""
        self._lines.sync()
        said = [*self._before, *_Json().read(read_text(self._journal))]
        each = {annotation.file: annotation for annotation in said}
        write_whole(self._target, _as_coco([each[file] for file in sorted(each)]))
        self._journal.unlink()
        self._lines.finish()


def _as_coco(annotations: Sequence[Annotation]) -> bytes:
    return msgspec.json.encode(
        {
            "images": [{"id": number, "file_name": one.file} for number, one in enumerate(annotations, 1)],
            "annotations": [
                {
                    "id": number,
                    "image_id": number,
                    "caption": one.caption,
                    "confidence": one.confidence,
                    "language": one.language,
                }
                for number, one in enumerate(annotations, 1)
            ],
        }
    )


def _read_coco(target: Path) -> list[Annotation]:
    try:
        content = decode_json(read_text(target), dict[str, Any])
        names = {image["id"]: image["file_name"] for image in content["images"]}
        return [
            Annotation(names[one["image_id"]], one["caption"], one["confidence"], one["language"])
            for one in content["annotations"]
        ]
    except (UnicodeError, msgspec.DecodeError, KeyError, TypeError):
        raise ConfigError(f"{target} holds something else than these captions; give another --out") from None
