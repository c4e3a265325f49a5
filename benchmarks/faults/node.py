"""`edge-caption` with short waits between connections; seconds would make each schedule minutes long.

python -m benchmarks.faults.node run …
"""

from __future__ import annotations

import sys

from edge_caption.backoff import Backoff
from edge_caption.commands.cli import main
from edge_caption.mqtt import client as client_file

WAITS = {"Backoff": lambda *_: Backoff(0.02, 0.2), "LASTING_S": 0.2, "FIGHT_WAIT_S": 0.1}

if __name__ == "__main__":
    vars(client_file).update(WAITS)
    sys.exit(main())
