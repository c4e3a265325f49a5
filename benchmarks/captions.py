"""Captioning many pictures, with a bar on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from edge_caption.errors import ConfigError
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner
from training.data.captioned_photos import CaptionedPhoto


def check_english(photos: Sequence[CaptionedPhoto]) -> None:
    """Refuse sentences in another language, where what they name has to be known.

    Raises:
        ConfigError: they are.
    """
    if (language := photos[0].language) != "en":
        raise ConfigError(f"only English names objects that are known here, not {language}; give --captions in English")


def caption_all(captioner: Captioner, pictures: Iterable[Path | Pixels], count: int, title: str) -> list[Caption]:
    """Caption `count` pictures one after another, as they come."""
    console = Console(stderr=True)
    bar = track(pictures, title, count, console=console, transient=True, disable=not console.is_terminal)
    return [captioner.caption(picture) for picture in bar]
