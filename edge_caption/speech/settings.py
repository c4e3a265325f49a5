"""What is read aloud, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from edge_caption.bounds import NotNegative, Share


class SpeechSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[speech]."""

    speak: bool = False
    """Read new captions aloud."""
    command: tuple[str, ...] | None = None
    """Another program than espeak-ng, and its arguments; it gets the sentence on its standard input."""
    voice: str | None = None
    """One of `espeak-ng --voices`; the caption's language if None."""
    piper_voice: Path | None = None
    """A voice of Piper (NAME.onnx, with NAME.onnx.json beside it), which then speaks instead of espeak-ng."""
    words_per_minute: Annotated[int, msgspec.Meta(ge=80, le=450)] = 175
    """How fast the voice speaks."""
    repeat_after_s: NotNegative = 60.0
    """The same sentence of the same camera is not said again for so long."""
    min_confidence: Share = 0.0
    """A caption of less confidence is not said."""
    name_cameras: bool = False
    """Say the camera's name first."""
    wav_folder: Path | None = None
    """Write each sentence to a WAV file there instead of saying it."""
