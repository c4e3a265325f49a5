"""TensorRT on an NVIDIA GPU."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_caption.errors import BackendError
from edge_caption.model.backends.cuda import Gpu
from edge_caption.model.backends.engines import find_or_build
from edge_caption.model.backends.session import MAX_BEAMS, Arrays
from edge_caption.model.backends.tensorrt_library import load_library

TYPES = {"FLOAT": np.float32, "HALF": np.float16, "INT64": np.int64, "INT32": np.int32, "UINT8": np.uint8}
"""TensorRT's names of the types that graphs take and give."""


class TensorRTSession:
    """A graph in TensorRT."""

    def __init__(self, graph: Path) -> None:
        """Find its engine, or build it first, which may take minutes.

        Raises:
            BackendError: there is no GPU, no TensorRT, or it can't run the graph.
        """
        self._gpu = Gpu()
        library = load_library()
        engine, _ = find_or_build(graph, library, self._gpu.name)
        self._library, self._names = library, engine.outputs
        self._runtime = library.module.Runtime(library.logger)
        self._engine = self._runtime.deserialize_cuda_engine(engine.data)
        if self._engine is None:
            raise BackendError(f"{library.version} can't load the engine {engine.file} ({library.reason()}); remove it")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise BackendError(f"{library.version} can't run {engine.file} ({library.reason()}); free memory")
        self._types = {name: self._type(name) for name in self._tensors()}
        self._allocate()
        # A context works on one run at a time.
        self._free = threading.Lock()

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order."""
        with self._free:
            self._gpu.enter()
            # Kept in a variable: the copies below go on after their calls return.
            given = {name: np.ascontiguousarray(array, self._types[name]) for name, array in inputs.items()}
            for name, array in given.items():
                self._set_shape(name, array.shape)
                self._gpu.copy_in(self._addresses[name], array)
            outputs = [np.empty(tuple(self._context.get_tensor_shape(name)), self._types[name]) for name in self._names]
            if not self._context.execute_async_v3(self._gpu.stream):
                raise BackendError(f"{self._library.version} failed ({self._library.reason()}); restart")
            for name, array in zip(self._names, outputs, strict=True):
                self._gpu.copy_out(array, self._addresses[name])
            self._gpu.wait()
        return outputs

    def _tensors(self) -> list[str]:
        return [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]

    def _type(self, name: str) -> Any:
        return TYPES[self._engine.get_tensor_dtype(name).name]

    def _allocate(self) -> None:
        """Give each tensor a place on the GPU that is large enough for the most rows."""
        inputs = [name for name in self._tensors() if name not in self._names]
        for name in inputs:
            shape = tuple(self._engine.get_tensor_shape(name))
            self._set_shape(name, tuple(MAX_BEAMS if size < 0 else size for size in shape))
        self._addresses: dict[str, int] = {}
        for name in [*inputs, *self._names]:
            size = math.prod(self._context.get_tensor_shape(name)) * np.dtype(self._types[name]).itemsize
            self._addresses[name] = self._gpu.allocate(size)
            self._context.set_tensor_address(name, self._addresses[name])

    def _set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        if not self._context.set_input_shape(name, shape):
            raise BackendError(f"{name} can't have the shape {shape} ({self._library.reason()}); use fewer beams")
