"""`auto`: which backend it takes, and which it leaves out. The backends here run real graphs, some of them wrongly."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_caption.config import load
from edge_caption.errors import BackendError, BundleError, ConfigError
from edge_caption.model.backends import BACKENDS, Backend
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.backends.session import Arrays, Session
from edge_caption.model.captioner import Captioner

Offer = Callable[..., None]


@pytest.fixture(autouse=True)
def only_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(BACKENDS) - {"onnxruntime"}:
        monkeypatch.delitem(BACKENDS, name)


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Install a backend called `other`."""

    def offer(session: Callable[[Path, int], Session], *flavours: str, decoder: str = "onnxruntime") -> None:
        known = flavours or ("cpu-x86", "cpu-arm", "fp32")
        monkeypatch.setitem(BACKENDS, "other", Backend(session, ("numpy",), known, decoder))

    return offer


class Remembering:
    """ONNX Runtime that computes nothing twice: much faster on the photo of the self-test."""

    def __init__(self, graph: Path, threads: int) -> None:
        self._session = OnnxSession(graph, threads)
        self._known: dict[bytes, Arrays] = {}

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        key = b"".join(value.tobytes() for value in inputs.values())
        if key not in self._known:
            self._known[key] = self._session.run(**inputs)
        return [part.copy() for part in self._known[key]]


class Slow(OnnxSession):
    def run(self, **inputs: NDArray[Any]) -> Arrays:
        time.sleep(0.02)
        return super().run(**inputs)


class ColourBlind(Remembering):
    def run(self, **inputs: NDArray[Any]) -> Arrays:
        return super().run(image=np.ascontiguousarray(inputs["image"][..., ::-1]))


class NotANumber(Remembering):
    def run(self, **inputs: NDArray[Any]) -> Arrays:
        return [part * np.float32(np.nan) for part in super().run(**inputs)]


class Crashing(OnnxSession):
    def run(self, **inputs: NDArray[Any]) -> Arrays:
        raise RuntimeError("the driver is gone")


class Babbling(Remembering):
    """Right of the photo, wrong of the words."""

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        outputs = super().run(**inputs)
        return outputs if "image" in inputs else [-outputs[0], *outputs[1:]]


def unable(graph: Path, threads: int) -> Session:
    raise BackendError(f"no device for {graph.name}")


def test_the_fastest_that_agrees_is_taken(tiny_bundle: Path, offer: Offer, picture: NDArray[np.uint8]) -> None:
    offer(Remembering, decoder="other")
    captioner = Captioner(tiny_bundle, backend="auto", threads=1)
    assert captioner.model.backend == "other"
    assert captioner.caption(picture).text == Captioner(tiny_bundle).caption(picture).text


@pytest.mark.parametrize("session", [OnnxSession, Slow])
def test_no_clear_gain_is_no_reason_to_switch(
    tiny_bundle: Path, offer: Offer, session: type[OnnxSession], caplog: pytest.LogCaptureFixture
) -> None:
    offer(session)
    with caplog.at_level(logging.INFO):
        assert Captioner(tiny_bundle, backend="auto", threads=1).model.backend == "onnxruntime"
    assert "auto chose onnxruntime, a photo takes: onnxruntime " in caplog.text
    assert "other+onnxruntime " in caplog.text


@pytest.mark.parametrize(
    ("session", "decoder", "reason"),
    [
        (unable, "onnxruntime", "no device for encoder"),
        (Crashing, "onnxruntime", "the driver is gone"),
        (ColourBlind, "onnxruntime", "its regions of a test photo have"),
        (NotANumber, "onnxruntime", "its regions of a test photo have -inf dB"),
        (Babbling, "other", "it says another sentence of a test photo than onnxruntime"),
    ],
)
def test_a_backend_that_does_not_prove_itself_is_left_out(
    tiny_bundle: Path,
    offer: Offer,
    session: Callable[[Path, int], Session],
    decoder: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    offer(session, decoder=decoder)
    assert Captioner(tiny_bundle, backend="auto", threads=1).model.backend == "onnxruntime"
    (record,) = caplog.records
    assert record.getMessage().startswith(f"auto leaves other out: {reason}")


def test_a_backend_takes_only_flavours_that_suit_it(tiny_bundle: Path, offer: Offer) -> None:
    offer(Remembering, "cpu-arm")
    assert Captioner(tiny_bundle, backend="other").model.flavour == "cpu-arm"
    assert Captioner(tiny_bundle, backend="auto", flavour="fp32").model.backend == "onnxruntime"


def test_a_flavour_that_the_bundle_lacks_leaves_its_backend_out(
    tiny_bundle: Path, offer: Offer, caplog: pytest.LogCaptureFixture
) -> None:
    offer(Remembering, "gpu")
    assert Captioner(tiny_bundle, backend="auto").model.backend == "onnxruntime"
    assert "has no flavour gpu" in caplog.text
    with pytest.raises(BundleError, match="has no flavour gpu"):
        Captioner(tiny_bundle, backend="other")


def test_a_name_that_is_no_backend_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(ConfigError, match="there is no backend 'tensor'; choose one of: onnxruntime, auto"):
        Captioner(tiny_bundle, backend="tensor")


def test_the_settings_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[model]\nbackend = 'auto'\n")
    assert load(tmp_path / "settings.toml", {}, {}).model.backend == "auto"
    assert load(None, {}, {}).model.backend is None


@pytest.mark.parametrize("broken", ["import nonexistent_library", "raise OSError('libtbb.so.12: cannot open')"])
def test_a_package_that_does_not_load_costs_a_sentence(
    tiny_bundle: Path, demo_photos: list[Path], tmp_path: Path, broken: str
) -> None:
    (tmp_path / "openvino.py").write_text(broken)
    command = [sys.executable, "-m", "edge_caption", "caption", "--bundle", str(tiny_bundle), str(demo_photos[0])]
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    alone, asked, auto = (
        subprocess.run(
            [*command, *options], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
        )
        for options in ([], ["--backend", "openvino"], ["--backend", "auto"])
    )
    assert alone.returncode == auto.returncode == 0
    assert alone.stdout == auto.stdout
    assert alone.stderr == ""
    assert auto.stderr.startswith("auto leaves openvino out: the backend openvino can't be loaded (")
    assert asked.returncode == 1
    assert asked.stderr.startswith("edge-caption: error: the backend openvino can't be loaded (")
    assert asked.stderr.endswith("; pip install 'edge-caption[openvino]'\n")
