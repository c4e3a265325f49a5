"""The proofs as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from export.flavours import REFERENCE
from export.latency import STEPS, Latency
from export.parity import TOLERANCE, Parity
from export.quality import Quality, cider_lost


@dataclass(frozen=True)
class Report:
    """What an export measured."""

    parity: Parity
    fused: Mapping[str, Counter[str]]
    """Flavour -> integer operators that ONNX Runtime runs."""
    quality: Quality
    latency: Mapping[str, Latency]
    sizes: Mapping[str, int]
    """Flavour -> bytes of its graphs."""


def parity_line(parity: Parity) -> str:
    """Say how the fp32 graphs compare with the checkpoint."""
    return (
        f"fp32 graphs against the checkpoint on {parity.photos} photos: same words; largest error {parity.encoder:.1e} "
        f"(encoder), {parity.decoder:.1e} (decoder); allowed {TOLERANCE:g}"
    )


def proofs_table(report: Report) -> Table:
    """Lay out one row a flavour."""
    table = Table(title=f"Proofs (dev photos: {report.quality[REFERENCE]['photos']}; times: 1 thread, {STEPS} words)")
    for heading in ("flavour", "CIDEr", "lost", "BLEU-4", "same sentence", "MB", "encoder ms", "decoder ms", "speed-up"):
        table.add_column(heading, justify="left" if heading == "flavour" else "right")
    table.add_column("runs in integers")
    for flavour in report.quality:
        table.add_row(*_row(report, flavour))
    return table


def _row(report: Report, flavour: str) -> list[str]:
    quality, latency = report.quality[flavour], report.latency.get(flavour)
    times = ["-"] * 3  # not meant for this machine's processor: a time would mislead
    if latency is not None:
        ratio = report.latency[REFERENCE].total / latency.total
        times = [f"{latency.encoder:.2f}", f"{latency.decoder:.2f}", f"{ratio:.2f}x"]
    return [
        flavour,
        f"{quality['cider']:.4f}",
        f"{cider_lost(report.quality, flavour):.4f}",
        f"{quality['bleu_4']:.4f}",
        f"{quality['same_as_fp32']:.1%}",
        f"{report.sizes[flavour] / 1e6:.2f}",
        *times,
        ", ".join(f"{count} {kind}" for kind, count in sorted(report.fused.get(flavour, {}).items())) or "-",
    ]
