"""Pictures changed by at most epsilon a pixel so that the captioner finds what people wrote less likely.

FGSM (Goodfellow et al. 2015) takes one step along the gradient's sign, PGD (Madry et al. 2018) several from a random
start. The gradient is that of a checkpoint in PyTorch (white box); whoever captions the pictures may be another.
`random_signs` is what the same budget does without a gradient: what a step costs beyond it, the attack costs.

Pictures are float tensors (B, side, side, 3), RGB, 0-255; epsilon is in the same unit. Results are whole numbers, for a
device gets uint8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from edge_caption.model.bundle import Decoding
from edge_caption.model.vocabulary import PAD
from training.data.batches import Sentences
from training.data.captioned_photos import CaptionedPhoto
from training.model.checkpoint import Checkpoint

STEPS = 10

STRIDE = 2.5
"""PGD's steps together reach so many epsilons (Madry et al. 2018), so that it can leave where it began."""

Loss = Callable[[Tensor], Tensor]
"""Pictures -> how badly their sentences are predicted, summed over pictures."""

Attack = Callable[[Loss, Tensor, int, torch.Generator], Tensor]


def fgsm(loss: Loss, pictures: Tensor, epsilon: int, _: torch.Generator) -> Tensor:
    """Step once, as far as allowed."""
    return (pictures + epsilon * _uphill(loss, pictures)).clamp(0, 255)


def pgd(loss: Loss, pictures: Tensor, epsilon: int, chance: torch.Generator) -> Tensor:
    """Start anywhere within epsilon, and climb in STEPS steps that never leave it."""
    low, high = (pictures - epsilon).clamp(min=0), (pictures + epsilon).clamp(max=255)
    stride = STRIDE * epsilon / STEPS
    changed = (pictures + epsilon * (2 * torch.rand(pictures.shape, generator=chance) - 1)).clamp(low, high)
    for _ in range(STEPS):
        changed = (changed + stride * _uphill(loss, changed)).clamp(low, high)
    return changed.round()


def random_signs(_: Loss, pictures: Tensor, epsilon: int, chance: torch.Generator) -> Tensor:
    """Step once, each pixel up or down by chance."""
    signs = 2 * torch.randint(0, 2, pictures.shape, generator=chance) - 1
    return (pictures + epsilon * signs).clamp(0, 255)


ATTACKS: dict[str, Attack] = {"random_signs": random_signs, "fgsm": fgsm, "pgd": pgd}


def _uphill(loss: Loss, pictures: Tensor) -> Tensor:
    pictures = pictures.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(pictures), pictures)
    return gradient.sign()


class ReferenceLoss:
    """Cross-entropy of the sentences that people wrote of photos, in one language, given pictures of them."""

    def __init__(self, checkpoint: Checkpoint, photos: Sequence[CaptionedPhoto]) -> None:
        self.model = checkpoint.model.requires_grad_(False)
        self._sentences = Sentences(photos, checkpoint.vocabulary, Decoding().max_words)
        self._start = checkpoint.vocabulary.start(photos[0].language)

    def of(self, photos: Sequence[int]) -> Loss:
        """Return the loss of pictures of these photos, which are given by number."""
        targets = _padded([self._sentences[photo] for photo in photos])
        inputs = functional.pad(targets[..., :-1], (1, 0), value=self._start)
        counted = targets != PAD

        def loss(pictures: Tensor) -> Tensor:
            seen = self.model.encoder(pictures)
            logits, _ = self.model.decoder.teach(seen, inputs, counted)
            return functional.cross_entropy(logits, targets[counted], reduction="sum")

        return loss


def _padded(sentences: Sequence[Sequence[Sequence[int]]]) -> Tensor:
    """Return each photo's sentences as tokens (P, N, T); where one has fewer or shorter ones, there is PAD."""
    most = max(map(len, sentences))
    rows = [torch.tensor(tokens) for photo in sentences for tokens in [*photo, *[[PAD]] * (most - len(photo))]]
    return pad_sequence(rows, batch_first=True, padding_value=PAD).view(len(sentences), most, -1)
