from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.energy import joules, spent
from benchmarks.peers.installed import installed_bytes
from benchmarks.peers.measure import measure
from benchmarks.peers.registry import OTHERS
from benchmarks.peers.resnet_lstm import AttentionLstm, Backbone
from edge_caption.commands.measurement.frames import frames
from edge_caption.model.bundle import DEFAULT


def test_peers_take_turns_and_each_has_a_process_of_its_own(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.symlink_to(DEFAULT)
    found = measure([Path("accurate"), other], ["eager", "GIT-base"], rounds=1, threads=1)
    leader, second, eager, *others = found["peers"].values()
    assert list(found["peers"])[:3] == ["accurate INT8", "other INT8", "accurate eager"]
    assert second["disk_bytes"] == leader["disk_bytes"]
    assert eager["median_ms"] > 1.5 * leader["median_ms"]
    # What ships needs no torch; the other process imports it.
    assert leader["peak_rss_mb"] < 0.7 * eager["peak_rss_mb"]
    assert eager["disk_bytes"] > 3 * leader["disk_bytes"]
    assert leader["installed_bytes"] < eager["installed_bytes"]
    if importlib.util.find_spec("transformers"):
        assert others[0]["median_ms"] > eager["median_ms"]
    else:
        assert "transformers" in found["left_out"]["GIT-base"]


def test_a_bundle_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peers", "--bundle", "nowhere", "--only", "eager", "--rounds", "1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("benchmarks: error: nowhere is not a bundle")
    assert error.count("\n") == 1


def test_the_classic_peer_says_a_word_a_step(tmp_path: Path) -> None:
    said = OTHERS["ResNet-101 + LSTM"].load(tmp_path, 1)(frames()[0], 3)
    assert len(said) == 3  # type: ignore[arg-type]


def test_the_classic_peer_runs_in_int8(tmp_path: Path) -> None:
    peer = OTHERS["ResNet-101 + LSTM INT8"]
    peer.prepare(tmp_path)
    # A quarter of fp32's 252 MB: what is on disk is INT8.
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 80e6
    assert len(peer.load(tmp_path, 1)(frames()[0], 3)) == 3  # type: ignore[arg-type]


def test_its_pooling_is_the_tutorials() -> None:
    planes = torch.randn(1, 3, 8, 8)
    means = Backbone(AttentionLstm()).means
    torch.testing.assert_close(means @ planes @ means.T, torch.nn.AdaptiveAvgPool2d(14)(planes))


def test_git_in_two_parts_says_what_git_says() -> None:
    pytest.importorskip("transformers", reason="pip install --group peers")
    from benchmarks.peers.git import SIDE, Picture, Text, _model

    torch.manual_seed(0)
    model, pixels = _model().eval(), torch.randn(1, 3, SIDE, SIDE)
    seen = Picture(model.git)(pixels).last_hidden_state
    for words in (torch.tensor([[101, 5]]), torch.tensor([[101, 5, 77, 900, 3]])):
        whole = model(input_ids=words, pixel_values=pixels, use_cache=False).logits[:, -1]
        parts = Text(model)(words, torch.ones_like(words), seen).logits[:, -1]
        torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


def test_energy_is_what_lies_between_two_readings(tmp_path: Path) -> None:
    counter = tmp_path / "energy_uj"
    assert joules(counter) is None
    counter.write_text("3500000\n")
    assert joules(counter) == 3.5
    assert spent(3.5, 5.0) == 1.5
    assert spent(3.5, 0.1) is None  # it began again
    assert spent(None, 5.0) is None


@pytest.mark.parametrize("name", ["GIT-base", "distilvit", "BLIP-base", "SmolVLM-256M"])
def test_a_peer_says_as_many_tokens_as_it_is_told(name: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install --group peers")
    say = OTHERS[name].load(tmp_path, 1)
    short, long = (say(frames()[0], steps) for steps in (2, 5))
    assert long.shape[1] - short.shape[1] == 3  # type: ignore[attr-defined]


def test_a_package_counts_once_with_all_that_it_brings() -> None:
    assert installed_bytes(["onnxruntime"]) > 30e6
    assert installed_bytes(["onnxruntime", "numpy"]) == installed_bytes(["onnxruntime"])
