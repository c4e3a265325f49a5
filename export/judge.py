"""Whether a captioner that adapts a bundle says better sentences than that one, of photos that chose nothing.

Dev chose the epoch, so it flatters; the photos of the split test did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_caption.model.bundle import open_bundle
from edge_caption.model.captioner import Captioner
from export.errors import ExportError
from training.data.captioned_photos import CaptionedPhoto
from training.scoring.scores import Scorer, parts_of

Progress = Callable[[Iterable[Path], str], Iterable[Path]]

Part = tuple[str, list[int]]
"""Language and places of the photos."""


@dataclass(frozen=True)
class Verdict:
    """CIDEr of two bundles on the same photos."""

    photos: int
    before: float
    """Of the bundle that was adapted."""
    after: float

    def check(self) -> None:
        """Refuse a captioner that got worse.

        Raises:
            ExportError: saying by how much.
        """
        if self.after < self.before:
            raise ExportError(
                f"it is worse than the bundle that it adapts: CIDEr {self.before:.3f} -> {self.after:.3f} on "
                f"{self.photos} test photos, which chose nothing; give more photos, or --force to write it all the same"
            )


def judge(bundle: Path, before: Path, photos: Sequence[CaptionedPhoto], progress: Progress) -> Verdict:
    """Caption test photos with a bundle and with the one that it adapts, greedily.

    CIDEr is the mean over the photos' languages and sources, as for dev in training.

    Raises:
        EdgeCaptionError: a bundle or a photo can't be used, or the older bundle does not speak a language.
    """
    parts = parts_of(photos)
    scorers = {name: Scorer([photos[at].captions for at in places], of) for name, (of, places) in parts.items()}
    ciders = [_cider(folder, photos, parts, scorers, progress) for folder in (before, bundle)]
    return Verdict(len(photos), round(ciders[0], 4), round(ciders[1], 4))


def _cider(
    folder: Path,
    photos: Sequence[CaptionedPhoto],
    parts: Mapping[str, Part],
    scorers: Mapping[str, Scorer],
    progress: Progress,
) -> float:
    found = []
    bundle = open_bundle(folder)
    own, flavours = bundle.default_flavour(), bundle.manifest.flavours
    flavour = own if own in flavours else next(iter(flavours))
    for name, (language, places) in parts.items():
        captioner = Captioner(folder, flavour=flavour, beam=1, language=language)
        files = [photos[at].file for at in places]
        said = [captioner.caption(file).text for file in progress(files, f"{name}: {folder.name}")]
        found.append(scorers[name].cider(said))
    return sum(found) / len(found)
