"""Caption all photos of a folder: python caption_folder.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from edge_caption import Captioner


def main(folder: Path) -> None:
    """Print a sentence for each JPEG."""
    captioner = Captioner(threads=1)  # one thread a photo, and as many photos at once as there are cores
    photos = sorted(folder.glob("*.jpg"))
    for photo, caption in zip(photos, captioner.caption_many(photos), strict=True):
        print(f"{photo.name}: {caption.text} ({caption.confidence:.0%})")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
