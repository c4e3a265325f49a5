"""Captioning many pictures, with a bar on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import track

from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner


def caption_all(captioner: Captioner, pictures: Iterable[Path | Pixels], count: int, title: str) -> list[Caption]:
    """Caption `count` pictures one after another, as they come."""
    console = Console(stderr=True)
    bar = track(pictures, title, count, console=console, transient=True, disable=not console.is_terminal)
    return [captioner.caption(picture) for picture in bar]
