"""Does a bundle caption here? Run as a program, so that one that crashes takes nobody with it.

    python -m edge_caption.model.selftest OPTIONS

OPTIONS is JSON: what `Captioner` takes. Nothing is printed when all is well, else one sentence.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from edge_caption.errors import BundleError, EdgeCaptionError
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner

PHOTOS = Path(__file__).parent.parent / "demo" / "photos"

LONGEST_S = 180.0
"""Of the whole test, the start of the program included. The slowest boards take a tenth."""


def self_test(options: Mapping[str, Any]) -> None:
    """Caption the shipped photos in a process of its own.

    Args:
        options: what `Captioner` takes; paths as text.

    Raises:
        BundleError: it can't, crashes, takes too long, or says nothing of use.
    """
    command = [sys.executable, "-m", __name__, msgspec.json.encode(options, enc_hook=str).decode()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        raise BundleError(f"the self-test took more than {LONGEST_S:g} s") from None
    except OSError as error:
        raise BundleError(f"the self-test can't be started: {error.strerror}") from None
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip().split("\n")[-1]
        raise BundleError(said or f"the self-test crashed ({_how(done.returncode)})")


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def check(captioner: Captioner) -> None:
    """Caption the shipped photos.

    Raises:
        BundleError: what is said is of no use.
    """
    captions = [captioner.caption(photo) for photo in sorted(PHOTOS.glob("*.jpg"))]
    for caption in captions:
        if fault := fault_of(caption):
            raise BundleError(f"of a shipped photo {fault}")
    if len({caption.text for caption in captions}) == 1:
        raise BundleError(f"of every shipped photo it says {captions[0].text!r}")


def fault_of(caption: Caption) -> str | None:
    """Tell what makes a caption one that no sound bundle says; None where nothing does."""
    if not caption.text.strip():
        return "it says nothing"
    if not (math.isfinite(caption.log_prob) and 0 <= caption.confidence <= 1):
        return f"it says {caption.text!r} with no probability"
    return None


def main(options: str) -> int:
    """Test; returns 0, or prints what is wrong and returns 1."""
    try:
        check(Captioner(**msgspec.json.decode(options, type=dict[str, Any])))
    except EdgeCaptionError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
