from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_caption.commands.cli import main
from edge_caption.model.backends import BACKENDS
from tests.conftest import without_gpu, write_manifest


def test_show_says_what_the_shipped_bundle_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["name"].startswith("edge-caption-home")
    assert lines["cpu-x86"].startswith("7.07 MB, cider 0.")
    assert "Flickr8k" in lines["trained"]


def test_show_names_a_file_that_the_manifest_leaves_out(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(tiny_bundle, "files", {})
    assert main(["model", "show", str(tiny_bundle)]) == 1
    assert "manifest.json does not name encoder." in capsys.readouterr().err


def test_show_as_json_is_the_manifest(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show", str(tiny_bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["languages"] == {"en": " ", "zh": ""}


def test_show_leaves_out_what_is_no_figure(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(tiny_bundle, "quality", {"cpu-x86": {"cider": "high", "bleu_4": 0.25}})
    assert main(["model", "show", str(tiny_bundle)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cpu-x86")]
    assert line.endswith("MB, bleu_4 0.250")


def rewrite(bundle: Path, name: str, value: Any) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    write_manifest(bundle, {**manifest, name: value})


def test_verify_finds_a_graph_of_another_bundle(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graphs = {"encoder": "decoder.fp32.onnx", "decoder": "encoder.fp32.onnx"}
    rewrite(tiny_bundle, "flavours", {"fp32": graphs})
    assert main(["model", "verify", str(tiny_bundle)]) == 1
    assert "decoder.fp32.onnx is not the graph that manifest.json describes (has token" in capsys.readouterr().err


def test_verify_finds_the_file_that_was_altered(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "verify", str(tiny_bundle)]) == 0
    assert "is whole" in capsys.readouterr().out
    (tiny_bundle / "encoder.cpu-arm.onnx").write_bytes(b"another")
    assert main(["model", "verify", str(tiny_bundle)]) == 1
    assert "encoder.cpu-arm.onnx is not the file that manifest.json names" in capsys.readouterr().err


def test_verify_finds_what_can_not_go_together(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads((tiny_bundle / "manifest.json").read_text())
    for name, value, says in (
        ("decoding", {"language": "fr"}, "speaks 'fr' by default, but not at all"),
        ("decoding", {"not_last": ["zebra"]}, "lets no sentence end with 'zebra', which the vocabulary lacks"),
        ("decoding", {"length_penalty": -1}, "is damaged"),
        ("languages", {"en": " ", "zh": "", "fr": " "}, "speaks 'fr', for which the vocabulary has no beginning"),
        ("files", {"a\0b": {"sha256": "", "size": 1}}, r"names 'a\x00b', which no file can be called"),
        ("decoding", {}, "has no manifest.sha256"),
    ):
        write_manifest(tiny_bundle, {**whole, name: value})
        if not value:
            (tiny_bundle / "manifest.sha256").unlink()
        assert main(["model", "verify", str(tiny_bundle)]) == 1
        assert says in capsys.readouterr().err


def test_list_times_what_runs_here(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "list", str(tiny_bundle)]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith(f"{tiny_bundle.name}: tiny, version ")
    run = [tuple(line.split()[:2]) for line in lines]
    assert [flavour for flavour, backend in run if backend == "onnxruntime"] == ["cpu-arm", "cpu-x86", "fp32"]
    assert {backend for _, backend in run} == {
        name for name, backend in BACKENDS.items() if backend.installed and "fp32" in backend.flavours
    }
    assert all("ms a photo" in line for line in lines)
    assert sum("default here" in line for line in lines) == 1


@without_gpu
def test_list_says_why_a_flavour_does_not_run(tensorrt_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    assert main(["model", "list", str(tensorrt_bundle)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines()[1:] if line.split()[1] == "tensorrt"]
    assert [line.split()[0] for line in lines] == ["trt", "fp16"]
    assert all("does not run here: there is no NVIDIA driver" in line for line in lines)


def test_what_is_no_bundle_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("show", "verify", "list"):
        assert main(["model", part, str(tmp_path)]) == 1
        assert capsys.readouterr().err.count("\n") == 1
