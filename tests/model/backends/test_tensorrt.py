"""TensorRT as far as it goes without a GPU: TensorRT-RTX builds real engines, and nothing runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge_caption.errors import BackendError
from edge_caption.images.frame import Pixels
from edge_caption.model.backends.cuda import Gpu
from edge_caption.model.backends.engines import EngineError, engine_folder, find_or_build, key_of, read_engine
from edge_caption.model.backends.tensorrt_builder import build
from edge_caption.model.backends.tensorrt_library import RTX, Library, load_library
from edge_caption.model.captioner import Captioner
from tests.conftest import without_gpu


@pytest.fixture
def rtx() -> Library:
    pytest.importorskip(RTX, reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    return load_library((RTX,))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return engine_folder()


@without_gpu
def test_without_a_driver_there_is_a_sentence_and_no_crash(tensorrt_bundle: Path) -> None:
    with pytest.raises(BackendError, match=r"NVIDIA driver .*; use the backend onnxruntime") as caught:
        Captioner(tensorrt_bundle, backend="tensorrt")
    assert "\n" not in str(caught.value)


@without_gpu
def test_another_backend_takes_over_only_when_told_to(
    tensorrt_bundle: Path, picture: Pixels, caplog: pytest.LogCaptureFixture
) -> None:
    captioner = Captioner(tensorrt_bundle, backend="tensorrt,onnxruntime")
    assert captioner.model.backend == "onnxruntime"
    assert captioner.model.flavour.startswith("cpu-")
    assert captioner.caption(picture).text == Captioner(tensorrt_bundle).caption(picture).text
    assert "going on with onnxruntime, as told" in caplog.text


def test_a_library_that_is_no_driver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_caption.model.backends.cuda.LIBRARY", "libc.so.6")
    with pytest.raises(BackendError, match=r"libc\.so\.6 is no NVIDIA driver, or an old one"):
        Gpu()


def test_an_engine_is_built_once_and_found_again(tensorrt_bundle: Path, rtx: Library, cache: Path) -> None:
    graph = tensorrt_bundle / "encoder.trt.onnx"
    first, built = find_or_build(graph, rtx, None)
    again, rebuilt = find_or_build(graph, rtx, None)
    assert (built, rebuilt) == (True, False)
    assert again == first
    assert first.outputs == ["regions", "keys", "state"]
    assert [file.parent for file in cache.iterdir()] == [cache]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "altered": lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
    "cut short": lambda data: data[: len(data) // 2],
    "cut short in its first line": lambda data: data[:50],
    "empty": lambda data: b"",
    "something else": lambda data: b"\xff\x00" * 300,
}


def test_a_damaged_engine_is_refused_and_built_anew(
    tensorrt_bundle: Path, rtx: Library, caplog: pytest.LogCaptureFixture
) -> None:
    graph = tensorrt_bundle / "decoder.fp16.onnx"
    whole, _ = find_or_build(graph, rtx, None)
    data, key = whole.file.read_bytes(), key_of(graph.read_bytes(), rtx, None)
    for damage in DAMAGE.values():
        whole.file.write_bytes(damage(data))
        with pytest.raises(EngineError, match=r"the engine .* is altered or cut short; build it again"):
            read_engine(whole.file, key)
    again, built = find_or_build(graph, rtx, None)
    assert built
    assert "altered or cut short" in caplog.text
    assert read_engine(whole.file, key) == again


def test_an_engine_of_another_version_is_refused_and_built_anew(
    tensorrt_bundle: Path, rtx: Library, caplog: pytest.LogCaptureFixture
) -> None:
    graph = tensorrt_bundle / "encoder.fp16.onnx"
    engine, _ = find_or_build(graph, rtx, None)
    old = engine.file.read_bytes().replace(rtx.version.encode(), b"tensorrt_rtx 1.0.0", 1)
    engine.file.write_bytes(old)
    _, built = find_or_build(graph, rtx, None)
    assert built
    assert f"is for tensorrt_rtx 1.0.0, not {rtx.version}; build it again" in caplog.text


def test_all_that_an_engine_depends_on_is_compared(tensorrt_bundle: Path, rtx: Library) -> None:
    graph = tensorrt_bundle / "encoder.fp16.onnx"
    engine, _ = find_or_build(graph, rtx, None)
    key = key_of(graph.read_bytes(), rtx, None)
    for change in key.__struct_fields__:
        other = msgspec.structs.replace(key, **{change: "something else"})
        with pytest.raises(EngineError, match="not something else"):
            read_engine(engine.file, other)


def test_an_interrupted_build_leaves_nothing(tensorrt_bundle: Path, rtx: Library, cache: Path) -> None:
    def interrupt(phase: str, done: int, steps: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_or_build(tensorrt_bundle / "encoder.trt.onnx", rtx, None, interrupt)
    assert not cache.exists() or not list(cache.iterdir())


def test_an_engine_that_cannot_be_written_is_one_sentence(tensorrt_bundle: Path, rtx: Library, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(BackendError, match=r"can't be written .*; free space or set XDG_CACHE_HOME"):
        find_or_build(tensorrt_bundle / "encoder.trt.onnx", rtx, None)


def test_progress_counts_up_to_each_phases_end(tensorrt_bundle: Path, rtx: Library) -> None:
    seen: list[tuple[str, int, int]] = []
    graph = tensorrt_bundle / "decoder.fp16.onnx"
    build(rtx, graph.read_bytes(), graph.name, progress=lambda *step: seen.append(step))
    assert len({phase for phase, _, _ in seen}) > 3
    assert all(1 <= done <= steps for _, done, steps in seen)


@pytest.mark.parametrize("name", ["encoder.cpu-x86.onnx", "decoder.cpu.onnx", "vocabulary.json"])
def test_what_it_cannot_run_is_refused_in_one_sentence(tiny_bundle: Path, rtx: Library, name: str) -> None:
    with pytest.raises(BackendError, match=rf"can't run {name} \(.+\); it takes the flavours trt and fp16") as caught:
        build(rtx, (tiny_bundle / name).read_bytes(), name)
    assert "\n" not in str(caught.value)


def test_only_tensorrt_rtx_builds_without_a_gpu(rtx: Library) -> None:
    classic = Library(rtx.module, "tensorrt", rtx.logger)
    with pytest.raises(BackendError, match="builds on the GPU that is to run the engine"):
        key_of(b"", classic, None)
    assert key_of(b"", classic, "Orin 8.7").gpu == "Orin 8.7"


def test_what_is_not_installed_is_said_with_how_to_get_it() -> None:
    with pytest.raises(BackendError, match=r"no_such_tensorrt is not installed; .* pip install"):
        load_library(("no_such_tensorrt",))


@pytest.mark.parametrize(("version", "known"), [("10.2.0", False), ("10.3.0", True), ("11.2.1", True), ("12.0", False)])
def test_versions_from_10_3_to_11_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, known: bool
) -> None:
    name = f"tensorrt_{version.replace('.', '_')}"
    (tmp_path / f"{name}.py").write_text(f"class ILogger: pass\n__version__ = {version!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    if known:
        assert load_library((name,)).version == f"{name} {version}"
        return
    with pytest.raises(BackendError, match=f"TensorRT {version} is not known here; use 10.3 to 11"):
        load_library((name,))
