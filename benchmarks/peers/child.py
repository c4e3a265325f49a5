"""A peer in a process of its own: what it costs is what this process costs.

python -m benchmarks.peers.child NAME FOLDER prepare
python -m benchmarks.peers.child NAME FOLDER THREADS STEPS
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.peer import PeerError
from benchmarks.peers.registry import PEERS
from edge_caption.commands.measurement.frames import frames
from edge_caption.commands.measurement.process import peak_mb


def main(name: str, folder: str, *numbers: str) -> int:
    """Prepare a peer, or caption each frame twice with it; prints its highest memory in MB, or one line of why not."""
    try:
        if numbers == ("prepare",):
            PEERS[name].prepare(Path(folder))
        else:
            threads, steps = map(int, numbers)
            say = PEERS[name].load(Path(folder), threads)
            for frame in [*frames(), *frames()]:
                say(frame, steps)
    except (ImportError, PeerError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    print(peak_mb())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
