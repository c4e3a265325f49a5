from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge_caption
from edge_caption import Caption, Captioner, ConfigError, PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from tests.conftest import encode


def test_a_path_its_bytes_and_its_pixels_give_the_same_caption(
    tiny_captioner: Captioner, picture: Pixels, tmp_path: Path
) -> None:
    file = tmp_path / "photo.png"
    data = encode(picture, ".png")
    file.write_bytes(data)
    captions = [
        tiny_captioner.caption(photo) for photo in (file, str(file), data, bytearray(data), memoryview(data), picture)
    ]
    assert len({caption.text for caption in captions}) == 1
    assert captions[0].text


def test_a_caption_is_typed_and_adds_up(tiny_captioner: Captioner, picture: Pixels) -> None:
    caption = tiny_captioner.caption(picture)
    assert isinstance(caption, Caption)
    assert caption.text == " ".join(word.text for word in caption.words)
    assert set(caption.stages_ms) == {"preprocess", "encode", "decode"}
    assert caption.log_prob <= sum(word.log_prob for word in caption.words) + 1e-5
    assert caption.confidence == pytest.approx(math.exp(caption.log_prob / (len(caption.words) + 1)))
    for word in caption.words:
        assert word.attention.shape == (7, 7)
        assert word.attention.sum() == pytest.approx(1, abs=1e-3)
        left, top, right, bottom = word.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def test_one_captioner_serves_many_threads(tiny_captioner: Captioner) -> None:
    noise = np.random.default_rng(4).integers(0, 255, (24, 64, 64, 3), np.uint8)
    alone = [tiny_captioner.caption(pixels).text for pixels in noise]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda pixels: tiny_captioner.caption(pixels).text, noise))
    assert together == alone


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_every_beam_width_captions(tiny_bundle: Path, picture: Pixels, beam: int) -> None:
    assert Captioner(tiny_bundle, beam=beam).caption(picture).text


@pytest.mark.parametrize("flavour", ["fp32", "cpu-x86", "cpu-arm"])
def test_every_flavour_captions(tiny_bundle: Path, picture: Pixels, flavour: str) -> None:
    captioner = Captioner(tiny_bundle, flavour=flavour)
    assert captioner.model.flavour == flavour
    assert captioner.caption(picture).text


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_pixels_of_another_form_are_refused(tiny_captioner: Captioner, pixels: Pixels) -> None:
    with pytest.raises(PhotoError, match="pixels must be uint8"):
        tiny_captioner.caption(pixels)


@pytest.mark.parametrize("photo", [None, 3, ["photo.jpg"]])
def test_what_is_no_photo_is_refused(tiny_captioner: Captioner, photo: Any) -> None:
    with pytest.raises(TypeError, match=f"a photo is a path, .*, not {type(photo).__name__}; give one of these"):
        tiny_captioner.caption(photo)


@pytest.mark.parametrize(
    "options", [{"beam": 0}, {"beam": 1000}, {"threads": 0}, {"threads": 1025}, {"threads": 10**20}]
)
def test_options_out_of_range_are_refused(tiny_bundle: Path, options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        Captioner(tiny_bundle, beam=options.get("beam"), threads=options.get("threads"))


def test_the_package_offers_what_it_names() -> None:
    for name in edge_caption.__all__:
        assert getattr(edge_caption, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'captoin'"):
        edge_caption.captoin  # noqa: B018


def test_the_shipped_bundle_tells_the_shipped_photos_apart(demo_photos: list[Path]) -> None:
    captioner = Captioner()
    said = {photo.stem: captioner.caption(photo).text for photo in demo_photos}
    assert len(set(said.values())) > len(said) / 2, said
    greedy, beam = captioner, Captioner(beam=3)
    for photo in demo_photos:
        pixels = read_photo(photo)
        # A beam keeps the greedy sentence among its candidates for most of the way.
        assert beam.caption(pixels).log_prob >= greedy.caption(pixels).log_prob - 2.0


def test_one_bundle_speaks_two_languages(tiny_bundle: Path, picture: Pixels) -> None:
    english, chinese = (Captioner(tiny_bundle, language=language).caption(picture) for language in (None, "zh"))
    assert (english.language, chinese.language) == ("en", "zh")
    assert english.text.isascii()
    assert " " not in chinese.text
    assert not any(character.isascii() for character in chinese.text)


def test_a_language_that_the_bundle_does_not_speak_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(ConfigError, match="does not speak 'fr'; choose one of: en, zh"):
        Captioner(tiny_bundle, language="fr")
