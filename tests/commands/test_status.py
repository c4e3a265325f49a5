"""`edge-caption status` asks a node that runs in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from edge_caption.commands.cli import main
from edge_caption.commands.status import _lines
from edge_caption.errors import ConfigError, OutboxError
from edge_caption.mqtt.broker import free_port
from edge_caption.node.identity import outbox_path
from edge_caption.node.status_socket import StatusSocket, ask, socket_path
from edge_caption.records import Health
from tests.brokers import wait_for
from tests.node.test_metrics import HEALTH


def test_a_running_node_tells_how_it_does_and_one_that_ended_is_named(
    tmp_path: Path, tiny_bundle: Path, demo_photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state-dir", str(tmp_path / "state"), "--node", "pi"]
    command = [
        sys.executable,
        "-m",
        "edge_caption",
        "run",
        *state,
        "--bundle",
        str(tiny_bundle),
        "--fps",
        "20",
        "--loop",
    ]
    command += ["--source", str(demo_photos[0].parent), "--broker", f"mqtt://127.0.0.1:{free_port()}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    listening = socket_path(outbox_path(tmp_path / "state", "pi"))
    try:
        wait_for(listening.exists)
        assert stat.S_IMODE(listening.stat().st_mode) == 0o600
        wait_for(lambda: main(["status", *state, "--json"]) == 0 and _captions(capsys) > 3)
        assert main(["status", *state]) == 0
        out = capsys.readouterr().out
        assert out.startswith("node         pi, up for ")
        assert "camera       online, " in out
        assert "stages       preprocess " in out
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert not listening.exists()
    assert main(["status", *state]) == 1
    assert f"no node runs at {listening}" in capsys.readouterr().err


def _captions(capsys: pytest.CaptureFixture[str]) -> int:
    return int(json.loads(capsys.readouterr().out)["captions"])


def test_a_folder_that_no_node_has_used_is_named_and_stays_unused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--state-dir", str(tmp_path / "none")]) == 1
    assert "no node has run with the state directory" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_socket_left_by_a_killed_node_is_taken_over_and_a_path_too_long_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left = tmp_path / "status.sock"
    left.touch()
    StatusSocket(left, lambda: HEALTH).close()
    assert not left.exists()
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    StatusSocket(deep / "status.sock", lambda: HEALTH).close()
    assert "choose a shorter --state-dir" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_may_not_ask() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let nobody else in
        Path(name).chmod(0o755)
        status = StatusSocket(Path(name) / "status.sock", lambda: HEALTH)
        script = (
            "import os, sys; from edge_caption.node.status_socket import ask; from pathlib import Path; "
            "os.setuid(65534); ask(Path(sys.argv[1]))"
        )
        command = [sys.executable, "-c", script, f"{name}/status.sock"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        status.close()
        assert "this user may not ask the node" in done.stderr


def test_a_disk_that_refuses_for_once_does_not_end_the_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Health | OutboxError] = [OutboxError("the disk refuses"), HEALTH]

    def health() -> Health:
        answer = answers.pop(0)
        if isinstance(answer, OutboxError):
            raise answer
        return answer

    listening = StatusSocket(tmp_path / "status.sock", health)
    with pytest.raises(ConfigError, match=r"can't tell how it does; see its log"):
        ask(tmp_path / "status.sock")
    assert "gets no answer: the disk refuses" in caplog.text
    assert ask(tmp_path / "status.sock") == HEALTH
    listening.close()


def test_what_each_gate_held_back_is_told() -> None:
    camera = msgspec.structs.replace(HEALTH.cameras["porch"], held={"motion": 64, "blank": 14})
    lines = list(_lines(msgspec.structs.replace(HEALTH, cameras={"porch": camera, "hall": HEALTH.cameras["porch"]})))
    assert lines[-2].endswith("reconnects; held back: motion 64, blank 14")
    assert lines[-1].endswith("reconnects")
