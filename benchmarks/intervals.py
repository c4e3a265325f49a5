"""How far a score would move on other photos of the same kind: 95% intervals of the percentile bootstrap.

Photos are drawn again with replacement (Efron 1979; for BLEU, Koehn 2004). CIDEr keeps the document frequencies of all
photos. What another training run would give is not in these intervals.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000

SEED = 1

TINY, SMALL = 1e-15, 1e-9
"""What coco-caption adds to numerator and denominator, so that nothing is divided by zero."""

Floats = NDArray[np.float64]

Interval = tuple[float, float]


def mean_interval(scores: Floats) -> Interval:
    """Return the interval of the mean of the photos' scores, shape (P,)."""
    return _middle(_resampled(scores[:, np.newaxis])[:, 0] / len(scores))


def bleu_interval(counts: NDArray[np.int64]) -> Interval:
    """Return BLEU-4's interval from the photos' counts, shape (P, 10), as `Scorer.bleu_counts` gives them."""
    return _middle(bleu_4(_resampled(counts)))


def bleu_4(sums: Floats) -> Floats:
    """Compute BLEU-4 (Papineni et al. 2002) of whole sets of photos from their summed counts, (..., 10) -> (...)."""
    said, closest = sums[..., 0], sums[..., 1]
    precisions = (sums[..., 6:] + TINY) / (sums[..., 2:6] + SMALL)
    longer = (said + TINY) / (closest + SMALL)
    brevity = np.exp(np.minimum(0, 1 - 1 / longer))
    return np.asarray(brevity * precisions.prod(-1) ** 0.25)


def _resampled(values: NDArray[np.float64 | np.int64]) -> Floats:
    """Sum the photos' values, (P, K), over RESAMPLES draws of P photos: (RESAMPLES, K)."""
    photos = len(values)
    drawn = np.random.default_rng(SEED).multinomial(photos, np.full(photos, 1 / photos), RESAMPLES)
    return np.asarray(drawn.astype(np.float64) @ values)


def _middle(scores: Floats) -> Interval:
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)
