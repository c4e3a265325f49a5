"""Peers that were written as INT8 ONNX, in ONNX Runtime; without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.peers.peer import Say, to_array
from edge_caption.images.frame import Pixels

GRAPHS = ("encoder.onnx", "decoder.onnx")


def load(folder: Path, threads: int, side: int) -> Say:
    """Load an encoder and a decoder that sees all words so far at each step."""
    encoder, decoder = (open_graph(folder / name, threads) for name in GRAPHS)

    def say(frame: Pixels, steps: int) -> object:
        (regions,) = encoder.run(None, {"pixels": to_array(frame, side)})
        said = np.ones((1, 1), np.int64)
        for _ in range(steps):
            (word,) = decoder.run(None, {"words": said, "seen": regions})
            said = np.append(said, word[:, np.newaxis], 1)
        return said

    return say


def open_graph(file: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
