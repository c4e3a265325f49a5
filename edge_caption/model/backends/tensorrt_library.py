"""Whichever TensorRT is installed: `tensorrt` (JetPack's and NVIDIA's system package) or `tensorrt_rtx` (PyPI)."""

from __future__ import annotations

import functools
import importlib
import logging
import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from edge_caption.errors import BackendError

RTX = "tensorrt_rtx"
"""TensorRT-RTX. It builds without a GPU, and the same for each GPU from Ampere on: kernels follow when it runs."""

NAMES = ("tensorrt", RTX)

OLDEST, NEWEST = (10, 3), (11,)
"""Versions of `tensorrt` that are known: JetPack 6.1's, and the newest whose interface was read."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Library:
    """A TensorRT that was loaded. There is one logger a process, for TensorRT keeps the first that it gets."""

    module: ModuleType
    name: str
    logger: Any
    errors: list[str] = field(default_factory=list)
    """What it complained of since this was last emptied."""

    @property
    def version(self) -> str:
        """Name and version, which an engine is tied to."""
        return f"{self.name} {self.module.__version__}"

    @property
    def is_rtx(self) -> bool:
        """Whether it needs no GPU to build, and no timing."""
        return self.name == RTX

    def reason(self) -> str:
        """Return the first line of its first complaint, and forget all."""
        reason = self.errors[0].splitlines()[0] if self.errors else "it does not say why"
        self.errors.clear()
        return reason


@functools.cache
def load_library(names: tuple[str, ...] = NAMES) -> Library:
    """Import the first of these that is installed; with a GPU only after `Gpu` found one, for some versions crash.

    Raises:
        BackendError: none is installed, or it is of an unknown version, or it can't be loaded.
    """
    for name in names:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        except (ImportError, OSError, RuntimeError) as error:
            raise BackendError(f"{name} is installed but can't be loaded ({error}); install it anew") from error
        _check_version(name, module.__version__)
        errors: list[str] = []
        return Library(module, name, _logger(module, errors), errors)
    raise BackendError(
        f"{' or '.join(names)} is not installed; a Jetson has it in JetPack (make the virtual environment with "
        "--system-site-packages), elsewhere: pip install 'edge-caption[tensorrt]'"
    )


def _check_version(name: str, version: str) -> None:
    major_minor = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if name != RTX and not OLDEST <= major_minor < (NEWEST[0] + 1,):
        raise BackendError(f"TensorRT {version} is not known here; use 10.3 to 11, or the backend onnxruntime")


def _logger(module: Any, errors: list[str]) -> Any:
    class Logger(module.ILogger):  # type: ignore[misc]
        """Collects what goes wrong, for one sentence about it, and passes the rest on."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in (module.ILogger.Severity.ERROR, module.ILogger.Severity.INTERNAL_ERROR):
                errors.append(message)
            log.debug("%s", message)

    return Logger()
