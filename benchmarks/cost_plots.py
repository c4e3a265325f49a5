"""Pictures of what captioning costs: peers, quality beside cost, scale and long runs."""

from __future__ import annotations

import itertools
from typing import Any

from matplotlib import pyplot

from edge_caption.model.bundle import BUNDLES

OURS, OTHERS, THIRD = "#2a7f62", "#8aa29e", "#b5651d"


def peers(figures: dict[str, Any]) -> None:
    """Draw each captioner's time and memory, both on scales of powers of ten."""
    rows = figures["peers"]
    figure, row = pyplot.subplots(1, 2, figsize=(10, 0.36 * len(rows) + 1.2), sharey=True)
    colours = [OURS if name.split()[0] in BUNDLES else OTHERS for name in rows]
    for axes, key, unit in ((row[0], "median_ms", "ms"), (row[1], "peak_rss_mb", "MB")):
        values = [one[key] for one in rows.values()]
        bars = axes.barh(list(rows), values, color=colours)
        axes.bar_label(bars, [f"{value:.0f} {unit}" for value in values], padding=4, fontsize=8)
        axes.set(xscale="log", xlim=(min(values) / 2, max(values) * 5))
    row[0].invert_yaxis()
    row[0].set(xlabel="ms, frame to sentence")
    row[1].set(xlabel="MB, the process at its peak")
    title = f"threads: {figures['threads']}; {figures['decoder_steps']} tokens, others with untrained weights"
    figure.suptitle(title, fontsize=10)


def pareto(figures: dict[str, Any]) -> None:
    """Draw a panel a dev set: milliseconds against CIDEr; full dots are on the front, numbers are beams."""
    names, points = figures["data"], figures["points"]
    figure, row = pyplot.subplots(1, len(names), figsize=(5.2 * len(names), 4.4), squeeze=False)
    kinds = list(dict.fromkeys(f"{point['bundle']}, {point['flavour']}, {point['side']} px" for point in points))
    for axes, name in zip(row[0], names, strict=True):
        for kind, marker in zip(kinds, itertools.cycle("osD^vP"), strict=False):
            some = [p for p in points if f"{p['bundle']}, {p['flavour']}, {p['side']} px" == kind]
            spots = [(point["ms"], point["cider"][name]) for point in some]
            faces = [OURS if point["on_front"] else "none" for point in some]
            axes.scatter(*zip(*spots, strict=True), s=60, marker=marker, facecolors=faces, edgecolors=OURS, label=kind)
            for point, spot in zip(some, spots, strict=True):
                axes.annotate(point["beams"], spot, xytext=(6, -11), textcoords="offset points", fontsize=8)
        axes.set(xlabel="ms, one thread", ylabel="CIDEr", title=name, xlim=(0, None))
        axes.margins(0.15)
        axes.grid(alpha=0.3)
    handles, labels = row[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=min(len(kinds), 4), loc="upper center", bbox_to_anchor=(0.5, 0), fontsize=8)


def scale(figures: dict[str, Any]) -> None:
    """Draw the rate that a node reaches and the age of its captions over the number of cameras."""
    loads = figures["cameras"]
    counts = [load["cameras"] for load in loads]
    _, axes = pyplot.subplots(figsize=(6, 3.6))
    axes.plot(counts, [count * figures["fps"] for count in counts], "--", color="#c3c9c7", label="asked for")
    axes.plot(counts, [load["captions_per_s"] for load in loads], "o-", color=OURS, label="captions a second")
    axes.set(xlabel=f"cameras, {figures['fps']:g} captions a second each", ylabel="captions a second")
    age = axes.twinx()
    age.plot(counts, [load["age_ms"] for load in loads], "x-", color=THIRD, label="age")
    age.set(ylabel="age of a caption, ms", ylim=(0, 2 * max(load["age_ms"] for load in loads)))
    axes.legend(fontsize=8, loc="upper left")
    age.legend(fontsize=8, loc="lower right")


def soak(figures: dict[str, Any]) -> None:
    """Draw resident memory, threads and descriptors over the hours."""
    samples = figures["samples"]
    hours = [seconds / 3600 for seconds in samples["s"]]
    _, axes = pyplot.subplots(figsize=(7, 3.4))
    axes.plot(hours, samples["rss_mb"], color=OURS, label="resident MB")
    axes.set(xlabel="hours", ylabel="MB", ylim=(0, 1.4 * max(samples["rss_mb"])))
    counts = axes.twinx()
    for name, colour in (("threads", THIRD), ("descriptors", OTHERS)):
        counts.plot(hours, samples[name], color=colour, label=name)
    counts.set(ylim=(0, 2 * max(samples["descriptors"])))  # below the memory's line
    counts.legend(fontsize=8, loc="upper right")
    axes.legend(fontsize=8, loc="upper left")
    title = f"{figures['cameras']} cameras, {figures['broker_outages']} outages, {figures['lost']} lost"
    axes.set_title(title, fontsize=10)
