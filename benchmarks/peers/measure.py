"""Peers side by side: the same frames, threads and number of decoder steps, round by round.

Peers of other makers have untrained weights, for nothing can be downloaded here: that costs the same, but says nothing
that could be scored. So each is made to say exactly as many tokens as the shipped bundle does. Memory is that of a
process of each peer's own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.energy import joules, spent
from benchmarks.peers.installed import installed_bytes
from benchmarks.peers.peer import Peer, PeerError, Say
from benchmarks.peers.registry import WAYS, peers
from benchmarks.ratios import ratios
from edge_caption.commands.measurement.frames import frames
from edge_caption.errors import EdgeCaptionError
from edge_caption.model.bundle import open_bundle

WORDS = 20


def measure(bundles: Sequence[Path], names: Sequence[str], rounds: int, threads: int) -> dict[str, Any]:
    """Return each peer's milliseconds, memory, sizes and energy, and how many times faster the first bundle is.

    Args:
        bundles: this project's, in INT8; the first leads.
        names: of WAYS and OTHERS: what to hold them against.
        rounds: how often each captions all frames.
        threads: of each.
    """
    every = peers(bundles)
    leader, wanted = next(iter(every)), [name for name in every if _is_wanted(name, every[name], names)]
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="edge-caption-peers-") as root:
        peaks, ready = {}, {}
        steps = _steps(every[leader])
        for name in wanted:
            folder = Path(root) / name.replace(" ", "-")
            folder.mkdir()
            try:
                _child(bundles, name, folder, "prepare")
                peaks[name] = _child(bundles, name, folder, str(threads), str(steps))
                ready[name] = every[name].load(folder, threads)
            except (EdgeCaptionError, ImportError, PeerError) as error:
                left_out[name] = str(error)
        times, energy = time_peers(ready, rounds, steps)
        sizes = {name: _disk_bytes(every[name], Path(root) / name.replace(" ", "-")) for name in ready}
    return {
        "threads": threads,
        "rounds": rounds,
        "frames": len(frames()),
        "decoder_steps": steps,
        "peers": {
            name: {
                "is": every[name].is_what,
                "median_ms": round(statistics.median(times[name]), 2),
                "leader_is_faster_by": ratios(times[name], times[leader]),
                "peak_rss_mb": round(peaks[name], 1),
                "disk_bytes": sizes[name],
                "installed_bytes": _installed(every[name]),
                "joules_per_caption": round(statistics.median(energy[name]), 3) if energy[name] else None,
                "published": every[name].published,
            }
            for name in ready
        },
        "left_out": left_out,
    }


def _is_wanted(name: str, peer: Peer, names: Sequence[str]) -> bool:
    return peer.bundle is not None or name in names or name.rpartition(" ")[2] in set(names) & set(WAYS)


def time_peers(ready: dict[str, Say], rounds: int, steps: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return milliseconds and joules a frame of each peer in each round; the first round warms up and is left out.

    A turn begins with a frame that is not counted, too: the peer before it has filled the caches with its weights.
    """
    pictures = frames()
    times: dict[str, list[float]] = {name: [] for name in ready}
    energy: dict[str, list[float]] = {name: [] for name in ready}
    for number in range(-1, rounds):
        for name, say in ready.items():
            say(pictures[0], steps)
            before, started = joules(), time.perf_counter()
            for picture in pictures:
                say(picture, steps)
            took, used = time.perf_counter() - started, spent(before, joules())
            if number >= 0:
                times[name].append(took * 1000 / len(pictures))
                energy[name] += [] if used is None else [used / len(pictures)]
    return times, energy


def _steps(leader: Peer) -> int:
    """Return the decoder steps that the first bundle takes for the frames, the mean."""
    say = leader.load(Path(), 1)
    return round(statistics.mean(int(str(say(frame, WORDS))) for frame in frames()))


def _child(bundles: Sequence[Path], name: str, folder: Path, *arguments: str) -> float:
    """Run a peer in a process of its own; returns its highest resident memory in MB (10^6 bytes).

    Raises:
        PeerError: it failed; its last line.
    """
    named = os.pathsep.join(map(str, bundles))
    command = [sys.executable, "-m", "benchmarks.peers.child", named, name, str(folder), *arguments]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        *_, last = child.stderr.splitlines() or [f"it ended with {child.returncode}"]
        raise PeerError(last)
    return float(child.stdout.splitlines()[-1])


def _disk_bytes(peer: Peer, folder: Path) -> int:
    """Return the bytes of what ships, of written graphs, or of a checkpoint in fp32, which others publish."""
    if peer.bundle:
        bundle = open_bundle(peer.bundle)
        return sum(bundle.bytes_of(bundle.default_flavour()).values())
    return sum(file.stat().st_size for file in folder.iterdir()) or int(peer.parameters * 4e6)


def _installed(peer: Peer) -> int | None:
    try:
        return installed_bytes(peer.packages)
    except metadata.PackageNotFoundError:
        return None
