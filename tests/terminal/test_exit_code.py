"""How a program ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import PHOTOS

WITHIN_OPENCV = """
import atexit, sys, threading, time
import cv2, numpy as np

def work():
    picture = np.zeros((300, 300, 3), np.uint8)
    while True:
        cv2.GaussianBlur(picture, (5, 5), 1)

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
atexit.register(lambda: print("tidied up"))
"""


@pytest.mark.parametrize(("photo", "code"), [(PHOTOS[0], 0), ("none.jpg", 1)])
def test_a_thread_that_is_left_behind_within_a_library_does_not_abort_the_program(photo: object, code: int) -> None:
    script = (
        f"{WITHIN_OPENCV}\nfrom edge_caption.commands.cli import main\n"
        f"sys.argv = ['edge-caption', 'caption', {str(photo)!r}]\nsys.exit(main())"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, "terminate" in done.stderr) == (code, False)
        assert done.stdout.endswith("tidied up\n")
        assert ("none.jpg can't be read" in done.stderr) == bool(code)
