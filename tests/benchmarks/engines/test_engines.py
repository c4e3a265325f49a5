from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.engines import measure as engines
from edge_caption.errors import BackendError
from edge_caption.model.backends.session import Session


def refuse(graph: Path, threads: int) -> Session:
    """Be an engine that can't."""
    raise BackendError(f"{graph} has an operator that is unknown")


def test_engines_take_turns_and_one_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {name: engines.ENGINES[name] for name in (engines.LEADER, "ONNX Runtime, signed")}
    monkeypatch.setattr(engines, "ENGINES", tried | {"other": engines.Engine("cpu-arm", "other", refuse)})
    found = engines.measure(None, rounds=2, threads=1)
    signed = found["encoder"]["ONNX Runtime, signed"]
    # The same weights; sums of unsigned and of signed bytes are rounded differently.
    assert 15 < signed["least_db"] < 60
    assert signed["median_ms"] > 0
    assert found["encoder"]["other"] == {"failed": "encoder.cpu-arm.onnx has an operator that is unknown"}
    assert list(found["decoder"]) == [engines.LEADER, "other"]


def test_litert_computes_what_onnx_runtime_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert", reason="pip install --group engines")
    tried = {name: engines.ENGINES[name] for name in (engines.LEADER, "LiteRT, XNNPACK")}
    monkeypatch.setattr(engines, "ENGINES", tried)
    found = engines.measure(None, rounds=1, threads=1)
    assert found["encoder"]["LiteRT, XNNPACK"]["least_db"] > 20
    assert "MatMulNBits is not converted" in found["decoder"]["LiteRT, XNNPACK"]["failed"]
