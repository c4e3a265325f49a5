from __future__ import annotations

import pytest
import torch
from torch import Tensor

from edge_caption.model.vocabulary import END, PAD, UNKNOWN
from training.stages.discriminator import Discriminator

PHOTOS, WORDS = 12, 40


@pytest.fixture
def discriminator() -> Discriminator:
    torch.manual_seed(1)
    return Discriminator(channels=24, embedding=torch.randn(WORDS, 16)).eval()


def show(chance: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Features, sentences that name the photo's brightest channel, and such that never do."""
    channel = torch.randint(0, 24, (PHOTOS,), generator=chance)
    features = torch.rand(PHOTOS, 24, 1, 1, generator=chance)
    features[torch.arange(PHOTOS), channel] = 5.0
    written = torch.stack((torch.full((PHOTOS,), 5), channel + 10, torch.full((PHOTOS,), END)), -1).unsqueeze(1)
    said = torch.tensor([6, 7, END]).expand(PHOTOS, 2, 3)
    return features, written, said


def test_it_learns_to_tell_people_from_machines_and_photos_from_each_other(discriminator: Discriminator) -> None:
    chance = torch.Generator().manual_seed(2)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=3e-3)
    for _ in range(200):
        loss = discriminator.loss(*show(chance))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    features, written, said = show(chance)
    right, wrong = (discriminator.likely(features, sentences) for sentences in (written, written.roll(1, 0)))
    assert (right > 0.5).float().mean() > 0.9
    assert (discriminator.likely(features, said) < 0.5).all()
    assert (wrong < right).float().mean() > 0.8


def test_padding_changes_nothing(discriminator: Discriminator) -> None:
    features, written, _said = show(torch.Generator().manual_seed(2))
    padded = torch.nn.functional.pad(written, (0, 5), value=PAD)
    torch.testing.assert_close(discriminator(features, padded), discriminator(features, written))


def test_empty_sentences_and_unknown_words_are_not_learnt_from(discriminator: Discriminator) -> None:
    features, written, said = show(torch.Generator().manual_seed(2))
    unknown = torch.tensor([5, UNKNOWN, END]).expand(PHOTOS, 1, 3)
    more = torch.cat((written, unknown, torch.full_like(written, PAD)), 1)
    for module in discriminator.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    losses = [discriminator.loss(features, sentences, said) for sentences in (more, written)]
    torch.testing.assert_close(*losses)


def test_sentences_that_are_all_unknown_words_leave_a_number(discriminator: Discriminator) -> None:
    features, _written, said = show(torch.Generator().manual_seed(2))
    unknown = torch.tensor([5, UNKNOWN, END]).expand(PHOTOS, 1, 3)
    assert torch.isfinite(discriminator.loss(features, unknown, said))
