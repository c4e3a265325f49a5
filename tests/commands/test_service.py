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


def analyzed(folder: Path, unit: str) -> None:
    """Let systemd look at a unit."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    (folder / "edge-caption.service").write_text(unit)
    command = [analyze, "verify", str(folder / "edge-caption.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "edge-caption.service" in line] == []


def test_the_unit_is_hardened_and_systemd_finds_no_fault(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["service", "install", "--print", "--config", str(settings)]) == 0
    unit = capsys.readouterr().out
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", "Type=notify", "WatchdogSec=60"):
        assert f"\n{line}\n" in unit
    assert f"LoadCredential=settings.toml:{settings}" in unit
    analyzed(tmp_path, unit)


def test_cameras_stay_within_reach(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["service", "install", "--print", "--config", str(settings)]) == 0
    names = {line.partition("=")[0] for line in capsys.readouterr().out.splitlines()}
    # Each of these lets the service use no device but those that are listed; ProtectClock up to systemd 252.
    assert not names & {
        "PrivateDevices",
        "ProtectClock",
        "DevicePolicy",
        "DeviceAllow",
        "PrivateUsers",
        "PrivateNetwork",
    }


def test_a_path_is_written_so_that_systemd_takes_it_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "50% of all"
    folder.mkdir()
    (folder / "s.toml").write_text('[camera]\nsource = "0"\n')
    assert main(["service", "install", "--print", "--config", str(folder / "s.toml")]) == 0
    unit = capsys.readouterr().out
    assert f"LoadCredential=settings.toml:{tmp_path}/50%% of all/s.toml\n" in unit
    analyzed(tmp_path, unit)
    (tmp_path / 'a"b').mkdir()
    (tmp_path / 'a"b' / "s.toml").write_text('[camera]\nsource = "0"\n')
    assert main(["service", "install", "--print", "--config", str(tmp_path / 'a"b' / "s.toml")]) == 1
    assert "systemd can't take the path" in capsys.readouterr().err


def test_a_program_that_the_service_could_not_reach_is_told(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "edge-caption").touch()
    tmp_path.chmod(0o755)
    unit = tmp_path / "edge-caption.service"
    monkeypatch.setattr("edge_caption.commands.service.UNIT", unit)
    monkeypatch.setattr("edge_caption.commands.service._check_rights", lambda: None)
    monkeypatch.setattr("sys.executable", str(hidden / "python"))
    assert main(["service", "install", "--config", str(settings)]) == 1
    assert f"the service's user may not enter {hidden}" in capsys.readouterr().err
    assert not unit.exists()


def test_wrong_settings_are_found_before_the_unit_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edge-caption.toml"
    file.write_text("[camera]\nfsp = 2\n")
    assert main(["service", "install", "--print", "--config", str(file)]) == 1
    assert "unknown setting camera.fsp; did you mean fps?" in capsys.readouterr().err


def test_a_camera_without_a_source_is_found_before_the_unit_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text, sentence in (
        ('node = "pi"', "no camera is given"),
        ('[[cameras]]\nname = "porch"\nsource = 0\n[[cameras]]\nname = "hall"', "the camera hall has no source"),
    ):
        (tmp_path / "s.toml").write_text(text)
        assert main(["service", "install", "--print", "--config", str(tmp_path / "s.toml")]) == 1
        assert sentence in capsys.readouterr().err


def test_a_system_without_systemd_is_told_so(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["service", "install", "--config", str(settings)]) == 1
    assert "this system has no systemd" in capsys.readouterr().err
    assert main(["service", "remove"]) == 1
    assert "nothing is installed" in capsys.readouterr().err
