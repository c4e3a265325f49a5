"""Which captions are published."""

from __future__ import annotations

from edge_caption.model.caption import Caption
from edge_caption.node.gates.settings import GateSettings


class Gate:
    """Stands between the captioner and the outbox: what it holds back is not put on disk and takes no id."""

    def __init__(self, settings: GateSettings) -> None:
        """Take what a caption must reach."""
        self._min_confidence = settings.min_confidence

    def lets_through(self, caption: Caption) -> bool:
        """Tell whether a caption is to be published."""
        return caption.confidence >= self._min_confidence
