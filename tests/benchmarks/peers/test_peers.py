from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from benchmarks.peers.installed import installed_bytes
from benchmarks.peers.measure import measure
from benchmarks.peers.registry import PEERS
from edge_caption.commands.measurement.frames import frames


def test_peers_take_turns_and_each_has_a_process_of_its_own() -> None:
    found = measure(["edge-caption eager", "GIT-base"], rounds=1, threads=1)
    leader, eager, *others = found["peers"].values()
    assert eager["median_ms"] > 1.5 * leader["median_ms"]
    # What ships needs no torch; the other process imports it.
    assert leader["peak_rss_mb"] < 0.7 * eager["peak_rss_mb"]
    assert eager["disk_bytes"] > 3 * leader["disk_bytes"]
    assert leader["installed_bytes"] < eager["installed_bytes"]
    if importlib.util.find_spec("transformers"):
        assert others[0]["median_ms"] > eager["median_ms"]
    else:
        assert "transformers" in found["left_out"]["GIT-base"]


def test_the_classic_peer_says_a_word_a_step(tmp_path: Path) -> None:
    said = PEERS["ResNet-101 + LSTM"].load(tmp_path, 1)(frames()[0], 3)
    assert len(said) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["GIT-base", "distilvit", "BLIP-base", "SmolVLM-256M"])
def test_a_peer_says_as_many_tokens_as_it_is_told(name: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install --group peers")
    say = PEERS[name].load(tmp_path, 1)
    short, long = (say(frames()[0], steps) for steps in (2, 5))
    assert long.shape[1] - short.shape[1] == 3  # type: ignore[attr-defined]


def test_a_package_counts_once_with_all_that_it_brings() -> None:
    assert installed_bytes(["onnxruntime"]) > 30e6
    assert installed_bytes(["onnxruntime", "numpy"]) == installed_bytes(["onnxruntime"])
