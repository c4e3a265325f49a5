"""Every error this package raises on purpose.

EdgeCaptionError
├── ConfigError     the settings or arguments are wrong; fix them and restart
├── BundleError     the model folder is incomplete, altered or of another version
├── BackendError    the runtime cannot run this model on this device
├── PhotoError      one photo cannot be read; the others still can
├── UpdateError     an update is refused or rolled back; what runs goes on
├── CameraError     no frame could be read; it is tried again
├── HistoryError    captions of the past cannot be kept or read; new ones still go out
└── OutboxError     the disk refuses captions; free space or choose another folder

Each message is one sentence that says what is wrong and what to do.
"""

from __future__ import annotations


class EdgeCaptionError(Exception):
    """What every error raised on purpose is; the command line prints it without a traceback."""


class ConfigError(EdgeCaptionError):
    """The settings or arguments are wrong; fix them and restart."""


class BundleError(EdgeCaptionError):
    """The model folder is incomplete, altered or of another version."""


class BackendError(EdgeCaptionError):
    """The runtime cannot run this model on this device."""


class PhotoError(EdgeCaptionError):
    """One photo cannot be read; the others still can."""


class UpdateError(EdgeCaptionError):
    """An update is refused or rolled back; what runs goes on."""


class CameraError(EdgeCaptionError):
    """No frame could be read; it is tried again."""


class OutboxError(EdgeCaptionError):
    """The disk refuses captions; free space or choose another folder."""


class HistoryError(EdgeCaptionError):
    """Captions of the past cannot be kept or read; new ones still go out."""
