from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner, EncodedPhoto, Photo
from edge_caption.node.update.probation import Probation


class Failing:
    """A real captioner that fails from its nth frame on, in its encoder, in its decoder or by what it says."""

    def __init__(self, captioner: Captioner, how: str, after: int) -> None:
        self._captioner, self._how, self._left = captioner, how, after
        self.model = msgspec.structs.replace(captioner.model, name="new")

    def caption(self, photo: Photo) -> Caption:
        return self.encode(photo).caption()

    def encode(self, photo: Photo) -> EncodedPhoto:
        encoded = self._captioner.encode(photo)
        self._left -= 1
        if self._left >= 0:
            return encoded
        if self._how == "encoder":
            raise MemoryError
        return EncodedPhoto(encoded.seen, encoded.stages_ms, self._fail)

    def _fail(self, encoded: EncodedPhoto) -> Caption:
        if self._how == "decoder":
            raise ValueError("no such word")
        caption = self._captioner.caption(Path(__file__).parents[3] / "edge_caption" / "demo" / "photos" / "wren.jpg")
        changes: Any = {"text": "  "} if self._how == "silent" else {"log_prob": float("nan")}
        return Caption(**{**vars(caption), **changes})


@dataclass
class Told:
    good: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def on_trial(fresh: Any, old: Captioner) -> tuple[Probation, Told]:
    told = Told()
    return Probation(fresh, lambda: old, told.good.append, lambda _, reason: told.failed.append(reason)), told


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("encoder", "it fails: MemoryError"),
        ("decoder", "it fails: no such word"),
        ("silent", "it says nothing"),
        ("nonsense", "with no probability"),
    ],
)
def test_the_frame_at_which_the_new_one_fails_and_all_after_it_are_captioned_by_the_old_one(
    tiny_captioner: Captioner, picture: Pixels, how: str, said: str
) -> None:
    trial, told = on_trial(Failing(tiny_captioner, how, 2), tiny_captioner)
    assert trial.model.name == "new"
    expected = tiny_captioner.caption(picture).text
    assert [trial.encode(picture).caption().text for _ in range(5)] == [expected] * 5
    assert told.good == [1, 2]
    assert len(told.failed) == 1
    assert said in told.failed[0]
    assert trial.model.name == "tiny"


def test_a_photo_that_nobody_can_read_is_no_fault_of_the_new_one(tiny_captioner: Captioner) -> None:
    trial, told = on_trial(Failing(tiny_captioner, "encoder", 9), tiny_captioner)
    with pytest.raises(PhotoError):
        trial.caption(b"no photo")
    assert told == Told()


def test_of_trust_and_a_fault_the_first_decides(tiny_captioner: Captioner, picture: Pixels) -> None:
    trusted, told = on_trial(new := Failing(tiny_captioner, "decoder", 0), tiny_captioner)
    encoded = trusted.encode(picture)
    assert trusted.trust() is new
    with pytest.raises(ValueError, match="no such word"):
        encoded.caption()
    assert (told, trusted.model.name) == (Told(), "new")
    failed, told = on_trial(Failing(tiny_captioner, "decoder", 0), tiny_captioner)
    failed.caption(picture)
    assert failed.trust() is None
    assert (len(told.failed), failed.model.name) == (1, "tiny")
