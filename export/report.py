"""The proofs as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from edge_caption.model.confidence import Confidence
from export.flavours import REFERENCE
from export.latency import STEPS, Latency
from export.parity import TOLERANCE, Parity
from export.quality import Quality, cider_lost


@dataclass(frozen=True)
class Report:
    """What an export measured."""

    parity: Parity
    runs_as: Mapping[str, Sequence[str]]
    """Flavour -> the integer operators that ONNX Runtime runs, or which TensorRT builds it."""
    quality: Quality
    confidence: Confidence
    latency: Mapping[str, Latency]
    sizes: Mapping[str, int]
    """Flavour -> bytes of its graphs."""


def parity_line(parity: Parity) -> str:
    """Say how the fp32 graphs compare with the checkpoint."""
    return (
        f"fp32 graphs against the checkpoint on {parity.photos} photos: same words; largest error {parity.encoder:.1e} "
        f"(encoder), {parity.decoder:.1e} (decoder); allowed {TOLERANCE:g}"
    )


def confidence_line(confidence: Confidence) -> str:
    """Say how good the confidence is, out of fold."""
    parts = [
        f"{name.replace('_', ' ')}: {of['right']:.1%} right, AUROC {_or_none(of['auroc'])}, Brier {of['brier']:.3f}, "
        f"ECE {of['ece']:.3f}"
        for name, of in confidence.figures.items()
    ]
    return "confidence, out of fold: " + "; ".join(parts)


def _or_none(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def proofs_table(report: Report) -> Table:
    """Lay out one column a flavour."""
    photos = report.quality[REFERENCE]["photos"]
    table = Table("", *report.quality, title=f"Proofs: {photos} dev photos, greedy; times on 1 thread, {STEPS} words")
    columns = [_figures(report, flavour) for flavour in report.quality]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _figures(report: Report, flavour: str) -> dict[str, str]:
    quality = report.quality[flavour]
    return {
        "CIDEr": f"{quality['cider']:.4f}",
        "CIDEr lost": f"{cider_lost(report.quality, flavour):.4f}",
        "BLEU-4": f"{quality['bleu_4']:.4f}",
        "same sentence as fp32": f"{quality['same_as_fp32']:.1%}",
        "MB": f"{report.sizes[flavour] / 1e6:.2f}",
        **_times(report, flavour),
        "runs as": "\n".join(report.runs_as.get(flavour, ())) or "-",
    }


def _times(report: Report, flavour: str) -> dict[str, str]:
    latency = report.latency.get(flavour)
    if latency is None:  # not meant for this machine's processor: a time would mislead
        return {"encoder ms": "-", "decoder ms": "-", "speed-up": "-"}
    return {
        "encoder ms": f"{latency.encoder:.2f}",
        "decoder ms": f"{latency.decoder:.2f}",
        "speed-up": f"{report.latency[REFERENCE].total / latency.total:.2f}x",
    }
