"""argparse's parser, but discreet."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from edge_caption.text import printable

SECRET = re.compile(r"(?:\S+|//[^;]*)(?<!//user:password)(?<!//USER)@\S*|(?<=://)\S*[/?]\S*")
"""Words with a login, and what follows a URL's `://` where that is more than a host: its path and query may hold a
password, too. Not the examples in our own sentences."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong without repeating what may be secret; the parsers of commands are of this class, too."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with 2."""
        super().error(printable(SECRET.sub("…", message)))
