"""TensorRT engines on disk: built once a device, found again by what they depend on.

A file is a line of JSON, which says what the engine is, and then the engine. It appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_caption.errors import BackendError
from edge_caption.files import own_folder, write_whole
from edge_caption.model.backends.tensorrt_builder import FLAGS, Progress, build, read_graph, silently
from edge_caption.model.backends.tensorrt_library import Library
from edge_caption.text import decode_json

ANY_GPU = "any GPU from Ampere on"
"""What TensorRT-RTX builds for, whichever it is on."""

log = logging.getLogger(__name__)


class EngineError(BackendError):
    """The engine's file can't be used; build it again."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that an engine depends on."""

    graph_sha256: str
    library: str
    """Name and version of TensorRT."""
    gpu: str
    flags: str = FLAGS


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line before the engine."""

    key: Key
    sha256: str
    """Of the engine."""
    outputs: list[str]
    """In the graph's order."""


@dataclass(frozen=True)
class Engine:
    """What TensorRT makes a session of."""

    data: bytes
    outputs: list[str]
    file: Path


def engine_folder() -> Path:
    """Return where engines are kept."""
    return own_folder("XDG_CACHE_HOME", ".cache") / "engines"


def find_or_build(graph: Path, library: Library, gpu: str | None, progress: Progress = silently) -> tuple[Engine, bool]:
    """Return a graph's engine, and whether it was built just now.

    An engine of another version, for another GPU, or of an altered file is built anew, with a word in the log.

    Args:
        graph: the ONNX file.
        gpu: what it is to run on; None where there is none, which only TensorRT-RTX can build for.

    Raises:
        BackendError: the graph can't be read or built, or the engine can't be written.
    """
    data = read_graph(graph)
    key = key_of(data, library, gpu)
    file = engine_folder() / file_name(graph, key)
    try:
        return read_engine(file, key), False
    except FileNotFoundError:
        pass
    except EngineError as error:
        log.warning("%s (which is done now)", error)
    return _build(data, graph, library, key, file, progress), True


def key_of(graph: bytes, library: Library, gpu: str | None) -> Key:
    """Return what an engine is known by.

    Raises:
        BackendError: there is no GPU, and this TensorRT can't build without one.
    """
    if library.is_rtx:
        gpu = ANY_GPU
    if gpu is None:
        raise BackendError(f"{library.version} builds on the GPU that is to run the engine; run this there")
    return Key(hashlib.sha256(graph).hexdigest(), library.version, gpu)


def file_name(graph: Path, key: Key) -> str:
    """Return the file that holds the newest engine of this graph for this GPU; an update takes its place."""
    return f"{graph.stem}-{key.graph_sha256[:12]}-{key.library.split()[0]}-{_plain(key.gpu)}.engine"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", name)


def read_engine(file: Path, key: Key) -> Engine:
    """Read an engine.

    Raises:
        FileNotFoundError: there is none.
        EngineError: it can't be read, is altered or cut short, or depends on something else.
    """
    try:
        line, _, data = file.read_bytes().partition(b"\n")
        header = decode_json(line, Header)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise EngineError(f"the engine {file} can't be read ({error.strerror}); build it again") from error
    except msgspec.DecodeError as error:
        raise EngineError(f"the engine {file} is altered or cut short; build it again") from error
    for name in Key.__struct_fields__:
        if (theirs := getattr(header.key, name)) != (ours := getattr(key, name)):
            raise EngineError(f"the engine {file} is for {theirs}, not {ours}; build it again")
    if hashlib.sha256(data).hexdigest() != header.sha256:
        raise EngineError(f"the engine {file} is altered or cut short; build it again")
    return Engine(data, header.outputs, file)


def _build(data: bytes, graph: Path, library: Library, key: Key, file: Path, progress: Progress) -> Engine:
    log.info("building the engine of %s for %s with %s, which may take minutes", graph.name, key.gpu, key.library)
    timings = file.with_name(f"{_plain(key.library)}-{_plain(key.gpu)}.timings")
    built = build(library, data, graph.name, _read_if_there(timings), progress)
    header = Header(key, hashlib.sha256(built.engine).hexdigest(), built.outputs)
    _write(file, msgspec.json.encode(header) + b"\n" + built.engine)
    if built.timings:
        _write(timings, built.timings)
    return Engine(built.engine, built.outputs, file)


def _read_if_there(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _write(file: Path, data: bytes) -> None:
    try:
        write_whole(file, data)
    except OSError as error:
        raise BackendError(f"{file} can't be written ({error.strerror}); free space or set XDG_CACHE_HOME") from error
