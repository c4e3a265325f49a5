"""A bundle's two graphs on a backend."""

from __future__ import annotations

from dataclasses import dataclass

from edge_caption.backends import BACKENDS, Backend, Session, open_session
from edge_caption.bundle import Bundle


@dataclass(frozen=True)
class Engine:
    """A flavour that is ready to run."""

    flavour: str
    backend: str
    """What runs it; the encoder's and the decoder's where they differ: `openvino+onnxruntime`."""
    encoder: Session
    decoder: Session


def open_engine(bundle: Bundle, flavour: str | None, backend: str, threads: int) -> Engine:
    """Load a flavour.

    Args:
        flavour: the one that suits the backend and this machine if None.
        backend: a key of BACKENDS.
        threads: of the encoder.

    Raises:
        BundleError: the bundle lacks the flavour, or a file is wrong.
        BackendError: the backend is not installed, or can't run the flavour.
    """
    chosen = BACKENDS[backend]
    flavour, encoder, decoder = bundle.graphs(flavour or _suiting(bundle, chosen))
    return Engine(
        flavour,
        "+".join(dict.fromkeys((backend, chosen.decoder))),
        open_session(backend, encoder, threads),
        # A step is too little work to share: waking a second thread costs more than it saves.
        open_session(chosen.decoder, decoder, 1),
    )


def _suiting(bundle: Bundle, backend: Backend) -> str:
    own = bundle.default_flavour()
    return own if own in backend.flavours else backend.flavours[0]
