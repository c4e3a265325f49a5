"""The first NVIDIA GPU, through the driver's own library.

Every driver brings libcuda.so.1, on a Jetson as on a desktop, so ctypes is enough and no package is needed. TensorRT
works in the device's primary context, and so does this. It must be asked before TensorRT is: without a driver some
versions of TensorRT crash the process.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from typing import Any

from numpy.typing import NDArray

from edge_caption.errors import BackendError

LIBRARY = "libcuda.so.1"

# From cuda.h (CUdevice_attribute).
COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76

_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_int,),
    "cuDeviceGet": (c_void_p, c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (c_void_p, c_int, c_int),
    "cuDevicePrimaryCtxRetain": (c_void_p, c_int),
    "cuCtxSetCurrent": (c_void_p,),
    "cuStreamCreate": (c_void_p, c_int),
    "cuStreamSynchronize": (c_void_p,),
    "cuMemAlloc_v2": (c_void_p, c_size_t),
    "cuMemcpyHtoDAsync_v2": (c_void_p, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_void_p, c_size_t, c_void_p),
}
"""Functions of the driver and their parameters; pointers to memory of the device are 64 bits, like any others."""


class Gpu:
    """A GPU, with a stream to work in."""

    def __init__(self) -> None:
        """Find it.

        Raises:
            BackendError: there is no driver or no GPU.
        """
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise BackendError(f"there is no NVIDIA driver here ({error}); use the backend onnxruntime") from error
        self._declare()
        self._call("cuInit", 0)
        device, context, stream = c_int(), c_void_p(), c_void_p()
        self._call("cuDeviceGet", byref(device), 0)
        self.name = self._name(device)
        """As the driver calls it, with its compute capability: `Orin 8.7`."""
        self._call("cuDevicePrimaryCtxRetain", byref(context), device)
        self._context = context
        self.enter()
        self._call("cuStreamCreate", byref(stream), 0)
        self._stream = stream

    @property
    def stream(self) -> int:
        """The stream's handle."""
        return self._stream.value or 0

    def enter(self) -> None:
        """Let the calling thread work with this GPU."""
        self._call("cuCtxSetCurrent", self._context)

    def allocate(self, size: int) -> int:
        """Return the address of so many bytes on the device; they are kept as long as the process."""
        address = c_void_p()
        self._call("cuMemAlloc_v2", byref(address), max(size, 1))
        return address.value or 0

    def copy_in(self, address: int, array: NDArray[Any]) -> None:
        """Begin to copy a contiguous array to the device; leave it alone until `wait`."""
        self._call("cuMemcpyHtoDAsync_v2", address, array.ctypes.data, array.nbytes, self._stream)

    def copy_out(self, array: NDArray[Any], address: int) -> None:
        """Begin to fill a contiguous array from the device; it is full after `wait`."""
        self._call("cuMemcpyDtoHAsync_v2", array.ctypes.data, address, array.nbytes, self._stream)

    def wait(self) -> None:
        """Wait until everything that was begun is done."""
        self._call("cuStreamSynchronize", self._stream)

    def _declare(self) -> None:
        try:
            for name, arguments in _ARGUMENTS.items():
                getattr(self._library, name).argtypes = arguments
        except AttributeError as error:
            raise BackendError(f"{LIBRARY} is no NVIDIA driver, or an old one ({error}); update it") from error

    def _name(self, device: c_int) -> str:
        name, major, minor = ctypes.create_string_buffer(256), c_int(), c_int()
        self._call("cuDeviceGetName", name, len(name), device)
        self._call("cuDeviceGetAttribute", byref(major), COMPUTE_CAPABILITY_MAJOR, device)
        self._call("cuDeviceGetAttribute", byref(minor), COMPUTE_CAPABILITY_MINOR, device)
        return f"{name.value.decode()} {major.value}.{minor.value}"

    def _call(self, function: str, *arguments: Any) -> None:
        if code := getattr(self._library, function)(*arguments):
            text = c_char_p()
            self._library.cuGetErrorString(code, byref(text))
            reason = text.value.decode() if text.value else "unknown"
            raise BackendError(
                f"the NVIDIA driver refuses {function} (error {code}: {reason}); use the backend onnxruntime"
            )
