"""The captioner in use, which can be swapped while frames flow."""

from __future__ import annotations

from typing import Protocol

from edge_caption.model.caption import Caption, ModelIdentity
from edge_caption.model.captioner import EncodedPhoto, Photo


class Captions(Protocol):
    """What captions photos."""

    @property
    def model(self) -> ModelIdentity:
        """Which model does."""
        ...

    def caption(self, photo: Photo, /) -> Caption:
        """Caption a photo; raises PhotoError where it can't be read."""
        ...

    def encode(self, photo: Photo, /) -> EncodedPhoto:
        """Run the encoder alone; raises PhotoError where it can't be read."""
        ...


class LiveCaptioner:
    """Captions with the captioner of the moment. For any number of threads: one in the midst of a caption ends it."""

    def __init__(self, captioner: Captions) -> None:
        """Begin with this one."""
        self.current = captioner

    @classmethod
    def of(cls, captioner: Captions) -> LiveCaptioner:
        """Return the captioner itself where it can be swapped already."""
        return captioner if isinstance(captioner, LiveCaptioner) else cls(captioner)

    @property
    def model(self) -> ModelIdentity:
        """The model of the moment."""
        return self.current.model

    def caption(self, photo: Photo) -> Caption:
        """Caption a photo; `Caption.model` tells which model did.

        Raises:
            PhotoError: it can't be read.
        """
        return self.current.caption(photo)

    def encode(self, photo: Photo) -> EncodedPhoto:
        """Run the encoder of the moment; the same captioner says the sentence.

        Raises:
            PhotoError: it can't be read.
        """
        return self.current.encode(photo)

    def swap(self, captioner: Captions) -> Captions:
        """Caption with another one from the next frame on, and return the one before."""
        before, self.current = self.current, captioner
        return before
