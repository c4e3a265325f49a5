"""Pictures of saved results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from benchmarks import cost_plots


def plot(result: Path) -> Path | None:
    """Draw a saved result beside it; returns the picture, or None for a benchmark that has none."""
    figures = json.loads(result.read_text())
    draw = {
        "latency": _latency,
        "levers": _levers,
        "quality": _quality,
        "confidence": _confidence,
        "robustness": _robustness,
        "roofline": _roofline,
        "peers": cost_plots.peers,
        "pareto": cost_plots.pareto,
        "scale": cost_plots.scale,
        "soak": cost_plots.soak,
    }.get(figures["benchmark"])
    if draw is None:
        return None
    draw(figures)
    pyplot.tight_layout()
    pyplot.savefig(result.with_suffix(".png"), dpi=110, bbox_inches="tight")
    pyplot.close()
    return result.with_suffix(".png")


def _latency(figures: dict[str, Any]) -> None:
    bundles = figures["bundles"]
    several = len(bundles) > 1
    medians = {
        f"{bundle}: {way}" if several else way: median
        for bundle, found in bundles.items()
        for way, median in found["median_ms"].items()
    }
    others = {"onnxruntime fp32": "#c3c9c7", "pytorch eager": "#c3c9c7"}
    colours = [next((one for way, one in others.items() if name.endswith(way)), "#2a7f62") for name in medians]
    _, axes = pyplot.subplots(figsize=(7, 0.9 + 0.33 * len(medians)))
    bars = axes.barh(list(medians), list(medians.values()), color=colours)
    axes.bar_label(bars, fmt="%.1f ms", padding=4)
    axes.set_xlim(0, max(medians.values()) * 1.22)
    axes.invert_yaxis()
    axes.set(title=f"640x480 frame to sentence, {figures['threads']} thread, median", xlabel="ms")


def _levers(figures: dict[str, Any]) -> None:
    """Draw a dot a seed, and what all levers come to as a line through the picture."""
    every, *others = figures["cider"].items()
    languages = list(every[1])
    figure, row = pyplot.subplots(1, len(languages), figsize=(4.4 * len(languages), 4), sharey=True, squeeze=False)
    for axes, language in zip(row[0], languages, strict=True):
        for place, (_, ciders) in enumerate([every, *others]):
            values = ciders.get(language, [])
            axes.plot(values, [place] * len(values), "o", color="#2a7f62" if place == 0 else "#8aa29e", markersize=5)
        axes.axvline(sum(every[1][language]) / len(every[1][language]), color="#2a7f62", linewidth=1, alpha=0.5)
        axes.set(xlabel=f"dev CIDEr, greedy ({language})")
        axes.set_yticks(range(len(others) + 1), [every[0], *(name for name, _ in others)])
        axes.grid(axis="x", alpha=0.3)
    row[0][0].invert_yaxis()
    figure.suptitle(f"{figures['recipe']}, {figures['epochs']} epochs, a dot a seed", fontsize=11)


def _quality(figures: dict[str, Any]) -> None:
    scores = ("bleu_1", "bleu_4", "meteor", "rouge_l", "cider")
    _, axes = pyplot.subplots(figsize=(8, 3.4))
    runs = [
        (f"{flavour}, {beam.replace('_', ' ')}", values)
        for flavour, beams in figures["flavours"].items()
        for beam, values in beams.items()
    ]
    width = 0.8 / len(runs)
    for number, (label, values) in enumerate(runs):
        places = [at + number * width for at in range(len(scores))]
        bars = axes.bar(places, [values[score] for score in scores], width, label=label)
        axes.bar_label(bars, fmt="%.3f", fontsize=6, label_type="center", color="white")
        for score, (low, high) in values["interval_95"].items():
            axes.plot([places[scores.index(score)]] * 2, [low, high], color="#444", linewidth=1)
    axes.set_xticks(
        [at + 0.4 - width / 2 for at in range(len(scores))], [score.replace("_", "-").upper() for score in scores]
    )
    axes.set(title=f"{figures['photos']} photos of {figures['split']}; lines: 95% intervals over photos")
    axes.legend(fontsize=7)


def _confidence(figures: dict[str, Any]) -> None:
    """Reliability diagram: a dot a tenth of the captions, on the diagonal where confidence is what it says."""
    _, axes = pyplot.subplots(figsize=(5, 4.6))
    axes.plot([0, 1], [0, 1], color="#c3c9c7", linewidth=1)
    colours = ("#2a7f62", "#b5651d", "#3d5a80")
    for (beam, kinds), colour in zip(figures["beams"].items(), colours, strict=False):
        for kind, style in (("out_of_fold", "o-"), ("mean_probability", "x:")):
            bins = kinds[kind]["reliability"]
            label = f"{beam.replace('_', ' ')}, {kind.replace('_', ' ')} (ECE {kinds[kind]['ece']:.3f})"
            confidence, right = ([one[name] for one in bins] for name in ("confidence", "right"))
            axes.plot(confidence, right, style, color=colour, label=label, markersize=5, linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of captions that are right")
    axes.set_title(f"{figures['photos']} photos of {figures['split']}, {figures['flavour']}", fontsize=10)
    axes.legend(fontsize=7)


def _robustness(figures: dict[str, Any]) -> None:
    panels = [("severity of the corruption", figures["severities"], figures["corruptions"])]
    if "attacks" in figures:
        panels.append(("most that a pixel changes, of 255", figures["epsilons"], figures["attacks"]))
    figure, row = pyplot.subplots(1, len(panels), figsize=(5.5 * len(panels), 4), sharey=True, squeeze=False)
    clean, interval = figures["clean"]["cider"], figures["clean"]["interval_95"]["cider"]
    for axes, (title, strengths, kinds) in zip(row[0], panels, strict=True):
        axes.axhspan(*interval, color="#8aa29e", alpha=0.2, linewidth=0, label="unchanged, 95% interval")
        for name, scores in kinds.items():
            label = {"fgsm": "FGSM", "pgd": "PGD"}.get(name, name.replace("_", " "))
            axes.plot([0, *strengths], [clean, *scores["cider"]], "o-", markersize=4, label=label)
        axes.set(xlabel=title, xticks=[0, *strengths], ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    row[0][0].set(ylabel="CIDEr, greedy")
    figure.suptitle(f"{figures['photos']} photos of {figures['split']}, {figures['flavour']}", fontsize=11)


def _roofline(figures: dict[str, Any]) -> None:
    """Draw each kind of node's time; the dark part is what its products would take at the processor's peak."""
    kinds = {name: row for name, row in figures["kinds"].items() if row["ms"] >= 0.01 * figures["encoder_ms"]}
    _, axes = pyplot.subplots(figsize=(7, 0.5 * len(kinds) + 1))
    bars = axes.barh(list(kinds), [row["ms"] for row in kinds.values()], color="#8aa29e")
    least = [row.get("mmac", 0) / figures["peak_gmac_per_s"]["int8"] for row in kinds.values()]
    axes.barh(list(kinds), least, color="#2a7f62", label="at the processor's peak")
    axes.bar_label(bars, [f"{row['ms']:.2f} ms, {row['nodes']} nodes" for row in kinds.values()], padding=4)
    axes.set_xlim(0, max(row["ms"] for row in kinds.values()) * 1.35)
    axes.invert_yaxis()
    axes.legend(loc="lower right", fontsize=8)
    axes.set(title=f"{figures['flavour']} encoder, one thread: {figures['encoder_ms']:.1f} ms", xlabel="ms")
