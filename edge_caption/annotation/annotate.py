"""A folder of photos, perhaps of 100,000s -> captions; what is done already is not done again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from edge_caption.annotation.outputs import Output, name_of
from edge_caption.annotation.workers import Annotation, Unreadable
from edge_caption.errors import PhotoError
from edge_caption.images.header import SUFFIXES


@dataclass
class Progress:
    """How far it is."""

    total: int
    """Photos that were not done before."""
    done: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    started: float = 0.0
    """When the first was done: before, processes start."""

    def count(self) -> None:
        """Count one photo."""
        self.done += 1
        self.started = self.started or time.monotonic()

    @property
    def rate(self) -> float:
        """Photos a second."""
        return (self.done - 1) / max(time.monotonic() - self.started, 1e-3) if self.done else 0.0

    @property
    def left_s(self) -> float:
        """Seconds until all are done, at the rate so far."""
        return (self.total - self.done) / self.rate if self.done > 1 else float("inf")


def find_photos(folder: Path, report: Callable[[PhotoError], None]) -> list[str]:
    """Return the photos in a folder and the folders in it, by name, relative to it; hidden ones are left out.

    Args:
        folder: of photos.
        report: gets what is wrong with a folder in it that is left out.

    Raises:
        PhotoError: there are none, or the folder can't be read.
    """

    def refuse(error: OSError) -> None:
        wrong = PhotoError(
            f"the folder {error.filename} can't be read ({error.strerror}); check the path and its rights"
        )
        if Path(error.filename) == folder:
            raise wrong
        report(wrong)

    found = []
    for path, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.relpath(Path(path, name), folder) for name in files if _is_photo(name)]
    if not found:
        raise PhotoError(f"the folder {folder} holds no photo ({', '.join(sorted(SUFFIXES))}); choose another")
    return sorted(found)


def _is_photo(name: str) -> bool:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 100,000s takes seconds
    return suffix in SUFFIXES and not name.startswith(".")


def left(names: Sequence[str], output: Output) -> list[str]:
    """Return the photos that the output has nothing of."""
    done = output.done()
    return [name for name in names if name_of(name) not in done]


def annotate(
    count: int,
    captioned: Generator[Annotation | Unreadable, None, None],
    output: Output,
    stop: threading.Event,
    show: Callable[[Progress, Annotation | Unreadable], None],
) -> Progress:
    """Keep what is said of each photo.

    Args:
        count: of the photos to do.
        captioned: what is said of them, by whomever; closed at the end.
        output: where captions go.
        stop: ends it early; what is done is kept, and the output stays unfinished.
        show: is told of each photo.
    """
    progress = Progress(count)
    with closing(captioned):
        for result in captioned:
            progress.count()
            if isinstance(result, Unreadable):
                progress.unreadable.append(result)
            else:
                output.add(result)
            show(progress, result)
            if stop.is_set():
                break
    if not stop.is_set():
        output.finish()
    return progress
