"""Values that stream by -> the range worth representing in 8 bits.

Pass 1 finds each tensor's extremes (and its channels' means), pass 2 counts its values in a fixed number of bins
between them; both need the same memory for ten photos and for ten thousand. A method turns a histogram into a range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.observe import Activations

BINS = 2048
"""As TensorRT's and PyTorch's histogram calibrators use."""

NARROW = 1e-30
"""Keeps a tensor that never changes from a division by zero."""

Range = tuple[float, float]
"""Lowest and highest value to represent."""

IMAGE_LIKE = 4
"""Dimensions of a tensor with channels."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Histogram:
    """How often one tensor's values fell into each of BINS equal bins."""

    low: float
    high: float
    counts: Counts = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @property
    def edges(self) -> NDArray[np.float64]:
        """The bins' limits, shape (BINS + 1,)."""
        return np.linspace(self.low, self.high, BINS + 1)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count values, all of which lie between low and high."""
        scale = np.float32(BINS / max(self.high - self.low, NARROW))
        bins = ((values.ravel() - np.float32(self.low)) * scale).astype(np.int32)
        np.add(self.counts, np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS), out=self.counts)


class Extremes:
    """Pass 1: the lowest and highest value of each tensor so far."""

    def __init__(self) -> None:
        self.ranges: dict[str, Range] = {}

    def watch(self, activations: Activations) -> None:
        """Take in one run's activations."""
        for name, values in activations.items():
            low, high = self.ranges.get(name, (np.inf, -np.inf))
            self.ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))


class Means:
    """Pass 1: the mean of each channel of each image-like tensor, (1, C, height, width)."""

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._runs = 0

    def watch(self, activations: Activations) -> None:
        """Take in one run's activations."""
        self._runs += 1
        for name, values in activations.items():
            if values.ndim == IMAGE_LIKE:
                self._sums[name] = self._sums.get(name, 0.0) + values.mean((0, 2, 3), dtype=np.float64)

    def rounded(self) -> dict[str, list[float]]:
        """Return each tensor's means, to the four digits that matter (the table goes to every device)."""
        return {name: [float(f"{mean:.4g}") for mean in sums / self._runs] for name, sums in self._sums.items()}


class Histograms:
    """Pass 2: a histogram of each tensor, over the range that pass 1 found."""

    def __init__(self, extremes: Extremes) -> None:
        self.of = {name: Histogram(low, high) for name, (low, high) in extremes.ranges.items()}

    def watch(self, activations: Activations) -> None:
        """Take in one run's activations."""
        for name, values in activations.items():
            self.of[name].add(values)


def minmax(histogram: Histogram) -> Range:
    """Represent every value that was seen."""
    return histogram.low, histogram.high


PERCENTILE = 99.999
"""Of the values, on each side, that keep their place; the rest saturates. Signal to noise of the regions in dB,
measured on a fine-tuned MobileNetV2: 99.99 19.0, 99.995 20.0, 99.999 20.3, all values 18.4."""


def percentile(histogram: Histogram) -> Range:
    """Let the rarest values on each side saturate, so that the others get finer steps."""
    below = np.concatenate(([0.0], np.cumsum(histogram.counts) / max(histogram.counts.sum(), 1)))
    low, high = np.interp([1 - PERCENTILE / 100, PERCENTILE / 100], below, histogram.edges)
    return float(low), float(high)


STEPS = 255
"""Between the lowest and the highest of 8 bits' values."""

CANDIDATES = np.linspace(0.5, 1.0, 51)
"""Shares of the whole range that are tried."""


def mse(histogram: Histogram) -> Range:
    """Shrink the range to where saturation and rounding together cost least (squared error)."""
    return _shrink(histogram, _squared_error)


def _shrink(histogram: Histogram, cost: Callable[[NDArray[np.float64], Counts, Range], float]) -> Range:
    """Return the share of the whole range that costs least, given the bins' centres and counts."""
    centres = (histogram.edges[1:] + histogram.edges[:-1]) / 2
    ranges = [(histogram.low * share, histogram.high * share) for share in CANDIDATES]
    low, high = min(ranges, key=lambda limits: cost(centres, histogram.counts, limits))
    return float(low), float(high)


def _squared_error(centres: NDArray[np.float64], counts: Counts, limits: Range) -> float:
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    step = max((high - low) / STEPS, NARROW)
    rounded = np.round((np.clip(centres, low, high) - low) / step) * step + low
    return float((counts * (centres - rounded) ** 2).sum())


def kl(histogram: Histogram) -> Range:
    """Shrink the range to where 256 levels tell most of how values are distributed (Migacz 2017, for TensorRT)."""
    return _shrink(histogram, _divergence)


def _divergence(centres: NDArray[np.float64], counts: Counts, limits: Range) -> float:
    """Return Kullback and Leibler's divergence of the values from what the levels between the limits keep of them."""
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    step = max((high - low) / STEPS, NARROW)
    levels = np.round((np.clip(centres, low, high) - low) / step).astype(np.int64)
    inside = (centres >= low) & (centres <= high) & (counts > 0)
    # A level's values are taken for evenly spread over those of its bins that have any; what saturates has no bin, so
    # only the whole is less.
    of_level = np.bincount(levels[inside], counts[inside], STEPS + 1)
    bins_of_level = np.bincount(levels[inside], minlength=STEPS + 1)
    kept = (of_level / np.maximum(bins_of_level, 1))[levels[inside]]
    saturated = np.bincount(levels[~inside], counts[~inside], STEPS + 1)  # in the first and the last level
    seen = counts[inside] + (saturated / np.maximum(bins_of_level, 1))[levels[inside]]
    seen, kept = seen / max(seen.sum(), 1), kept / max(kept.sum(), 1)
    return float((seen * np.log(seen / kept)).sum())


METHODS: dict[str, Callable[[Histogram], Range]] = {"minmax": minmax, "percentile": percentile, "mse": mse, "kl": kl}
