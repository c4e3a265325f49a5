from __future__ import annotations

import random

import pytest
from pycocoevalcap.cider.cider import Cider

from training.reward import CiderReward


def test_the_reward_is_coco_captions_cider() -> None:
    chance = random.Random(1)
    references = [[[chance.randint(4, 30) for _ in range(chance.randint(3, 12))] for _ in range(5)] for _ in range(40)]
    said = [sentences[0][:6] + sentences[1][2:5] for sentences in references]
    reward = CiderReward(references)
    as_text = {at: [" ".join(map(str, sentence)) for sentence in sentences] for at, sentences in enumerate(references)}
    _, expected = Cider().compute_score(as_text, {at: [" ".join(map(str, words))] for at, words in enumerate(said)})
    assert [reward(at, sentence) for at, sentence in enumerate(said)] == pytest.approx(list(expected), abs=1e-9)
