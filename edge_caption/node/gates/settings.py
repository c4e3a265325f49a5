"""What the gates can be told."""

from __future__ import annotations

import msgspec

from edge_caption.bounds import NotNegative, Polygon, Region, Share


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[gate] for all cameras; what a camera's own `gate` says goes before it."""

    min_confidence: Share = 0.0
    """A caption of less confidence is not published; 0 publishes all."""
    blank: bool = True
    """Hold back pictures that show nothing: dark, plain, covered, noise."""
    motion: Share = 0.0
    """Share of the picture that must change after a caption before the next one; 0 asks for nothing."""
    scene: Share = 0.0
    """How far the encoder's view must move from that of the last caption for the decoder to run; 0 asks for nothing."""
    repeat: bool = True
    """Publish the same sentence again, one right after the other."""
    min_interval_s: NotNegative = 0.0
    """Between two captions, at least."""
    max_interval_s: NotNegative = 0.0
    """After so long the next picture is captioned and published whatever motion, scene and repeat say; 0 never."""
    schedule: tuple[str, ...] = ()
    """When to caption, in local time, as "mon-fri 08:00-18:00"; none: always."""
    masks: tuple[Polygon, ...] = ()
    """Parts that nobody sees, each as its corners: [[0, 0], [0.5, 0], [0.5, 1]]."""
    region: Region | None = None
    """The part that is looked at: left, top, right, bottom; None: all."""

    def __post_init__(self) -> None:
        """Refuse what can't be meant.

        Raises:
            ValueError: the region is empty, or intervals exclude each other.
        """
        if self.region and not (self.region[0] < self.region[2] and self.region[1] < self.region[3]):
            raise ValueError("the region is empty; write left, top, right, bottom, as [0.0, 0.5, 1.0, 1.0]")
        if self.max_interval_s and self.max_interval_s < self.min_interval_s:
            raise ValueError("max_interval_s is less than min_interval_s; make it longer, or 0")
