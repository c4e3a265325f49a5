"""Tables of saved results: each returns a head and rows of Markdown cells."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge_caption.commands.measurement.document import Document, Search, read_document
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import BUNDLES, DEFAULT

DEVICES = Path(__file__).parent.parent.parent / "docs" / "results"
"""What `edge-caption bench` printed on users' devices."""

Cells = Sequence[Sequence[str]]

SCORES = {
    "bleu_1": ("BLEU-1", "percent"),
    "bleu_4": ("BLEU-4", "percent"),
    "meteor": ("METEOR", "percent"),
    "rouge_l": ("ROUGE-L", "percent"),
    "cider": ("CIDEr", ".3f"),
    "mean_words": ("words", ".2f"),
    "distinct_sentences": ("distinct", ".0%"),
    "words_used": ("vocabulary used", "d"),
}

CHINESE = [
    ("bleu_1", "BLEU-1"),
    ("bleu_2", "BLEU-2"),
    ("bleu_3", "BLEU-3"),
    ("bleu_4", "BLEU-4"),
    ("rouge_l", "ROUGE-L"),
    ("cider", "CIDEr"),
]

FLAWS = {
    "unnamed_object": "names an object that no reference names",
    "unnamed_colour": "names a colour that no reference names",
    "dangling_end": 'ends in mid-air ("… in front of a")',
    "repeated_bigram": "says two words again in the same order",
    "repeated_word": "says a word twice running",
}


LEAST_SHARE = 0.01
"""Of a graph's time that a kind of node takes to have a row."""


def load(results: Path, name: str) -> dict[str, Any]:
    """Return a saved result."""
    figures: dict[str, Any] = json.loads((results / f"{name}.json").read_text("utf-8"))
    return figures


def further(results: Path, name: str) -> dict[str, dict[str, Any]]:
    """Return the saved results of the bundles that ship beside the default, where there are any."""
    others = {bundle: f"{name}-{bundle}" for bundle, folder in BUNDLES.items() if folder != DEFAULT}
    return {bundle: load(results, file) for bundle, file in others.items() if (results / f"{file}.json").exists()}


def reach(results: Path) -> Cells:
    """Return the README's summary."""
    timed, memory = load(results, "latency"), load(results, "memory")
    sizes = {DEFAULT.name: load(results, "size"), **further(results, "size")}
    peak, first = memory["peak_rss_mb"]["worst"], memory["first_caption_s"]["median"]
    return [
        ["", ""],
        *([_frame(name, timed), _speed(timed, name)] for name in timed["bundles"]),
        *([f"encoder + decoder on disk{_unless_default(name)}", _disk(size)] for name, size in sizes.items()),
        [
            "`edge-caption run`, whole process",
            f"{peak:.0f} MB at its peak on photos; first caption after {first:.2f} s",
        ],
        *_reached_quality(load(results, "quality"), DEFAULT.name),
        *(row for name, figures in further(results, "quality").items() for row in _reached_quality(figures, name)),
    ]


def _unless_default(bundle: str) -> str:
    return "" if bundle == DEFAULT.name else f", `--bundle {bundle}`"


def _frame(bundle: str, timed: dict[str, Any]) -> str:
    threads = f"{timed['threads']} thread{'s' * (timed['threads'] > 1)}"
    return f"640x480 frame -> sentence, {threads}{_unless_default(bundle)}"


def _speed(timed: dict[str, Any], bundle: str) -> str:
    figures = timed["bundles"][bundle]
    flavour = next(iter(figures["median_ms"]))
    faster = {name: f"{ratio['median']:.1f}x" for name, ratio in figures["times_faster_than"].items()}
    return (
        f"**{figures['median_ms'][flavour]:.1f} ms** on an {timed['machine']['processor']}: {faster['pytorch eager']} "
        f"faster than PyTorch eager, {faster['onnxruntime fp32']} than fp32 in ONNX Runtime"
    )


def _disk(size: dict[str, Any]) -> str:
    graphs = sum(next(iter(size["flavours"].values())).values()) / 1e6
    return f"{graphs:.1f} MB; the wheel with all that ships {size['wheel'] / 1e6:.1f} MB"


def _reached_quality(quality: dict[str, Any], bundle: str) -> Cells:
    which = _unless_default(bundle)
    beams = next(iter(quality["flavours"].values()))
    return [
        [f"Flickr8k dev, the shipped INT8 graphs, greedy{which}", _summary(beams["beam_1"])],
        [f"the same, `--beam 3`{which}", _summary(beams["beam_3"])],
        *(
            [f"{_set(name)}, greedy{which}", _summary(next(iter(also["flavours"].values()))["beam_1"])]
            for name, also in quality.get("also", {}).items()
        ),
    ]


