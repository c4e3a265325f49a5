"""A new captioner's first captions; the old one says those that it can't."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edge_caption.errors import PhotoError
from edge_caption.model.caption import Caption, ModelIdentity
from edge_caption.model.captioner import EncodedPhoto, Photo
from edge_caption.model.live import Captions
from edge_caption.model.selftest import fault_of

FIRST_CAPTIONS = 10


class Probation:
    """Captions with the new captioner until it fails. For any number of threads."""

    def __init__(
        self,
        fresh: Captions,
        load_old: Callable[[], Captions],
        noticed: Callable[[int], None],
        failed: Callable[[Captions, str], None],
    ) -> None:
        """Take both captioners.

        Args:
            fresh: the new one.
            load_old: loads the old one; called at the first fault.
            noticed: told after each good caption how many there were; returns at once.
            failed: gets the old captioner and why the new one failed; returns at once.
        """
        self._fresh = fresh
        self._load_old = load_old
        self._noticed = noticed
        self._failed = failed
        self._old: Captions | None = None
        self._trusted = False
        self._good = 0
        self._verdict = threading.Lock()

    @property
    def model(self) -> ModelIdentity:
        """The model of the moment."""
        return (self._old or self._fresh).model

    def trust(self) -> Captions | None:
        """End the trial: return the new captioner, whose faults are its own from now on; None where it has failed.

        The first of this and of a fault decides, whatever thread finds the other a moment later.
        """
        with self._verdict:
            self._trusted = self._old is None
            return self._fresh if self._trusted else None

    def caption(self, photo: Photo) -> Caption:
        """Caption a photo with the new captioner, or with the old one from the first fault on.

        Raises:
            PhotoError: it can't be read.
        """
        return self.encode(photo).caption()

    def encode(self, photo: Photo) -> EncodedPhoto:
        """Run the encoder; what the new captioner can't encode or can't say, the old one does.

        Raises:
            PhotoError: it can't be read.
        """
        if self._old:
            return self._old.encode(photo)
        try:
            encoded = self._fresh.encode(photo)
        except PhotoError:
            raise
        except Exception as error:
            return self._give_up(f"it fails: {str(error) or type(error).__name__}").encode(photo)
        return EncodedPhoto(encoded.seen, encoded.stages_ms, lambda _: self._say(encoded, photo))

    def _say(self, encoded: EncodedPhoto, photo: Photo) -> Caption:
        try:
            caption = encoded.caption()
            fault = fault_of(caption)
        except Exception as error:
            fault = f"it fails: {str(error) or type(error).__name__}"
        if fault:
            return self._give_up(fault).caption(photo)
        self._good += 1
        self._noticed(self._good)
        return caption

    def _give_up(self, reason: str) -> Captions:
        """Return who captions instead: the old captioner, or the new one once more where it was trusted meanwhile."""
        with self._verdict:
            if self._trusted:
                return self._fresh
            if self._old is None:
                self._old = self._load_old()
                self._failed(self._old, reason)
            return self._old
