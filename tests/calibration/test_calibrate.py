from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto

from calibration.calibrate import calibrate
from calibration.graphs import load_graphs
from calibration.observe import Observed, watched_tensors
from calibration.table import CalibrationError, Table, load_table
from edge_caption.errors import BundleError, ConfigError, PhotoError
from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input

Graphs = tuple[ModelProto, ModelProto]


def test_ranges_hold_every_output_of_every_photo(graphs: Graphs, photos: list[Path]) -> None:
    table = calibrate(*graphs, photos, "minmax")
    session = onnxruntime.InferenceSession(graphs[0].SerializeToString())
    outputs = [session.run(None, {"image": to_input(read_photo(photo), 224)}) for photo in photos]
    for name, values in zip(("regions", "keys", "state"), zip(*outputs, strict=True), strict=True):
        low, high = table.ranges["encoder"][name]
        assert (low, high) == pytest.approx((np.min(values), np.max(values)), abs=1e-4)


def test_the_decoder_is_watched_in_states_that_occur(graphs: Graphs, photos: list[Path]) -> None:
    ranges = calibrate(*graphs, photos, "minmax").ranges["decoder"]
    assert -1.00001 < ranges["next_state"][0] < ranges["next_state"][1] < 1.00001
    assert ranges["attention"][0] >= 0
    # The first state comes from the encoder, the others from the decoder: inputs cover both.
    assert ranges["state"][1] >= ranges["next_state"][1] * 0.9
    assert "log_probs" in ranges


def test_the_same_photos_give_the_same_table(graphs: Graphs, photos: list[Path]) -> None:
    first, second = (calibrate(*graphs, photos[:4], "percentile") for _ in range(2))
    assert first.encode() == second.encode()


def test_memory_does_not_grow_with_the_photos(graphs: Graphs, photos: list[Path]) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        calibrate(*graphs, photos[:count], "percentile")
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(2)  # what is imported or cached on first use
    assert peak(24) < peak(3) * 1.1


def test_an_observed_session_returns_what_the_graph_returns(graphs: Graphs, photos: list[Path]) -> None:
    seen: list[set[str]] = []
    image = to_input(read_photo(photos[0]), 224)
    outputs = Observed(graphs[0], [lambda activations: seen.append(set(activations))]).run(image=image)
    expected = onnxruntime.InferenceSession(graphs[0].SerializeToString()).run(None, {"image": image})
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(outputs, expected, strict=True))
    assert seen == [{*watched_tensors(graphs[0]), "regions", "keys", "state"}]


def test_what_only_feeds_a_clamp_is_not_watched(graphs: Graphs) -> None:
    watched = watched_tensors(graphs[0])
    clamped = [node.input[0] for node in graphs[0].graph.node if node.op_type in {"Clip", "Relu"}]
    assert clamped
    assert not set(clamped) & set(watched)


@pytest.fixture(scope="module")
def table(graphs: Graphs, photos: list[Path]) -> Table:
    return calibrate(*graphs, photos[:2], "minmax")


def test_a_table_survives_its_file(table: Table, tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_bytes(table.encode())
    assert load_table(tmp_path / "calibration.json") == table


def test_the_table_of_another_model_is_refused(table: Table, graphs: Graphs) -> None:
    table.check(*graphs)
    other = ModelProto()
    other.CopyFrom(graphs[0])
    other.graph.initializer[0].raw_data = bytes(len(other.graph.initializer[0].raw_data))
    with pytest.raises(CalibrationError, match="another model"):
        table.check(other, graphs[1])


def test_a_table_of_other_preprocessing_is_refused(table: Table, graphs: Graphs, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_bytes(table.encode().replace(table.preprocessing.encode(), b"crop-999"))
    with pytest.raises(CalibrationError, match="crop-999"):
        load_table(file).check(*graphs)


def clamped(encoder: ModelProto) -> str:
    return next(str(node.output[0]) for node in encoder.graph.node if node.op_type == "Clip")


@pytest.mark.parametrize(
    ("tamper", "lacks"),
    [
        (lambda table, tensor: table.ranges["encoder"].pop(tensor), "sound range"),
        (lambda table, _: table.ranges.clear(), "sound range"),
        (lambda table, tensor: table.ranges["encoder"].update({tensor: (6.0, 0.0)}), "sound range"),
        (lambda table, tensor: table.ranges["encoder"].update({tensor: (0.0, float("inf"))}), "sound range"),
        (lambda table, tensor: table.ranges["encoder"].update({tensor: (-1.0, 6.0)}), "sound range"),
        (lambda table, tensor: table.means["encoder"].update({tensor: [0.5]}), "mean for each channel"),
        (lambda table, tensor: table.means["encoder"][tensor].append(float("inf")), "mean for each channel"),
        (lambda table, _: table.means.clear(), "mean for each channel"),
    ],
)
def test_a_tampered_table_is_refused(
    tamper: Callable[[Table, str], object], lacks: str, table: Table, graphs: Graphs
) -> None:
    mine = msgspec.json.decode(table.encode(), type=Table)
    tamper(mine, clamped(graphs[0]))
    with pytest.raises(CalibrationError, match=f"lacks a {lacks} of the encoder's .*; calibrate again"):
        mine.check(*graphs)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\x01", b'{"method": 3}'])
def test_a_damaged_table_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "calibration.json"
    file.write_bytes(content)
    with pytest.raises(CalibrationError, match="not a calibration table"):
        load_table(file)


def test_no_photos_and_unknown_methods_are_refused(graphs: Graphs, photos: list[Path]) -> None:
    with pytest.raises(ConfigError, match="needs photos"):
        calibrate(*graphs, [], "minmax")
    with pytest.raises(ConfigError, match="entropy"):
        calibrate(*graphs, photos, "entropy")


def test_a_broken_photo_is_named(graphs: Graphs, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        calibrate(*graphs, [tmp_path / "broken.jpg"], "minmax")


def test_an_altered_bundle_is_refused(tiny_bundle: Path) -> None:
    encoder = tiny_bundle / "encoder.fp32.onnx"
    data = bytearray(encoder.read_bytes())
    data[-100] ^= 1
    encoder.write_bytes(data)
    with pytest.raises(BundleError, match=r"encoder\.fp32\.onnx is not the file that manifest\.json names"):
        load_graphs(tiny_bundle)


def test_a_decoder_under_the_encoders_name_is_refused(tiny_bundle: Path) -> None:
    manifest = tiny_bundle / "manifest.json"
    (tiny_bundle / "manifest.sha256").unlink()
    manifest.write_text(manifest.read_text().replace('"encoder": "encoder.fp32', '"encoder": "decoder.fp32'))
    with pytest.raises(BundleError, match=r"is not the graph that manifest\.json describes"):
        load_graphs(tiny_bundle)


def test_a_bundle_without_fp32_is_refused(tiny_bundle: Path) -> None:
    manifest = tiny_bundle / "manifest.json"
    (tiny_bundle / "manifest.sha256").unlink()
    manifest.write_text(manifest.read_text().replace('"fp32": {', '"other": {'))
    with pytest.raises(CalibrationError, match="has no flavour fp32; export it with --flavours fp32 first"):
        load_graphs(tiny_bundle)
