"""Times that were taken in turns, held against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def ratios(slower: Sequence[float], faster: Sequence[float]) -> dict[str, float]:
    """Return median and quartiles of the ratio, round by round: a slow moment of the machine hits both alike."""
    found = [one / other for one, other in zip(slower, faster, strict=True)]
    low, middle, high = np.quantile(found, (0.25, 0.5, 0.75), method="weibull").round(2).tolist()
    return {"median": middle, "quartile_1": low, "quartile_3": high}