def _set(name: str) -> str:
    """Return what readers call a further set of captions."""
    return "general dev (200 COCO photos)" if name.endswith("scenes/people.csv") else name


def _summary(scores: dict[str, Any]) -> str:
    low, high = scores["interval_95"]["cider"]
    people = scores.get("names_people")
    invented = f", people named where nobody is {people['invented']['share']:.0%}" if people else ""
    return f"CIDEr {scores['cider']:.3f} (95%: {low:.3f}-{high:.3f}), BLEU-4 {100 * scores['bleu_4']:.1f}{invented}"


def floors(results: Path) -> Cells:
    """Return what a floor of confidence publishes, greedily."""
    rows = load(results, "confidence")["floors"]["beam_1"]
    body = [[f"{row['min_confidence']:g}", f"{row['published']:.0%}", f"{row['right']:.0%}"] for row in rows]
    return [["`min_confidence`", "published", "of them right"], *body]


def latency(results: Path) -> Cells:
    """Return medians of the ways to run the bundles' models."""
    timed = load(results, "latency")
    first = next(iter(timed["bundles"]))
    rows = [["bundle", "", "median ms", "its INT8 is faster by (median of the rounds, quartiles)", f"beside {first}"]]
    for bundle, figures in timed["bundles"].items():
        for number, (name, median) in enumerate(figures["median_ms"].items()):
            ratio = figures["times_faster_than"].get(name)
            ahead = timed["faster_than_the_first"].get(bundle) if number == 0 else None
            told = [interquartile(one) if one else "" for one in (ratio, ahead)]
            rows.append([bundle, name, f"{median:.3f}", *told])
    return rows


def interquartile(ratio: dict[str, float]) -> str:
    """Return a ratio with its quartiles."""
    return f"{ratio['median']:.2f}x ({ratio['quartile_1']:.2f}-{ratio['quartile_3']:.2f})"


def roofline(results: Path) -> Cells:
    """Return time, products and shares of the encoder's kinds of node."""
    figures = load(results, "roofline")
    return _kinds("encoder", figures["kinds"], figures["encoder_ms"])


def decoder_roofline(results: Path) -> Cells:
    """Return the same of a step of the decoder."""
    figures = load(results, "roofline")["decoder"]
    return _kinds("decoder step", figures["kinds"], figures["nodes_ms"])


def rooflines(results: Path) -> Cells:
    """Return how near each bundle that was measured comes to its roofline."""
    rows = [["bundle", "encoder ms", "million products", "of its roofline", "decoder step ms", "of its roofline"]]
    for bundle, figures in {DEFAULT.name: load(results, "roofline"), **further(results, "roofline")}.items():
        step = figures["decoder"]
        encoder = f"{figures['encoder_ms']:.1f}", f"{figures['mmac']:.0f}", f"{figures['encoder_of_roofline']:.0%}"
        rows.append([bundle, *encoder, f"{step['step_ms']:.3f}", f"{step['of_roofline']:.0%}"])
    return rows


def _kinds(title: str, kinds: dict[str, Any], total_ms: float) -> Cells:
    rows = [[title, "nodes", "ms", "million products", "MB moved", "of the products' peak", "of its roofline"]]
    for kind, row in kinds.items():
        if row["ms"] >= LEAST_SHARE * total_ms:
            products, share = (f"{row['mmac']:.2f}", f"{row['of_peak']:.0%}") if "mmac" in row else ("", "")
            moved, roofline = f"{row['mb_moved']:.2f}", f"{row['of_roofline']:.0%}"
            rows.append([kind, str(row["nodes"]), f"{row['ms']:.3f}", products, moved, share, roofline])
    return rows


def options(results: Path) -> Cells:
    """Return settings of ONNX Runtime beside those that ship."""
    figures = load(results, "options")
    rows = [["", "", f"ms, {figures['clock']}", "faster than what ships (median, quartiles)"]]
    for part, found in (("encoder", figures), ("decoder step", figures["decoder_step"])):
        for name, median in found["median_ms"].items():
            ratio = found["times_faster"].get(name)
            rows.append([part, name, f"{median:.3f}", interquartile(ratio) if ratio else ""])
    return rows


