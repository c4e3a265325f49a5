"""OpenVINO beside ONNX Runtime, on the same bundles."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_caption.commands.cli import main
from edge_caption.errors import BackendError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from edge_caption.model.backends import BACKENDS
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.bundle import FLAVOUR_OF_MACHINE, open_bundle
from edge_caption.model.captioner import Captioner
from edge_caption.model.decoder import Decoder, greedy
from edge_caption.model.encoder import Encoder
from edge_caption.model.preprocess import to_input
from tests.close_call import CLOSE_CALL, parting

if not BACKENDS["openvino"].installed:
    pytest.skip("needs OpenVINO: pip install 'edge-caption[openvino]'", allow_module_level=True)

from edge_caption.model.backends.openvino import OpenVinoSession

FLAVOURS = sorted({*FLAVOUR_OF_MACHINE.values()})


def decibel(signal: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return 10 * float(np.log10(np.square(signal).sum() / max(np.square(signal - other).sum(), 1e-20)))


@pytest.mark.parametrize("flavour", ["fp32", *FLAVOURS])
@pytest.mark.parametrize("beam", [1, 3])
def test_a_small_model_says_the_same_words(tiny_bundle: Path, demo_photos: list[Path], flavour: str, beam: int) -> None:
    ours, reference = (
        Captioner(tiny_bundle, flavour=flavour, backend=backend, beam=beam) for backend in ("openvino", "onnxruntime")
    )
    assert (ours.model.flavour, ours.model.backend) == (flavour, "openvino+onnxruntime")
    assert reference.model.backend == "onnxruntime"
    for photo in demo_photos:
        one, other = ours.caption(photo), reference.caption(photo)
        assert one.text == other.text
        assert one.log_prob == pytest.approx(other.log_prob, abs=1e-3)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_shipped_model_sees_the_same_and_parts_at_close_calls_alone(demo_photos: list[Path], flavour: str) -> None:
    # Each rounds INT8 its own way, and over some fifty layers that adds up; both are as near to fp32.
    bundle = open_bundle()
    _, encoder, decoder = bundle.graphs(flavour)
    ours, reference = Encoder(OpenVinoSession(encoder, 1)), Encoder(OnnxSession(encoder, 1))
    speaker = Decoder(OnnxSession(decoder, 1))
    for photo in demo_photos:
        image = to_input(read_photo(photo), bundle.manifest.sizes.side)
        one, other = reference(image), ours(image)
        for name in ("regions", "keys", "state"):
            assert decibel(getattr(one, name), getattr(other, name)) > 18
        said, theirs = (greedy(speaker, seen, 20).tokens for seen in (one, other))
        assert parting(speaker, one, said, theirs) < CLOSE_CALL


def test_one_session_serves_many_threads(tiny_bundle: Path) -> None:
    captioner = Captioner(tiny_bundle, backend="openvino", threads=1)
    noise = np.random.default_rng(4).integers(0, 255, (24, 64, 64, 3), np.uint8)
    alone = [captioner.caption(pixels).log_prob for pixels in noise]
    assert len(set(alone)) > 1
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda pixels: captioner.caption(pixels).log_prob, noise))
    assert together == alone


def test_a_picture_is_not_kept_and_results_are_not_overwritten(tiny_bundle: Path) -> None:
    _, graph, _ = open_bundle(tiny_bundle).graphs("fp32")
    session = OpenVinoSession(graph, 1)
    image = np.zeros((1, 224, 224, 3), np.uint8)
    image.setflags(write=False)
    black = session.run(image=image)
    copy = [part.copy() for part in black]
    white = session.run(image=np.full((1, 224, 448, 3), 255, np.uint8)[:, :, ::2])
    assert not np.allclose(white[0], copy[0])
    for part, expected in zip(black, copy, strict=True):
        assert (part == expected).all()


def test_openvino_reports_to_nobody(tiny_bundle: Path, demo_photos: list[Path], tmp_path: Path) -> None:
    script = (
        "import sys, threading; from edge_caption import Captioner;"
        "print(Captioner(sys.argv[1], backend='openvino').caption(sys.argv[2]).text != '',"
        "sys.modules['openvino_telemetry'], threading.active_count())"
    )
    # Its reports wait until nobody says that this is a test server, and begin with a file in the home folder.
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    command = [sys.executable, "-c", script, str(tiny_bundle), str(demo_photos[0])]
    assert subprocess.check_output(command, env=environment, text=True) == "True None 1\n"
    assert not (tmp_path / "intel").exists()


def test_no_more_threads_than_asked_for(tiny_bundle: Path, picture: Pixels) -> None:
    threads = Path("/proc/self/task")
    if not threads.exists():
        pytest.skip("needs /proc to count threads")
    before = len(list(threads.iterdir()))
    Captioner(tiny_bundle, backend="openvino", threads=1).caption(picture)
    # The caller's own thread computes.
    assert len(list(threads.iterdir())) <= before


def test_a_graph_that_it_cannot_read_is_refused_in_one_sentence(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    for graph in (tiny_bundle / "decoder.cpu.onnx", tmp_path / "broken.onnx"):
        with pytest.raises(BackendError, match=r"OpenVINO 20.* can't run .*onnx \(.+\); use the backend") as caught:
            OpenVinoSession(graph, 1)
        assert "\n" not in str(caught.value)


def test_the_command_line_takes_it(
    tiny_bundle: Path, demo_photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for backend in ("onnxruntime", "openvino"):
        assert main(["caption", "--bundle", str(tiny_bundle), "--backend", backend, str(demo_photos[0])]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert main(["model", "list", str(tiny_bundle)]) == 0
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert ["cpu-arm", "openvino"] in lines
