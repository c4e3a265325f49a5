from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from training.data.captioned_photos import CaptionedPhoto
from training.scoring.ptb import Tokenizer
from training.scoring.scores import DevScorer, Scorer

pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="scoring needs Java")

REFERENCES = [
    ["A dog runs on the grass .", "The brown dog is running across grass", "a dog, running!"],
    ["Two men sit on a bench.", "Two guys are sitting down", "Men on the park's bench"],
    ["A girl climbs a red wall", "A climber on a rock", "Someone climbing"],
]
SAID = ["a dog is running on the grass", "two men are standing", "a girl climbs a red wall"]

AWKWARD = [
    "",
    "It's a U.S. flag ; isn't it ?",
    'She says "hi" -- (twice)...',
    "Café Ünal\u2028sells crêpes",
    "3-year-old's £5 toy",
    "\t",
]


def test_the_tokenizer_gives_what_pycocoevalcaps_gives(capfd: pytest.CaptureFixture[str]) -> None:
    tokenizer = Tokenizer()
    tokenizer.learn(AWKWARD)
    ours = [tokenizer(sentence) for sentence in AWKWARD]
    assert capfd.readouterr() == ("", "")  # Java's own remarks stay out of the way
    on_one_line = [{"caption": " ".join(sentence.split())} for sentence in AWKWARD]
    assert ours == PTBTokenizer().tokenize({0: on_one_line})[0]


def test_several_runs_score_as_each_does_alone() -> None:
    scorer = Scorer(REFERENCES)
    others = [sentences[1] for sentences in REFERENCES]
    first, second = scorer.all_of([SAID, others])
    assert second == scorer.all(others)
    assert second["cider"] > first["cider"] == pytest.approx(scorer.cider(SAID))


def test_a_perfect_caption_scores_higher_than_its_neighbours() -> None:
    each = Scorer(REFERENCES).cider_of_each(SAID)
    assert each.shape == (3,)
    assert each.argmax() == 2


def test_bleus_counts_are_those_of_a_worked_example() -> None:
    counts = Scorer(REFERENCES).bleu_counts(SAID)
    # "two men are standing" has 4 words, the nearest reference 5; "two men" is the one bigram that a reference has.
    assert counts[1].tolist() == [4, 5, 4, 3, 2, 1, 3, 1, 0, 0]


def test_chinese_is_scored_on_words_or_characters_without_meteor() -> None:
    references = [["一只红色的狗在草地上。"], ["两个男人坐着。"]]
    said = ["一只红色的狗在跑", "两个男人坐着"]
    words = Scorer(references, "zh").all(said)
    characters = Scorer(references, "zh", characters=True).all(said)
    assert "meteor" not in words
    assert {0 < scores["bleu_1"] < 1 for scores in (words, characters)} == {True}
    assert words["bleu_1"] != characters["bleu_1"]
    assert Scorer(references, "zh").all(["一只红色的狗在草地上", "两个男人坐着"])["bleu_1"] == pytest.approx(1)


def test_each_language_of_dev_is_scored_by_itself() -> None:
    photos = [CaptionedPhoto(Path(f"{at}.jpg"), tuple(texts)) for at, texts in enumerate(REFERENCES)]
    both = DevScorer([*photos, CaptionedPhoto(Path("0.jpg"), ("一只狗。", "红狗"), "zh")])
    ciders = both.cider([*(text.split() for text in SAID), ["一只", "狗"]])
    assert ciders["en"] == pytest.approx(Scorer(REFERENCES).cider(SAID))
    assert set(ciders) == {"en", "zh"}


INTERRUPTED = """
from training.scoring.scores import Scorer, Meteor
def interrupt(*_):
    raise KeyboardInterrupt
Meteor._stat = interrupt
Scorer([["a dog"]]).all(["a dog"])
"""


def test_scoring_that_is_interrupted_ends() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], stderr=subprocess.PIPE, check=False, timeout=120)
    assert done.stderr.endswith(b"KeyboardInterrupt\n")
