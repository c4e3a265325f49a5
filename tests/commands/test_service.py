from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edge_caption.commands.cli import main


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "edge-caption.toml"
    file.write_text('[camera]\nsource = "0"\n')
    return file


def test_the_unit_is_hardened_and_systemd_finds_no_fault(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["service", "install", "--print", "--config", str(settings)]) == 0
    unit = capsys.readouterr().out
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", "Type=notify", "WatchdogSec=60"):
        assert f"\n{line}\n" in unit
    assert f"LoadCredential=settings.toml:{settings}" in unit
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "edge-caption.service").write_text(unit)
    done = subprocess.run(
        [analyze, "verify", str(tmp_path / "edge-caption.service")], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "edge-caption.service" in line]
    assert complaints == []


def test_wrong_settings_are_found_before_the_unit_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edge-caption.toml"
    file.write_text("[camera]\nfsp = 2\n")
    assert main(["service", "install", "--print", "--config", str(file)]) == 1
    assert "unknown setting camera.fsp; did you mean fps?" in capsys.readouterr().err


def test_a_system_without_systemd_is_told_so(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["service", "install", "--config", str(settings)]) == 1
    assert "this system has no systemd" in capsys.readouterr().err
    assert main(["service", "remove"]) == 1
    assert "nothing is installed" in capsys.readouterr().err
