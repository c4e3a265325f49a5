from __future__ import annotations

import torch

from training.stages.policy_gradient import balanced

ADVANTAGES = torch.tensor([[0.1, -0.1], [0.3, -0.3], [2.0, -2.0]])


def test_one_language_keeps_its_advantages() -> None:
    torch.testing.assert_close(balanced(ADVANTAGES, torch.tensor([1, 1, 1])), ADVANTAGES)


def test_languages_weigh_alike() -> None:
    scaled = balanced(ADVANTAGES, torch.tensor([1, 1, 4]))
    spreads = [scaled[rows].square().mean().sqrt() for rows in (slice(2), slice(2, 3))]
    torch.testing.assert_close(*spreads)
    torch.testing.assert_close(scaled[1], 3 * scaled[0])


def test_sentences_that_are_worth_the_same_teach_nothing() -> None:
    assert not balanced(torch.zeros(2, 5), torch.tensor([1, 4])).any()
