"""`python -m edge_caption` is `edge-caption`."""

import sys

from edge_caption.commands.cli import main

sys.exit(main())
