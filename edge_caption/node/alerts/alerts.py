"""Which alerts are on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from edge_caption.errors import ConfigError
from edge_caption.model.caption import Caption
from edge_caption.node.alerts.settings import AlertSettings
from edge_caption.node.alerts.wanted import Wanted


class Alert:
    """One alert at one camera."""

    def __init__(self, settings: AlertSettings, camera: str) -> None:
        """Begin with it off.

        Raises:
            ConfigError: its words tell of nothing.
        """
        self.name = settings.name
        self.camera = camera
        self.on = False
        if not settings.phrases:
            raise ConfigError(f"the alert {settings.name} has no words; write what a caption must name")
        self._wanted = [Wanted(phrase) for phrase in settings.phrases]
        self._settings = settings
        self._fitted = 0.0

    def fits(self, caption: Caption) -> bool:
        """Tell whether a caption says what is wanted."""
        sure = caption.confidence >= self._settings.min_confidence
        return sure and any(wanted.fits(caption.text) for wanted in self._wanted)

    def keep(self, caption: Caption) -> None:
        """Stay on where a caption still fits, be it published or held back by a gate."""
        if self.on and self.fits(caption):
            self._fitted = time.monotonic()

    def raise_by(self, caption: Caption) -> bool:
        """Go on if a published caption fits; tell whether it was off before."""
        if self.on or not self.fits(caption):
            return False
        self.on, self._fitted = True, time.monotonic()
        return True

    def lower(self) -> bool:
        """Go off if nothing has fitted for long enough; tell whether it just did."""
        if self.on and time.monotonic() - self._fitted >= self._settings.off_after_s:
            self.on = False
            return True
        return False


class Alerts:
    """All alerts of a node. For one thread."""

    def __init__(self, settings: Sequence[AlertSettings], cameras: Sequence[str]) -> None:
        """Take what is wanted of which cameras.

        Raises:
            ConfigError: an alert's words tell of nothing.
        """
        self.all = [Alert(alert, name) for alert in settings for name in cameras if name in (alert.cameras or cameras)]

    def keep(self, camera: str, caption: Caption) -> None:
        """Let what is on stay on, where a caption still says so."""
        for alert in self._of(camera):
            alert.keep(caption)

    def raised(self, camera: str, caption: Caption) -> list[Alert]:
        """Return the alerts that a published caption switches on."""
        return [alert for alert in self._of(camera) if alert.raise_by(caption)]

    def lowered(self) -> list[Alert]:
        """Return the alerts that have just gone off."""
        return [alert for alert in self.all if alert.lower()]

    def names(self, camera: str) -> tuple[str, ...]:
        """Return the names of a camera's alerts."""
        return tuple(alert.name for alert in self._of(camera))

    def _of(self, camera: str) -> Iterator[Alert]:
        return (alert for alert in self.all if alert.camera == camera)
