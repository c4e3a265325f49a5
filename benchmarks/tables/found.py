"""Tables of the pages on searching, alerts, levers, Arm and export."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_caption.model.bundle import DEFAULT

Cells = Sequence[Sequence[str]]

SHOWN = ("a person", "a dog", "a child", "a bike", "a man", "snow", "a person on a skateboard", "a child on a swing",
         "a car")  # fmt: skip
"""Phrases that the page on alerts shows, of those that are measured."""

LEVERS = {
    "no augmentation": "no augmentation (mirrored features)",
    "scheduled sampling": "scheduled sampling, up to 0.25",
    "en alone": "English alone",
    "zh alone": "Chinese alone",
}
"""What readers call them, where that is more."""


def load(results: Path, name: str) -> dict[str, Any]:
    """Return a saved result."""
    figures: dict[str, Any] = json.loads((results / f"{name}.json").read_text("utf-8"))
    return figures


def recorded(results: Path, name: str) -> Cells:
    """Return what a long command once printed: recorded/<name>.json says which, of what, and when."""
    rows: Cells = load(results / "recorded", name)["rows"]
    return rows


def find(results: Path) -> Cells:
    """Return how often the right photo is among the first, asked in English."""
    return _recall(load(results, "find"))


def find_chinese(results: Path) -> Cells:
    """Return the same, asked in Chinese."""
    return _recall(figures) if (figures := _if_saved(results, "find-zh")) else [["", ""]]


def find_again(results: Path) -> Cells:
    """Return what questions over many photos take."""
    figures = _if_saved(results, "find-again")
    if not figures:
        return [["", ""]]
    photos = f"{figures['photos']:,} photos ({figures['distinct_photos']:,} different ones)"
    return [
        [photos, ""],
        ["the first question", f"{figures['first_question_s']:.0f} s"],
        ["each further one, by the clock", f"{figures['further_question_s']:.1f} s"],
        [f"of it the processor, on {figures['cores']} cores", f"{figures['further_question_processor_s']:.1f} s"],
        ["memory at its peak", f"{figures['peak_rss_mb']:.0f} MB"],
    ]


def annotation(results: Path) -> Cells:
    """Return how much of all cores annotate uses."""
    figures = _if_saved(results, "annotation")
    if not figures:
        return [["", ""]]
    return [
        [f"{figures['photos']:,} photos, {figures['cores']} cores", ""],
        ["one captioner with one thread", f"{figures['one_thread_per_s']:.1f} photos a second"],
        ["`edge-caption annotate`", f"{figures['annotate_per_s']:.1f} photos a second"],
        ["of cores x one thread's rate", f"{figures['share_of_cores']:.0%}"],
        ["of as many captioners that know nothing of each other", f"{figures['share_of_apart']:.0%}"],
    ]


def workers(results: Path) -> Cells:
    """Return photos a second by several workers."""
    head = ["workers", "photos a second", "against the first"]
    rows = _if_saved(results, "workers").get("workers", ())
    return [
        head,
        *([str(row["workers"]), f"{row['photos_per_s']:.1f}", f"{row['against_one']:.2f}x"] for row in rows),
    ]


def _recall(figures: dict[str, Any]) -> Cells:
    names = {
        "likelihood": "`edge-caption find`",
        "full_text_on_captions": "full-text search (FTS5, any word, bm25) on the captions",
    }
    rows = [["", "R@1", "R@5", "R@10", "median rank"]]
    for key, name in names.items():
        found = figures[key]
        rows.append([name, *(f"{found[f'r@{rank}']:.1%}" for rank in (1, 5, 10)), f"{found['median_rank']:.0f}"])
    chance = [f"{figures['chance'][f'r@{rank}']:.1%}" for rank in (1, 5, 10)]
    return [*rows, ["chance", *chance, f"{figures['photos'] / 2:.0f}"]]


def alerts(results: Path) -> Cells:
    """Return precision and recall of alerts, of all phrases and of some."""
    figures = load(results, "alerts")
    phrases = figures["phrases"]
    return [
        ["", "precision", "recall", "F1"],
        [f"alerts, mean of {len(phrases)} phrases", *_scores(figures["words"])],
        ["the model's likelihood of the phrase, at the best threshold", *_scores(figures["likelihood"])],
        *([f"“{name}” ({phrases[name]['true']} photos)", *_scores(phrases[name])] for name in SHOWN),
    ]


def _scores(figures: dict[str, float]) -> list[str]:
    return [f"{figures[name]:.2f}" for name in ("precision", "recall", "f1")]


def levers(results: Path) -> Cells:
    """Return what each setting of a stage gave, the worst first."""
    figures = load(results, "levers")
    every, *others = figures["cider"]
    gained = figures["gained"]
    others.sort(key=lambda name: (len(gained[name]) == 1, min(one["mean"] for one in gained[name].values())))
    seeds = ", ".join(map(str, figures["seeds"]))
    head = [f"after the last epoch, mean of seeds {seeds}", "English", "gained", "Chinese", "gained"]
    rows = [_lever(LEVERS.get(name, name), figures["cider"][name], gained[name]) for name in others]
    return [head, _lever(every, figures["cider"][every], {}), *rows]


def _lever(name: str, ciders: dict[str, list[float]], gained: dict[str, dict[str, float]]) -> list[str]:
    cells = [name]
    for language in ("en", "zh"):
        by = gained.get(language)
        cells.append(f"{statistics.mean(ciders[language]):.3f}" if language in ciders else "")
        cells.append(f"{by['mean']:.3f} ± {by['standard_error']:.3f}" if by else "")
    return cells


ARM_ROWS = (
    ("cortex-a76, fp32", "fp32", "fp32 on Arm", "fp32 on x86"),
    ("x86_64, cpu-x86", "fp32", "`cpu-x86` on x86", "fp32 on x86"),
    ("x86_64, cpu-arm", "fp32", "`cpu-arm` on x86", "fp32 on x86"),
    ("cortex-a76, cpu-arm", "fp32", "**`cpu-arm` on Arm**", "fp32 on x86"),
    ("cortex-a76, cpu-arm", "cpu-x86", "**`cpu-arm` on Arm**", "`cpu-x86` on x86"),
    ("x86_64, cpu-arm", "cpu-x86", "`cpu-arm` on x86", "`cpu-x86` on x86"),
)
"""Run, what it is held against, and what readers call both."""


def arm(results: Path) -> Cells:
    """Return how much an emulated Arm processor says and sees otherwise than x86, at both sizes of photos."""
    figures = load(results, "arm")
    shares = ["pixels", "encoder's output", "sentences", "words", "steps", "nats"]
    rows = [["photos", "", "held against", *shares]]
    for size, found in figures.items():
        if isinstance(found, dict) and "runs" in found:
            for place, (run, other, name, against) in enumerate(ARM_ROWS):
                told = found["runs"][run][f"against_{other}_here"]
                rows.append(["" if place else size, name, against, *_agreement(told, other)])
    return rows


def _agreement(told: dict[str, float], other: str) -> list[str]:
    seen = f"{told['same_encoding']:.0%}" if other != "fp32" else ""
    return [
        f"{told['same_pixels']:.0%}",
        seen,
        f"{told['same_sentence']:.0%}",
        *(_percent(told[name]) for name in ("same_word", "same_step")),
        f"{told['log_prob_difference']:.4f}",
    ]


def _percent(share: float) -> str:
    return "100%" if share == 1 else f"{share:.1%}"


def export(_: Path) -> Cells:
    """Return what the export measured of the default bundle: its manifest has it."""
    manifest = load(DEFAULT, "manifest")
    quality: dict[str, dict[str, Any]] = dict(sorted(manifest["quality"].items(), reverse=True))
    photos = max(figures["photos"] for figures in quality.values())
    rows = [
        [f"{manifest['name']} {manifest['version']}, {photos:,} dev photos", *quality],
        ["CIDEr", *(f"{figures['cider']:.3f}" for figures in quality.values())],
        ["BLEU-4", *(f"{figures['bleu_4']:.3f}" for figures in quality.values())],
        ["same sentence as fp32", *(f"{figures['same_as_fp32']:.1%}" for figures in quality.values())],
    ]
    if all("zh" in figures for figures in quality.values()):
        rows.append(["Chinese: CIDEr", *(f"{figures['zh']['cider']:.3f}" for figures in quality.values())])
    return rows


def backends(results: Path) -> Cells:
    """Return what each backend costs beside ONNX Runtime."""
    timed = next(iter(load(results, "latency")["bundles"].values()))
    ratio = next((one for name, one in timed["times_faster_than"].items() if "openvino" in name), None)
    named = ("", "-openvino", "-auto")
    peaks = [load(results, f"memory{which}")["peak_rss_mb"]["worst"] for which in named]
    time = f"{ratio['median']:.2f} of the time ({ratio['quartile_1']:.2f}-{ratio['quartile_3']:.2f})" if ratio else ""
    return [
        ["", "`onnxruntime`", "`openvino`", "`auto`"],
        ["a caption, one thread, in turns (`benchmarks latency`; quartiles)", "1", time, ""],
        ["peak memory of `edge-caption run` (`benchmarks memory --backend …`)", *(f"{peak:.0f} MB" for peak in peaks)],
    ]


NODES = {
    "one": "one camera",
    "four": "four cameras",
    "three": "three cameras",
    "three_and_a_hung_one": "three, and a fourth that hangs",
}


def ages(results: Path) -> Cells:
    """Return how old captions of network cameras are, and what they cost."""
    head = ["", "captions a second", "a caption, ms", "age ms", "oldest ms", "processor ms a caption"]
    figures = _if_saved(results, "cameras")
    names = ("captions_per_s", "caption_ms", "age_ms", "oldest_ms", "processor_ms_per_caption")
    return [
        head,
        *([title, *(f"{figures[key][name]:.1f}" for name in names)] for key, title in NODES.items() if figures),
    ]


def http(results: Path) -> Cells:
    """Return what HTTP adds, and what the page costs."""
    figures, page = _if_saved(results, "http"), _if_saved(results, "page")
    rows = [["", ""]]
    if figures:
        one, bad, clients = figures["one_client"], figures["bad_uploads"], figures["clients"]
        rows += [
            ["a request, median (p99)", f"{one['http_p50_ms']:.1f} ms ({one['http_p99_ms']:.1f})"],
            ["of it the captioner", f"{one['captioner_p50_ms']:.1f} ms ({one['captioner_p99_ms']:.1f})"],
            [f"{clients['clients']} clients at once", f"{clients['captions_per_s']:.0f} captions a second"],
            [f"{bad['count']:,} bad uploads", f"memory grows by {bad['growth_mb']:.1f} MB"],
        ]
    if page:
        seconds = page["first_picture_s"]["median"]
        rows.append([f"the page's first picture ({page['browser'] or 'a client'})", f"{seconds:.2f} s"])
        rows.append(["a page that nobody looks at", f"{page['page_unseen_cpu_percent']:.1f}% of a core"])
    return rows


def _if_saved(results: Path, name: str) -> dict[str, Any]:
    """Return a result, or nothing: its table is empty until the benchmark has run."""
    return load(results, name) if (results / f"{name}.json").exists() else {}


TABLES = {
    "ages": ages,
    "http": http,
    "alerts": alerts,
    "arm": arm,
    "backends": backends,
    "export": export,
    "annotation": annotation,
    "find": find,
    "find-again": find_again,
    "find-zh": find_chinese,
    "workers": workers,
    "levers": levers,
}