def cameras(results: Path) -> Cells:
    """Return what a node with so many cameras reaches."""
    rows = [["cameras", "asked for", "captions a second", "CPU of a core", "age ms", "peak MB"]]
    for load_ in load(results, "scale")["cameras"]:
        asked = f"{load_['cameras'] * load_['fps']:g}"
        reached = f"{load_['captions_per_s']:.1f}", f"{load_['cpu_share']:.0%}", f"{load_['age_ms']:.1f}"
        rows.append([str(load_["cameras"]), asked, *reached, f"{load_['peak_rss_mb']:.0f}"])
    return rows


def backlog(results: Path) -> Cells:
    """Return how fast a backlog drains."""
    rows = [["captions that wait", "seconds", "a second"]]
    drains = load(results, "scale")["backlog"]
    return [*rows, *([f"{one['messages']:,}", f"{one['seconds']:.2f}", f"{one['per_s']:.0f}"] for one in drains)]


def pareto(results: Path) -> Cells:
    """Return quality beside cost."""
    figures = load(results, "pareto")
    rows = [["bundle", "flavour", "beams", "ms", "MB", *(f"CIDEr, {name}" for name in figures["data"]), "on the front"]]
    for point in figures["points"]:
        scores = [f"{point['cider'][name]:.3f}" for name in figures["data"]]
        costs = f"{point['ms']:.1f}", f"{point['bytes'] / 1e6:.1f}"
        front = "yes" if point["on_front"] else ""
        rows.append([point["bundle"], point["flavour"], str(point["beams"]), *costs, *scores, front])
    return rows


def quality(results: Path) -> Cells:
    """Return the scores of each bundle, flavour and beam."""
    rows = [["", *(title for title, _ in SCORES.values())]]
    every = {DEFAULT.name: load(results, "quality"), **further(results, "quality")}
    for bundle, figures in every.items():
        which = f"{bundle}, " if len(every) > 1 else ""
        for flavour, beams in figures["flavours"].items():
            for beam, scores in beams.items():
                rows.append([f"{which}{flavour}, {beam.replace('_', ' ')}", *_scores(scores)])
    return rows


def _scores(scores: dict[str, float]) -> list[str]:
    return [
        f"{100 * scores[name]:.1f}" if form == "percent" else format(scores[name], form)
        for name, (_, form) in SCORES.items()
    ]


def quality_zh(results: Path) -> Cells:
    """Return the scores of Chinese, on words and on characters."""
    rows = [["", *(title for _, title in CHINESE)]]
    for flavour, beams in load(results, "quality-zh")["flavours"].items():
        for beam, scores in beams.items():
            for unit, found in (("jieba's words", scores), ("characters", scores["characters"])):
                values = [
                    f"{found[name]:.3f}" if name == "cider" else f"{100 * found[name]:.1f}" for name, _ in CHINESE
                ]
                rows.append([f"{flavour}, {beam.replace('_', ' ')}, {unit}", *values])
    return rows


def flaws(results: Path) -> Cells:
    """Return the shares of captions with a flaw, this machine's flavour first."""
    figures = load(results, "quality")
    beams = next(iter(figures["flavours"].values()))
    columns = [*beams.values(), figures["people"]]
    rows = [["", *(beam.replace("_", " ") for beam in beams), "people"]]
    return [*rows, *([title, *(f"{column[name]:.1%}" for column in columns)] for name, title in FLAWS.items())]


def confidence(results: Path) -> Cells:
    """Return how true confidences are."""
    rows = [["", "right", "mean confidence", "ECE", "Brier", "AUROC"]]
    names = {"out_of_fold": "calibrated", "mean_probability": "mean probability"}
    for beam, kinds in load(results, "confidence")["beams"].items():
        for kind, name in names.items():
            row = kinds[kind]
            shares = f"{row['right']:.1%}", f"{row['mean_confidence']:.1%}"
            figures = f"{row['ece']:.3f}", f"{row['brier']:.3f}", f"{row['auroc']:.3f}"
            rows.append([f"{beam.replace('_', ' ')}, {name}", *shares, *figures])
    return rows


def corruptions(results: Path) -> Cells:
    """Return CIDEr of pictures that got worse."""
    figures = load(results, "robustness")
    rows = _strengths("severity", figures["severities"], figures["corruptions"])
    clean = figures["clean"]["cider"]
    middle = len(figures["severities"]) // 2
    left = [f"left at {figures['severities'][middle]}"]
    left += [f"{of['cider'][middle] / clean:.0%}" for of in figures["corruptions"].values()]
    return [[*row, cell] for row, cell in zip(rows, left, strict=True)]


