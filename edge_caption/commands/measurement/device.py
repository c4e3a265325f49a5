"""All measurements of one device, one after another."""

from __future__ import annotations

import datetime
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_caption.commands.measurement.delivery import committing, delivering, embedded
from edge_caption.commands.measurement.document import Document, EnergyUse, Heat, Load, Spread, spread
from edge_caption.commands.measurement.frames import frames, jpegs
from edge_caption.commands.measurement.loads import measure_load, measure_start
from edge_caption.commands.measurement.machine import describe
from edge_caption.commands.measurement.stages import TimedSearch, slowdown
from edge_caption.errors import ConfigError
from edge_caption.images.photos import decode_photo
from edge_caption.model.backends import REFERENCE
from edge_caption.model.bundle import Bundle, open_bundle
from edge_caption.model.captioner import Captioner
from edge_caption.model.flavour import load_flavour
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.node.board import Board

Progress = Callable[[str], None]
"""Called with what is measured next."""


POWER_S = 0.25
"""Between two looks at the power sensor."""


@dataclass(frozen=True)
class Extent:
    """How long to measure."""

    rounds: int
    """Of all searches; each captions every frame."""
    starts: int
    load_s: float
    """Seconds of each load."""
    loads: Sequence[tuple[int, float]]
    """Cameras, and captions a second of each."""
    energy_s: float


FULL = Extent(100, 5, 10.0, tuple(itertools.product((1, 4), (1.0, 5.0, 15.0))), 10.0)

QUICK = Extent(10, 1, 2.0, ((1, 5.0),), 2.0)


@dataclass(frozen=True)
class Subject:
    """What is measured."""

    bundle: Path | None = None
    flavour: str | None = None
    backend: str | None = None
    threads: Sequence[int] = (1,)
    beams: Sequence[int] = (1, 3)
    broker: MqttSettings | None = None
    """None: the embedded one, where it is installed."""

    def options(self) -> list[str]:
        """Return the options of `edge-caption run` that choose the same model."""
        given = {"--bundle": self.bundle, "--flavour": self.flavour, "--backend": self.backend}
        return [part for name, value in given.items() if value for part in (name, str(value))]


@dataclass
class _Findings:
    board: Board
    left_out: dict[str, str] = field(default_factory=dict)
    degrees: list[float] = field(default_factory=list)
    throttled: bool | None = None

    def note_heat(self) -> None:
        told = self.board.measure(0.0)
        if told["temperature_c"] is not None:
            self.degrees.append(told["temperature_c"])
        if told["throttled"] is not None:
            self.throttled = bool(self.throttled) or told["throttled"]

    def heat(self, captions_ms: Sequence[float]) -> Heat:
        before, highest = (self.degrees[0], max(self.degrees)) if self.degrees else (None, None)
        return Heat(before_c=before, highest_c=highest, throttled=self.throttled, slowdown=slowdown(captions_ms))


def measure(subject: Subject, extent: Extent, progress: Progress, root: Path = Path("/")) -> Document:
    """Measure a device; minutes.

    Args:
        subject: what to measure.
        extent: for how long.
        progress: hears what comes next.
        root: where /sys and /proc are.

    Raises:
        EdgeCaptionError: the model can't be run here, or the given broker can't be reached.
    """
    found = _Findings(Board(Path(), root, span_s=POWER_S / 2))
    found.note_heat()
    bundle = open_bundle(subject.bundle)
    progress("stages")
    searches = _searches(bundle, subject)
    _take_turns(searches, extent.rounds, found)
    captioner = Captioner(subject.bundle, flavour=subject.flavour, backend=subject.backend)
    stages = {"preprocess": spread(searches[0].times["preprocess"]), **_delivery(captioner, subject, extent, found)}
    energy = _energy(captioner, extent, progress, found)
    with tempfile.TemporaryDirectory(prefix="edge-caption-bench-") as folder:
        photos = _write_photos(Path(folder))
        progress("start")
        start = measure_start(photos, extent.starts, subject.options())
        loads = _loads(photos, subject, extent, progress, found)
    return Document(
        measured_on=datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        quick=extent is QUICK,
        machine=describe(),
        model=captioner.model,
        stages=stages,
        searches=tuple(search.result() for search in searches),
        start=start,
        loads=tuple(loads),
        heat=found.heat(searches[0].times["caption"]),
        energy=energy,
        left_out=found.left_out,
    )


