"""`python -m edge_caption` is `edge-caption`."""

import sys

from edge_caption.cli import main

sys.exit(main())
