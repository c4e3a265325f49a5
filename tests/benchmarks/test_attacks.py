from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.attacks import ATTACKS, ReferenceLoss, fgsm, pgd, random_signs
from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import END, SPECIAL, START, Vocabulary
from training.data.captioned_photos import CaptionedPhoto
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint

SIZE = Dimensions(region=16, attention=8, hidden=12, embedding=10)


@pytest.fixture
def photos(demo_photos: list[Path]) -> list[CaptionedPhoto]:
    captions = [("a dog", "the brown dog runs"), ("a man",)]
    return [CaptionedPhoto(file, texts) for file, texts in zip(demo_photos[:2], captions, strict=True)]


@pytest.fixture
def pictures(photos: list[CaptionedPhoto]) -> Tensor:
    return torch.cat([torch.from_numpy(to_input(read_photo(photo.file), 224)) for photo in photos]).float()


@pytest.fixture
def losses(photos: list[CaptionedPhoto], pictures: Tensor) -> ReferenceLoss:
    """Of a captioner without training, but with batch statistics: without them it hardly sees its input."""
    torch.manual_seed(3)
    words = [*SPECIAL, "a", "the", "brown", "dog", "man", "runs"]
    model = CaptionModel(SIZE, len(words))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the statistics of this one batch
    with torch.no_grad():
        model.train().encoder.features(pictures)
    return ReferenceLoss(Checkpoint(model.eval(), Vocabulary(words)), photos)


def chance() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("epsilon", [1, 8])
def test_an_attack_stays_within_epsilon_and_in_whole_pixels(
    name: str, epsilon: int, losses: ReferenceLoss, pictures: Tensor
) -> None:
    changed = ATTACKS[name](losses.of([0, 1]), pictures, epsilon, chance())
    assert 0 < (changed - pictures).abs().max() <= epsilon
    assert torch.equal(changed.to(torch.uint8).float(), changed)
    assert torch.equal(changed, ATTACKS[name](losses.of([0, 1]), pictures, epsilon, chance()))


def test_the_loss_is_that_of_each_sentence_alone(losses: ReferenceLoss, pictures: Tensor) -> None:
    model = losses.model
    expected = torch.zeros(())
    for picture, sentences in zip(pictures, ([[4, 7], [5, 6, 7, 9]], [[4, 8]]), strict=True):
        seen = model.encoder(picture[None])
        for tokens in sentences:
            state = seen.state[:, None]
            for word, following in zip([START, *tokens], [*tokens, END], strict=True):
                log_probs, state, _ = model.decoder.step(torch.tensor([[word]]), state, seen.regions, seen.keys)
                expected = expected - log_probs[0, 0, following]
    torch.testing.assert_close(losses.of([0, 1])(pictures), expected)


def test_the_gradient_does_harm_that_chance_does_not_and_steps_do_more(losses: ReferenceLoss, pictures: Tensor) -> None:
    loss = losses.of([0, 1])
    clean, by_chance, one_step, many = (
        float(loss(changed))
        for changed in (pictures, *(attack(loss, pictures, 2, chance()) for attack in (random_signs, fgsm, pgd)))
    )
    assert by_chance < one_step
    assert max(clean, one_step) < many


def test_one_photos_attack_does_not_depend_on_its_neighbours(losses: ReferenceLoss, pictures: Tensor) -> None:
    together = fgsm(losses.of([0, 1]), pictures, 2, chance())
    alone = fgsm(losses.of([1]), pictures[1:], 2, chance())
    # Sums in another order turn the sign of gradients that are next to nothing.
    assert (together[1:] == alone).float().mean() > 0.98
