from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.ranges import BINS, METHODS, PERCENTILE, Extremes, Histograms, kl, minmax, mse, percentile


def batches(count: int) -> list[NDArray[np.float32]]:
    random = np.random.default_rng(0)
    return [random.normal(1, 2, (3, 50)).astype(np.float32) for _ in range(count)]


def stream(values: list[NDArray[np.float32]]) -> Histograms:
    extremes = Extremes()
    for value in values:
        extremes.watch({"x": value})
    histograms = Histograms(extremes)
    for value in values:
        histograms.watch({"x": value})
    return histograms


def test_the_stream_counts_what_numpy_counts_at_once() -> None:
    values = batches(40)
    histogram = stream(values).of["x"]
    everything = np.concatenate(values)
    assert (histogram.low, histogram.high) == (everything.min(), everything.max())
    counts, _ = np.histogram(everything, BINS, (histogram.low, histogram.high))
    assert histogram.counts.sum() == everything.size
    # A value on the border of two bins may fall to either side of it in float32.
    assert np.abs(np.cumsum(histogram.counts) - np.cumsum(counts)).max() <= 2


def test_minmax_is_the_whole_range() -> None:
    values = batches(5)
    everything = np.concatenate(values)
    assert minmax(stream(values).of["x"]) == (everything.min(), everything.max())


def test_percentile_is_numpys_within_a_bin() -> None:
    values = batches(4000)
    histogram = stream(values).of["x"]
    expected = np.percentile(np.concatenate(values), [100 - PERCENTILE, PERCENTILE])
    # Where the tail is thin, numpy interpolates between values and this within bins.
    assert percentile(histogram) == pytest.approx(expected, abs=0.1)


def test_percentile_gives_up_an_outlier() -> None:
    values = [*batches(4000), np.full((1, 1), 1000, np.float32)]
    assert percentile(stream(values).of["x"])[1] < 20


def test_mse_gives_up_an_outlier_but_not_a_uniform_range() -> None:
    uniform = [np.linspace(-1, 1, 10_000, dtype=np.float32)]
    assert mse(stream(uniform).of["x"]) == pytest.approx((-1, 1), abs=0.05)
    assert mse(stream([*uniform, np.full(1, 1.9, np.float32)]).of["x"])[1] < 1.9


def test_kl_gives_up_tails_but_not_a_uniform_range() -> None:
    uniform = [np.linspace(-1, 1, 10_000, dtype=np.float32)]
    assert kl(stream(uniform).of["x"]) == pytest.approx((-1, 1))
    low, high = kl(stream([np.random.default_rng(1).laplace(0, 1, 100_000).astype(np.float32)]).of["x"])
    assert -9 < low < -4
    assert 4 < high < 9


def test_a_tensor_that_never_changes_has_a_range() -> None:
    histogram = stream([np.full((2, 2), 3, np.float32)]).of["x"]
    for method in METHODS.values():
        low, high = method(histogram)
        assert np.isfinite([low, high]).all()
        assert high <= 3
