from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.arm import compare, measure
from benchmarks.replay import Job, Said, replay
from edge_caption.errors import ConfigError
from edge_caption.model.captioner import Captioner

SAID = Said("p", "e", "a dog runs", (4, 5, 6), (4, 5, 6, 2), (-0.1, -0.2, -0.3))


def test_a_sentence_without_another_to_go_along_with_chooses_its_own_words(
    tiny_bundle: Path, demo_photos: list[Path]
) -> None:
    (said,) = replay(Job(str(tiny_bundle), "fp32", [str(demo_photos[0])]))
    assert said.text == Captioner(tiny_bundle, flavour="fp32").caption(demo_photos[0]).text
    assert said.choices[:-1] == said.tokens


def test_another_sentence_changes_the_steps_and_not_what_is_said(tiny_bundle: Path, demo_photos: list[Path]) -> None:
    photo = [str(demo_photos[0])]
    (alone,) = replay(Job(str(tiny_bundle), "fp32", photo))
    (led,) = replay(Job(str(tiny_bundle), "fp32", photo, [alone.tokens[::-1]]))
    assert (led.tokens, led.encoding) == (alone.tokens, alone.encoding)
    assert led.choices[0] == alone.choices[0]
    assert led.log_probs != alone.log_probs


def test_shares_count_a_missing_word_as_a_different_one() -> None:
    shorter = Said("q", "e", "a cat", (4, 7), (4, 7, 6, 2), (-0.1, -0.5, -0.3))
    figures = compare([SAID, SAID], [SAID, shorter])
    assert figures == {
        "same_pixels": 0.5,
        "same_encoding": 1,
        "same_sentence": 0.5,
        "same_word": round(4 / 6, 4),
        "same_step": round(7 / 8, 4),
        "log_prob_difference": 0.05,
    }


@pytest.mark.timeout(900)
def test_the_same_pixels_give_the_same_integers_on_arm(tiny_bundle: Path, demo_photos: list[Path]) -> None:
    try:
        figures = measure(tiny_bundle, demo_photos[:2], ["cortex-a76"])
    except ConfigError as error:
        pytest.skip(str(error))
    runs = figures["224x224"]["runs"]
    assert runs["cortex-a76, fp32"]["against_fp32_here"]["same_sentence"] == 1
    assert runs["cortex-a76, cpu-arm"]["against_cpu-x86_here"]["same_encoding"] == 1
