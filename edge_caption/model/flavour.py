"""A bundle's two graphs on a backend."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_caption.errors import BackendError, BundleError
from edge_caption.model.backends import BACKENDS, Backend, open_session
from edge_caption.model.backends.session import Session
from edge_caption.model.bundle import Bundle, Shape, check_shapes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedFlavour:
    """A flavour that is ready to run."""

    flavour: str
    backend: str
    """What runs it; the encoder's and the decoder's where they differ: `openvino+onnxruntime`."""
    encoder: Session
    decoder: Session


def load_flavour(bundle: Bundle, flavour: str | None, backend: str, threads: int) -> LoadedFlavour:
    """Load a flavour.

    Args:
        flavour: the one that suits the backend and this machine if None.
        backend: a key of BACKENDS.
        threads: of the encoder.

    Raises:
        BundleError: the bundle lacks the flavour, a file is wrong, or a graph is not what the manifest says.
        BackendError: the backend is not installed, or can't run the flavour.
    """
    chosen = BACKENDS[backend]
    flavour, encoder, decoder = bundle.graphs(flavour or suiting_flavour(bundle, chosen))
    return LoadedFlavour(
        flavour,
        "+".join(dict.fromkeys((backend, chosen.decoder))),
        _open(backend, encoder, threads, bundle.manifest.sizes.encoder()),
        # A step is too little work to share: waking a second thread costs more than it saves.
        _open(chosen.decoder, decoder, 1, bundle.manifest.sizes.decoder()),
    )


def _open(backend: str, graph: Path, threads: int, shapes: dict[str, Shape]) -> Session:
    session = open_session(backend, graph, threads)
    # Only ONNX Runtime's sessions tell.
    check_shapes(graph, getattr(session, "shapes", shapes), shapes)
    return session


def load_first(bundle: Bundle, flavour: str | None, backends: Sequence[str], threads: int) -> LoadedFlavour:
    """Load a flavour on the first of several backends that can, and say so in the log where that is not the first.

    Raises:
        BundleError: the bundle lacks the flavour, or a file is wrong.
        BackendError: the last backend can't run it either.
    """
    backend, *others = backends
    try:
        return load_flavour(bundle, flavour, backend, threads)
    except BackendError as error:
        if not others:
            raise
        log.warning("%s: %s; going on with %s, as told", backend, error, others[0])
    return load_first(bundle, flavour, others, threads)


def suiting_flavour(bundle: Bundle, backend: Backend) -> str:
    """Return this machine's flavour if the backend suits it, else the backend's best of those in the bundle.

    Raises:
        BundleError: it has none of them.
    """
    own = bundle.default_flavour()
    if own in backend.flavours:
        return own
    for flavour in backend.flavours:
        if flavour in bundle.manifest.flavours:
            return flavour
    wanted = " or ".join(backend.flavours)
    raise BundleError(f"{bundle.folder} has no flavour {wanted}; export one (docs/export.md, docs/tensorrt.md)")
