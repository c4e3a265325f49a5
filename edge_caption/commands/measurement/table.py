"""Documents as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge_caption.commands.measurement.document import Document, Search, Spread

SLOWER = 1.1
"""A ratio that is said to be slower; less is the noise of most machines."""

Row = Sequence[str]


def as_text(document: Document) -> str:
    """Return everything, as aligned columns."""
    machine, model = document.machine, document.model
    parts = [
        f"{machine.board or machine.processor}; cores: {machine.cores}; {machine.system}, Python {machine.python}",
        f"{model.name} {model.flavour} on {model.backend}",
        "",
        _aligned([("ms", "p50", "p95", "p99", "jitter"), *_stage_rows(document)]),
        "",
        _aligned([("start", "first caption s", "worst s", "peak MB"), _start_row(document)]),
        "",
        _aligned([("run", "captions/s", "CPU of a core", "age ms", "peak MB"), *_load_rows(document)]),
        "",
        *_notes(document),
    ]
    return "\n".join(parts)


def compare(before: Document, after: Document) -> str:
    """Return the second document beside the first, each figure with its ratio."""
    rows: list[Row] = [("p50 ms, s or MB", "before", "after", "ratio")]
    old, new = dict(figures(before)), dict(figures(after))
    for name in old:
        if name in new:
            ratio = new[name] / old[name] if old[name] else float("nan")
            flag = "  slower" if ratio > SLOWER else "  faster" if ratio < 1 / SLOWER else ""
            rows.append((name, f"{old[name]:.3f}", f"{new[name]:.3f}", f"{ratio:.2f}{flag}"))
    return "\n".join([*_differences(before, after), _aligned(rows)])


def figures(document: Document) -> Iterator[tuple[str, float]]:
    """Yield name and value of what can be compared; less is better."""
    for name, stage in document.stages.items():
        yield name, stage.p50
    for search in document.searches:
        for name, stage in _parts(search):
            yield f"{name}, {_setting(search)}", stage.p50
    yield "first caption", document.start.first_caption_s
    yield "peak memory", document.start.peak_rss_mb
    for load in document.loads:
        yield f"CPU, {load.cameras} x {load.fps:g}/s", load.cpu_share
    if document.energy:
        yield "joules a caption", document.energy.joules_per_caption


def _parts(search: Search) -> Iterator[tuple[str, Spread]]:
    yield "encoder", search.encoder
    yield "decoder step", search.decoder_step
    yield "search", search.search
    yield "caption", search.caption


def _setting(search: Search) -> str:
    beams = "greedy" if search.beams == 1 else f"beam {search.beams}"
    return f"{search.threads} thread{'s' * (search.threads > 1)}, {beams}"


def _stage_rows(document: Document) -> Iterator[Row]:
    for name, stage in document.stages.items():
        yield _spread_row(name.replace("_", " "), stage)
    for search in document.searches:
        for name, stage in _parts(search):
            yield _spread_row(f"{name}, {_setting(search)}", stage)


def _spread_row(name: str, stage: Spread) -> Row:
    return name, *(f"{value:.3f}" for value in (stage.p50, stage.p95, stage.p99, stage.jitter))


def _start_row(document: Document) -> Row:
    start = document.start
    times = f"{start.first_caption_s:.3f}", f"{start.worst_first_caption_s:.3f}"
    return f"{start.runs} times", *times, f"{start.peak_rss_mb:.1f}"


def _load_rows(document: Document) -> Iterator[Row]:
    for load in document.loads:
        name = f"{load.cameras} x {load.fps:g}/s"
        numbers = f"{load.captions_per_s:.2f}", f"{load.cpu_share:.1%}", f"{load.age_ms:.1f}", f"{load.peak_rss_mb:.1f}"
        yield name, *numbers


def _notes(document: Document) -> Iterator[str]:
    heat, energy = document.heat, document.energy
    if heat.highest_c is not None:
        yield f"temperature {heat.before_c} °C before, {heat.highest_c} °C at most"
    told = {None: "unknown", False: "no", True: "yes"}[heat.throttled]
    yield f"throttled: {told}; slowdown during the run {heat.slowdown:.2f}"
    if energy:
        yield f"{energy.joules_per_caption:.3f} J a caption ({energy.busy_w:.1f} W, idle {energy.idle_w:.1f} W)"
    for what, why in document.left_out.items():
        yield f"{what} was left out: {why}"
    if document.quick:
        yield "a quick run: its percentiles are rough; leave --quick out for figures to publish"


def _differences(before: Document, after: Document) -> Iterator[str]:
    """Yield what keeps two documents from being compared as the same thing."""
    for what, old, new in (
        ("board", before.machine.board, after.machine.board),
        ("machine", before.machine.processor, after.machine.processor),
        ("cores", before.machine.cores, after.machine.cores),
        ("packages", _packages(before), _packages(after)),
        ("model", _model(before), _model(after)),
        ("extent", *("quick" if document.quick else "full" for document in (before, after))),
    ):
        if old != new:
            yield f"another {what}: {old} before, {new} after"


def _packages(document: Document) -> str:
    return ", ".join(f"{name} {version}" for name, version in document.machine.packages.items())


def _model(document: Document) -> str:
    model = document.model
    return f"{model.name} {model.version} ({model.sha256[:12]}), {model.flavour} on {model.backend}"


def _aligned(rows: Sequence[Row]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_padded(row, widths) for row in rows)


def _padded(row: Row, widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *numbers])
