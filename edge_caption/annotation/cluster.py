"""Captions by Ray Data, on this machine or a cluster; the photos' folder has the same path on all of its machines."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_caption.annotation.workers import Annotation, Unreadable
from edge_caption.errors import BackendError, ConfigError

LOCAL = "local"

BATCH = 16
"""Photos that an actor gets at once."""

KNOCK_S = 5.0

Rows = dict[str, list[Any]]
"""Columns of a batch."""


def caption_by_ray(
    folder: Path, names: Sequence[str], model: Mapping[str, Any], address: str
) -> Generator[Annotation | Unreadable, None, None]:
    """Caption photos; yields each as it is done, in no order.

    Args:
        folder: of the photos.
        names: of the photos in it.
        model: the captioner's options.
        address: of a cluster, as `ray.init` takes it; LOCAL: processes of this machine.

    Raises:
        ConfigError: Ray is not installed, or nobody is at the address.
        BackendError: it gave up; its own log says more.
    """
    ray = _join(address)
    try:
        from ray.exceptions import RayError

        if not names:
            return
        try:
            for row in _captioned(ray, folder, names, model).iter_rows():
                yield _result(row)
        except RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise BackendError(f"Ray gave up ({reason}); start again to go on") from None
    finally:
        ray.shutdown()


def _join(address: str) -> Any:
    """Return Ray, connected."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    if address == LOCAL:
        # Ray listens to the network even on one machine. Nobody else knows the token.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    try:
        import ray
        import ray.data
    except ImportError:
        raise ConfigError("--ray needs Ray; run: pip install 'edge-caption[ray]' (Python 3.10 to 3.13)") from None
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == LOCAL:
        quiet |= {"num_cpus": len(os.sched_getaffinity(0)), "include_dashboard": False}
    try:
        _knock(address)
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError, OverflowError) as error:  # the last: of a port
        reason = getattr(error, "strerror", None) or str(error).strip().split("\n")[0]
        raise ConfigError(f"no Ray cluster answers at {address} ({reason}); start one: ray start --head") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    return ray


def _knock(address: str) -> None:
    """See that somebody is there: Ray itself would try for minutes.

    Raises:
        OSError: nobody is.
    """
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()


def _captioned(ray: Any, folder: Path, names: Sequence[str], model: Mapping[str, Any]) -> Any:
    """Return the dataset; an actor a core."""
    actors = max(1, min(int(ray.cluster_resources().get("CPU", 1)), len(names)))
    blocks = min(len(names), max(actors * 4, len(names) // 1000))
    photos = ray.data.from_items([{"file": os.fsencode(name)} for name in names], override_num_blocks=blocks)
    return photos.map_batches(
        Actor,
        fn_constructor_args=(str(folder.absolute()), dict(model)),
        batch_size=BATCH,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=actors),
    )


class Actor:
    """Captions batches in a process of its own, with one thread."""

    def __init__(self, folder: str, model: Mapping[str, Any]) -> None:
        """Load the model."""
        from edge_caption.images.photos import keep_opencv_in_one_thread
        from edge_caption.model.captioner import Captioner

        keep_opencv_in_one_thread()
        self._folder = Path(folder)
        self._captioner = Captioner(**model, threads=1)

    def __call__(self, batch: Mapping[str, Any]) -> Rows:
        """Return a row for each photo."""
        rows = [self._caption(bytes(file)) for file in batch["file"]]
        return {column: [row[column] for row in rows] for column in rows[0]}

    def _caption(self, file: bytes) -> dict[str, Any]:
        from edge_caption.errors import PhotoError

        row = {"file": file, "caption": "", "confidence": 0.0, "language": "", "reason": ""}
        try:
            said = self._captioner.caption(self._folder / os.fsdecode(file))
        except PhotoError as error:
            return row | {"reason": str(error)}
        return row | {"caption": said.text, "confidence": round(said.confidence, 4), "language": said.language}


def _result(row: Mapping[str, Any]) -> Annotation | Unreadable:
    file = os.fsdecode(row["file"])
    if row["reason"]:
        return Unreadable(file, row["reason"])
    return Annotation(file, row["caption"], float(row["confidence"]), row["language"])