def attacks(results: Path) -> Cells:
    """Return CIDEr of attacked pictures."""
    figures = load(results, "robustness")
    return _strengths("most that a pixel changes, of 255", figures["epsilons"], figures["attacks"])


def _strengths(title: str, strengths: Sequence[int], kinds: dict[str, Any]) -> Cells:
    names = {"fgsm": "FGSM", "pgd": "PGD"}
    rows = [[title, *map(str, strengths)]]
    for kind, scores in kinds.items():
        rows.append([names.get(kind, kind.replace("_", " ")), *(f"{cider:.3f}" for cider in scores["cider"])])
    return rows


def devices(_: Path) -> Cells:
    """Return what users measured on their devices."""
    rows = [["device", "ms, p50", "p95", "first caption s", "peak MB", "CPU of a core, 1 x 5/s", "J a caption", "on"]]
    for file in sorted(DEVICES.glob("*.json")):
        document = read_document(file)
        search, start = _plainest(file, document), document.start
        share = [f"{load.cpu_share:.1%}" for load in document.loads if (load.cameras, load.fps) == (1, 5)]
        rows.append(
            [
                f"[{document.machine.board or document.machine.processor}](results/{file.name})",
                f"{search.caption.p50:.1f}",
                f"{search.caption.p95:.1f}",
                f"{start.first_caption_s:.2f}",
                f"{start.peak_rss_mb:.0f}",
                "".join(share),
                f"{document.energy.joules_per_caption:.3f}" if document.energy else "",
                f"{document.measured_on}, {document.model.name} {document.model.flavour}",
            ]
        )
    return rows


def _plainest(file: Path, document: Document) -> Search:
    """Return the search that the page's table is of.

    Raises:
        ConfigError: there is none, or it is rough.
    """
    found = [search for search in document.searches if (search.threads, search.beams) == (1, 1)]
    if document.quick or not found:
        raise ConfigError(f"{file} is no whole run, greedy included; measure again without --quick and --beams")
    return found[0]


def peers(results: Path) -> Cells:
    """Return what other captioners cost; energy where the machine tells of it."""
    found = load(results, "peers")["peers"]
    energy = any(peer.get("joules_per_caption") for peer in found.values())
    costs = ["ms", "slower", "peak MB", "weights MB", "installed MB", *(["J a caption"] * energy)]
    rows = [["", "is", *costs, "quality, as published"]]
    for name, peer in found.items():
        installed, used = peer["installed_bytes"], peer.get("joules_per_caption")
        rows.append(
            [
                name,
                peer["is"],
                f"{peer['median_ms']:.1f}",
                f"{peer['leader_is_faster_by']['median']:.1f}x",
                f"{peer['peak_rss_mb']:.0f}",
                f"{peer['disk_bytes'] / 1e6:.1f}",
                f"{installed / 1e6:.0f}" if installed else "",
                *([f"{used:.2f}" if used else ""] * energy),
                peer["published"],
            ]
        )
    return rows


def engines(results: Path) -> Cells:
    """Return what other engines make of the shipped graphs."""
    figures = load(results, "engines")
    rows = [["graph", "engine", "ms", "times slower", "least dB beside ONNX Runtime", "why not"]]
    for part in ("encoder", "decoder"):
        for name, row in figures[part].items():
            if "failed" in row:
                rows.append([part, name, "", "", "", row["failed"].replace("|", "and")])
            else:
                slower = interquartile(row["times_slower"])
                rows.append([part, name, f"{row['median_ms']:.3f}", slower, f"{row.get('least_db', '')}", ""])
    return rows


def gates(results: Path) -> Cells:
    """Return how many frames of the day passed each gate, and what was missed."""
    day = load(results, "gates")
    return [
        ["frames", "reach the encoder", "reach the decoder", "changes", "of them missed"],
        [
            str(day["frames"]),
            f"{day['encoded']:.1%}",
            f"{day['decoded']:.1%}",
            str(day["changes"]),
            f"{day['missed']:.1%}",
        ],
    ]


TABLES: dict[str, Callable[[Path], Cells]] = {
    "devices": devices,
    "engines": engines,
    "floors": floors,
    "gates": gates,
    "latency": latency,
    "peers": peers,
    "reach": reach,
    "roofline": roofline,
    "decoder_roofline": decoder_roofline,
    "rooflines": rooflines,
    "options": options,
    "cameras": cameras,
    "backlog": backlog,
    "pareto": pareto,
    "quality": quality,
    "quality_zh": quality_zh,
    "flaws": flaws,
    "confidence": confidence,
    "corruptions": corruptions,
    "attacks": attacks,
}
