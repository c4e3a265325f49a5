from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from benchmarks.tables.rows import TABLES
from edge_caption.commands.cli import main
from edge_caption.commands.measurement import device
from edge_caption.commands.measurement.device import Extent, Subject, measure
from edge_caption.commands.measurement.document import Document, read_document, spread
from edge_caption.commands.measurement.frames import PHOTOS
from edge_caption.commands.measurement.process import running
from edge_caption.commands.measurement.stages import slowdown
from edge_caption.commands.measurement.table import as_text, compare
from edge_caption.errors import ConfigError
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.settings import MqttSettings

SHORT = Extent(rounds=2, starts=1, load_s=0.5, loads=((2, 5.0),), energy_s=0.3)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A device measured for real: the tiny bundle, two cameras in a process of their own, an embedded broker."""
    pytest.importorskip("amqtt", reason="the embedded broker is not installed")
    tiny = Path(__file__).parent.parent / "data" / "tiny_bundle"
    return measure(Subject(tiny, threads=(1, 2), beams=(1, 2)), SHORT, lambda _: None)


def test_every_stage_of_every_setting_is_timed(document: Document) -> None:
    assert set(document.stages) == {"jpeg_decode", "preprocess", "commit", "publish"}
    assert all(stage.count == 4 and 0 < stage.p50 <= stage.p95 <= stage.p99 for stage in document.stages.values())
    assert [(search.threads, search.beams) for search in document.searches] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for search in document.searches:
        assert search.caption.p50 > search.encoder.p50 > 0
        assert search.decoder_step.count == round(search.steps * search.caption.count)


def test_the_node_is_watched_at_work(document: Document) -> None:
    (load,) = document.loads
    assert load.cameras == 2
    assert load.captions_per_s == pytest.approx(10, rel=0.4)
    assert 0 < load.cpu_share < 2
    assert document.start.first_caption_s > 0.05
    assert 30 < document.start.peak_rss_mb < 400


def test_the_document_names_the_processor_but_not_its_owner(document: Document, tmp_path: Path) -> None:
    text = msgspec.json.encode(document).decode()
    assert document.machine.processor
    assert document.machine.memory_mb > 100
    assert str(Path.home()) not in text
    assert "tiny_bundle" not in text


def test_a_document_is_compared_with_another(
    document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = msgspec.structs.replace(document.start, peak_rss_mb=2 * document.start.peak_rss_mb)
    files = [tmp_path / "before.json", tmp_path / "after.json"]
    files[0].write_bytes(msgspec.json.encode(document))
    files[1].write_bytes(b"measuring: stages\n" + msgspec.json.encode(msgspec.structs.replace(document, start=start)))
    assert main(["bench", "--compare", *map(str, files)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "slower" in line] == [line for line in lines if line.startswith("peak memory")]
    assert "2.00  slower" in "\n".join(lines)


def test_another_machine_is_named_first(document: Document) -> None:
    machine = msgspec.structs.replace(document.machine, processor="a faster one")
    assert compare(document, msgspec.structs.replace(document, machine=machine)).startswith("another machine: ")
    machine = msgspec.structs.replace(document.machine, board="Raspberry Pi 5")
    assert compare(document, msgspec.structs.replace(document, machine=machine)).startswith("another board: ")
    full = msgspec.structs.replace(document, quick=not document.quick)
    assert compare(document, full).startswith("another extent: ")
    model = msgspec.structs.replace(document.model, version="99")
    assert "tiny 99 (" in compare(document, msgspec.structs.replace(document, model=model))


def test_a_document_on_many_lines_is_read_and_one_of_another_version_refused(
    document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
    assert read_document(file) == document
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(document, schema=2)))
    assert main(["bench", "--compare", str(file), str(file)]) == 1
    assert "a.json has schema 2 and this program reads 1" in capsys.readouterr().err


def test_the_table_says_what_was_left_out(document: Document) -> None:
    reason = {"publish": "the embedded broker needs amqtt"}
    assert "publish was left out: the embedded" in as_text(msgspec.structs.replace(document, left_out=reason))


@pytest.mark.parametrize("text", ["", "{}", '{"benchmark": "latency"}', "no JSON", "[1]"])
def test_what_is_no_document_is_one_sentence(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    assert main(["bench", "--compare", str(file), str(file)]) == 1
    error = capsys.readouterr().err
    assert "other.json is not a document of edge-caption bench" in error
    assert error.count("\n") == 1


def test_a_broker_that_is_not_there_is_one_sentence(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_caption.commands.measurement.delivery.ANSWER_S", 0.2)
    nobody = MqttSettings(broker=Address("127.0.0.1", 9))
    with pytest.raises(ConfigError, match="does not acknowledge captions; check --broker"):
        measure(Subject(tiny_bundle, beams=(1,), broker=nobody), SHORT, lambda _: None)


def test_a_node_that_ends_without_a_caption_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no photo"), running([str(tmp_path)], fps=5.0) as node:
        node.wait_for(1)


def test_without_a_broker_all_but_publishing_is_measured(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    found = measure(Subject(tiny_bundle, beams=(1,)), SHORT, lambda _: None)
    assert set(found.stages) == {"jpeg_decode", "preprocess", "commit"}
    assert "amqtt" in found.left_out["publish"]


def test_energy_is_read_from_a_counter_of_joules(tiny_bundle: Path, tmp_path: Path) -> None:
    counter, stop = tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj", threading.Event()
    counter.parent.mkdir(parents=True)

    def write() -> None:
        """Count what 10 W come to."""
        fresh = counter.with_suffix(".new")
        fresh.write_text(str(int(time.monotonic() * 10e6)))
        fresh.replace(counter)

    def count() -> None:
        while not stop.wait(0.005):
            write()

    write()
    meter = threading.Thread(target=count)
    meter.start()
    try:
        energy = measure(Subject(tiny_bundle, beams=(1,)), SHORT, lambda _: None, tmp_path).energy
    finally:
        stop.set()
        meter.join()
    assert energy
    assert energy.idle_w == pytest.approx(10, rel=0.4)
    assert energy.busy_w == pytest.approx(10, rel=0.4)
    assert 0 < energy.joules_per_caption < 5


def test_a_document_that_is_sent_in_has_a_row(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.tables.rows.DEVICES", tmp_path)
    whole = msgspec.structs.replace(document, quick=False, searches=document.searches[::-1])
    (tmp_path / "a-board.json").write_bytes(msgspec.json.encode(whole))
    (row,) = TABLES["devices"](tmp_path)[1:]
    assert row[0] == f"[{document.machine.processor}](results/a-board.json)"
    assert float(row[1]) == pytest.approx(document.searches[0].caption.p50, abs=0.05)
    for rough in ({"quick": True}, {"searches": document.searches[1:]}):
        (tmp_path / "a-board.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(whole, **rough)))
        with pytest.raises(ConfigError, match=r"a-board\.json is no whole run, greedy included"):
            TABLES["devices"](tmp_path)


def test_a_node_that_falls_silent_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_caption.commands.measurement.process.SILENCE_S", 0.1)
    shutil.copy(PHOTOS / "walkers.jpg", tmp_path)
    with pytest.raises(ConfigError, match="says nothing for"), running([str(tmp_path)], fps=0.01) as node:
        node.wait_for(2)


def test_the_command_prints_one_line_of_json(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(device, "QUICK", SHORT)
    assert main(["bench", "--quick", "--bundle", str(tiny_bundle), "--threads", "1", "--beams", "1"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert json.loads(out)["quick"] is True
    assert "caption, 1 thread, greedy" in err
    (tmp_path / "mine.json").write_text(out)
    assert read_document(tmp_path / "mine.json").searches[0].threads == 1


def test_percentiles_are_by_nearest_rank_and_jitter_is_from_one_to_the_next() -> None:
    found = spread([float(number) for number in range(1, 101)])
    assert (found.p50, found.p95, found.p99, found.jitter, found.count) == (50, 95, 99, 1, 100)


def test_a_board_that_slows_down_shows() -> None:
    assert slowdown([1.0] * 8 + [2.0] * 8) == 2.0
    assert slowdown([3.0]) == 1.0
