"""A peer in a process of its own: what it costs is what this process costs.

python -m benchmarks.peers.child BUNDLES NAME FOLDER prepare
python -m benchmarks.peers.child BUNDLES NAME FOLDER THREADS STEPS
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.peers.peer import PeerError
from benchmarks.peers.registry import peers
from edge_caption.commands.measurement.frames import frames
from edge_caption.commands.measurement.process import peak_mb
from edge_caption.errors import EdgeCaptionError


def main(bundles: str, name: str, folder: str, *numbers: str) -> int:
    """Prepare a peer, or caption each frame twice with it; prints its highest memory in MB, or one line of why not."""
    peer = peers([Path(bundle) for bundle in bundles.split(os.pathsep)])[name]
    try:
        if numbers == ("prepare",):
            peer.prepare(Path(folder))
        else:
            threads, steps = map(int, numbers)
            say = peer.load(Path(folder), threads)
            for frame in [*frames(), *frames()]:
                say(frame, steps)
    except (EdgeCaptionError, ImportError, PeerError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    print(peak_mb())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