def _searches(bundle: Bundle, subject: Subject) -> list[TimedSearch]:
    backend = subject.backend or REFERENCE
    loaded = {threads: load_flavour(bundle, subject.flavour, backend, threads) for threads in subject.threads}
    return [
        TimedSearch(bundle, loaded[threads], threads, beams)
        for threads, beams in itertools.product(subject.threads, subject.beams)
    ]


def _take_turns(searches: Sequence[TimedSearch], rounds: int, found: _Findings) -> None:
    """Let every search caption all frames, round by round: a slow moment of the machine hits all alike."""
    pictures = frames()
    for number in range(-1, rounds):  # the first round warms up
        for search in searches:
            for picture in pictures:
                search.caption(picture)
            if number < 0:
                search.forget()
        found.note_heat()


def _delivery(captioner: Captioner, subject: Subject, extent: Extent, found: _Findings) -> dict[str, Spread]:
    """Time what stands before and behind the captioner: decoding a JPEG, and the way to disk and broker."""
    photos = jpegs() * extent.rounds
    captions = [captioner.caption(photo) for photo in jpegs()] * extent.rounds
    times = {"jpeg_decode": [_decode_ms(photo) for photo in photos]}
    broker = subject.broker or MqttSettings(broker=embedded())
    try:
        with delivering(broker) as delivery:
            delivery.commit(captions[0])
            delivery.publish()  # the connection is made here
            both = [(delivery.commit(caption), delivery.publish()) for caption in captions]
            times["commit"], times["publish"] = map(list, zip(*both, strict=True))
    except ConfigError as error:
        if subject.broker:
            raise
        found.left_out["publish"] = str(error)
        with committing() as delivery:
            times["commit"] = [delivery.commit(caption) for caption in captions]
    return {name: spread(values) for name, values in times.items()}


def _decode_ms(photo: bytes) -> float:
    started = time.perf_counter()
    decode_photo(photo, "the frame")
    return (time.perf_counter() - started) * 1000


def _energy(captioner: Captioner, extent: Extent, progress: Progress, found: _Findings) -> EnergyUse | None:
    time.sleep(POWER_S)
    if found.board.measure(0.0)["power_w"] is None:
        found.left_out["energy"] = "no power sensor (INA3221, RAPL) can be read here"
        return None
    progress("energy")
    idle_w, _ = _watch_power(found.board, extent.energy_s, None)
    busy_w, captions_per_s = _watch_power(found.board, extent.energy_s, captioner)
    return EnergyUse(
        idle_w=round(idle_w, 3), busy_w=round(busy_w, 3), joules_per_caption=round(busy_w / captions_per_s, 4)
    )


def _watch_power(board: Board, seconds: float, captioner: Captioner | None) -> tuple[float, float]:
    """Return the mean watts and the captions a second, while captions follow each other or nothing happens."""
    pictures, captions = frames(), 0
    watts: list[float] = []
    board.measure(0.0)
    began = now = looked = time.monotonic()
    while now < began + seconds:
        if captioner:
            captioner.caption(pictures[captions % len(pictures)])
            captions += 1
        else:
            time.sleep(POWER_S)
        now = time.monotonic()
        if now >= looked + POWER_S:
            told, looked = board.measure(0.0)["power_w"], now
            watts += [] if told is None else [told]  # a counter that began again tells nothing
    return sum(watts) / max(1, len(watts)), captions / (now - began)


def _write_photos(folder: Path) -> Path:
    for number, data in enumerate(jpegs()):
        (folder / f"{number}.jpg").write_bytes(data)
    return folder


def _loads(photos: Path, subject: Subject, extent: Extent, progress: Progress, found: _Findings) -> list[Load]:
    loads = []
    for cameras, fps in extent.loads:
        progress(f"{cameras} camera{'s' * (cameras > 1)} at {fps:g} captions a second")
        loads.append(measure_load(photos, cameras, fps, extent.load_s, subject.options()))
        found.note_heat()
    return loads
