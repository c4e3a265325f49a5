"""Peers side by side: the same frames, threads and number of decoder steps, round by round.

Peers of other makers have untrained weights, for nothing can be downloaded here: that costs the same, but says nothing
that could be scored. So each is made to say exactly as many tokens as the shipped bundle does. Memory is that of a
process of each peer's own.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.latency import ratios
from benchmarks.peers.installed import installed_bytes
from benchmarks.peers.peer import PeerError, Say
from benchmarks.peers.registry import LEADER, PEERS
from edge_caption.commands.measurement.frames import frames
from edge_caption.model.bundle import open_bundle

WORDS = 20


def measure(names: Sequence[str], rounds: int, threads: int) -> dict[str, Any]:
    """Return each peer's milliseconds, memory and sizes, and how many times faster the shipped bundle is.

    Args:
        names: keys of PEERS.
        rounds: how often each captions all frames.
        threads: of each.
    """
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="edge-caption-peers-") as root:
        peaks, ready = {}, {}
        steps = _steps(Path(root))
        for name in [LEADER, *(name for name in names if name != LEADER)]:
            folder = Path(root) / name.replace(" ", "-")
            folder.mkdir()
            try:
                _child(name, folder, "prepare")
                peaks[name] = _child(name, folder, str(threads), str(steps))
                ready[name] = PEERS[name].load(folder, threads)
            except (ImportError, PeerError) as error:
                left_out[name] = str(error)
        times = time_peers(ready, rounds, steps)
        sizes = {name: _disk_bytes(name, Path(root) / name.replace(" ", "-")) for name in ready}
    return {
        "threads": threads,
        "rounds": rounds,
        "frames": len(frames()),
        "decoder_steps": steps,
        "peers": {
            name: {
                "is": PEERS[name].is_what,
                "median_ms": round(statistics.median(times[name]), 2),
                "leader_is_faster_by": ratios(times[name], times[LEADER]),
                "peak_rss_mb": round(peaks[name], 1),
                "disk_bytes": sizes[name],
                "installed_bytes": _installed(name),
                "published": PEERS[name].published,
            }
            for name in ready
        },
        "left_out": left_out,
    }


def time_peers(ready: dict[str, Say], rounds: int, steps: int) -> dict[str, list[float]]:
    """Return milliseconds a frame of each peer in each round; the first round warms up and is left out."""
    pictures = frames()
    times: dict[str, list[float]] = {name: [] for name in ready}
    for number in range(-1, rounds):
        for name, say in ready.items():
            started = time.perf_counter()
            for picture in pictures:
                say(picture, steps)
            if number >= 0:
                times[name].append((time.perf_counter() - started) * 1000 / len(pictures))
    return times


def _steps(folder: Path) -> int:
    """Return the decoder steps that the shipped bundle takes for the frames, the mean."""
    say = PEERS[LEADER].load(folder, 1)
    return round(statistics.mean(int(str(say(frame, WORDS))) for frame in frames()))


def _child(name: str, folder: Path, *arguments: str) -> float:
    """Run a peer in a process of its own; returns its highest resident memory in MB (10^6 bytes).

    Raises:
        PeerError: it failed; its last line.
    """
    command = [sys.executable, "-m", "benchmarks.peers.child", name, str(folder), *arguments]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        *_, last = child.stderr.splitlines() or [f"it ended with {child.returncode}"]
        raise PeerError(last)
    return float(child.stdout.splitlines()[-1])


def _disk_bytes(name: str, folder: Path) -> int:
    """Return the bytes of what ships, of written graphs, or of a checkpoint in fp32, which others publish."""
    if name == LEADER:
        bundle = open_bundle()
        return sum(bundle.bytes_of(bundle.default_flavour()).values())
    return sum(file.stat().st_size for file in folder.iterdir()) or int(PEERS[name].parameters * 4e6)


def _installed(name: str) -> int | None:
    try:
        return installed_bytes(PEERS[name].packages)
    except metadata.PackageNotFoundError:
        return None
