"""In programs of their own: how many heaps there are is settled once."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HEAPS = """
import ctypes, threading, sys
from edge_caption.images import allocator
{before}
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(9)
def use():
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
together.wait()
allocator.give_back_freed()
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


def heaps(before: str) -> int:
    command = [sys.executable, "-c", HEAPS.format(before=before)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_two_heaps() -> None:
    assert heaps("allocator.reuse_frames()") <= 2 < heaps("")


FAULTS = """
import resource, threading
import numpy as np
from edge_caption.images import allocator
{before}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def frames(count):
    for _ in range(count):
        frame, decoded = np.ones((720, 1280, 3), np.uint8), np.ones((720, 1280, 3), np.uint8)
        del decoded, frame
thread = threading.Thread(target=frames, args=(5,))
thread.start()
thread.join()
frames(5)
begun = faults()
frames(20)
print((faults() - begun) // 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_frame_takes_the_memory_of_the_one_before() -> None:
    def faults(before: str) -> int:
        command = [sys.executable, "-c", FAULTS.format(before=before)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert faults("allocator.reuse_frames()") < 10
    assert faults("") > 500  # two frames have 1,350 pages
