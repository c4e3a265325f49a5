"""Every way of choosing ranges, from photos to a bundle that captions."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

from calibration.calibrate import calibrate
from calibration.ranges import METHODS
from calibration.table import load_table
from edge_caption.model.captioner import Captioner
from export.flavours import make_flavours
from export.write_bundle import write_bundle
from tests.export.conftest import Exported


def test_each_method_has_a_table_of_its_own_that_exports_and_runs(exported: Exported, tmp_path: Path) -> None:
    tables = {}
    for method in METHODS:
        made = calibrate(exported.encoder, exported.decoder, exported.photos[:2], method)
        (tmp_path / f"{method}.json").write_bytes(made.encode())
        table = tables[method] = load_table(tmp_path / f"{method}.json")
        table.check(exported.encoder, exported.decoder)
        model = make_flavours(exported.encoder, exported.decoder, table, ("cpu-x86",))
        (tmp_path / method).mkdir()
        write_bundle(replace(exported.contents, model=model, table=table), ("cpu-x86",), "card", tmp_path / method)
        assert Captioner(tmp_path / method, flavour="cpu-x86", threads=1).caption(exported.photos[0]).words
    for one, other in combinations(tables.values(), 2):
        assert one.ranges != other.ranges, f"{one.method} is {other.method}"
