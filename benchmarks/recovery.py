"""`python -m benchmarks recovery`: how soon after a fault's end a camera gives frames again, with shipped settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from edge_caption.cameras.settings import CameraSettings
from tests.cameras.faulty import FAULTS, Fault, FaultyCamera, measure_recovery

FAULT_S = 24.0
"""Longer than it takes to notice silence."""

SAME_FRAME_S = 12.0
"""The one setting that is another: two minutes of a frozen picture would only take longer to notice."""


def measure(rounds: int) -> dict[str, object]:
    """Break network cameras in each way; all faults of a round at the same time."""
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        found = [dict(zip(FAULTS, pool.map(_measure, FAULTS), strict=True)) for _ in range(rounds)]
    faults = {
        fault: {
            "reason": found[0][fault][0],
            "recovery_s": [round(each[fault][1], 2) for each in found],
        }
        for fault in FAULTS
    }
    return {
        "fault_s": FAULT_S,
        "slowest_s": round(max(each[fault][1] for each in found for fault in FAULTS), 2),
        "faults": faults,
    }


def _measure(fault: Fault) -> tuple[str | None, float]:
    camera = FaultyCamera()
    try:
        settings = CameraSettings(same_frame_s=SAME_FRAME_S)
        return measure_recovery(camera.url, settings, lambda: camera.begin(fault), camera.end, FAULT_S)
    finally:
        camera.close()
