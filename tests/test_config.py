from __future__ import annotations

import pwd
import subprocess
from pathlib import Path

import pytest

from edge_caption.cameras.source import Source
from edge_caption.config import load
from edge_caption.errors import ConfigError
from edge_caption.model.backends.engines import engine_folder
from edge_caption.mqtt.settings import PASSWORD_VARIABLE
from edge_caption.node.settings import Settings, default_state_dir


def read(tmp_path: Path, text: str, environment: dict[str, str] | None = None, **options: object) -> Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load(file, options, environment or {})


def test_every_setting_can_stand_in_the_file(tmp_path: Path) -> None:
    text = """
        node = "porch-pi"
        prefix = "home"
        state_dir = "~/captions"
        [camera]
        source = "rtsp://u:p@cam/1"
        name = "porch"
        fps = 2
        loop = true
        open_timeout_s = 3
        no_frame_s = 4.5
        same_frame_s = 0
        [mqtt]
        broker = "mqtts://me@broker"
        protocol = "3.1.1"
        health_s = 60
        [model]
        bundle = "/models/x"
        flavour = "cpu-arm"
        beam = 3
        threads = 2
        [outbox]
        max_messages = 10
        max_bytes = 1000
        [gate]
        min_confidence = 0.4
    """
    settings = read(tmp_path, text)
    assert settings.state_dir == Path.home() / "captions"
    assert (settings.cameras[0].fps, settings.cameras[0].no_frame_s, settings.cameras[0].loop) == (2, 4.5, True)
    assert (settings.mqtt.broker.host, settings.mqtt.broker.port, settings.mqtt.broker.tls) == ("broker", 8883, True)
    assert (settings.model.beam, settings.outbox.max_messages) == (3, 10)
    assert settings.gate.min_confidence == 0.4


def test_options_override_the_file_and_absent_ones_do_not(tmp_path: Path) -> None:
    settings = read(tmp_path, "[camera]\nfps = 2\nname = 'porch'", camera={"fps": 5, "name": None}, node=None)
    assert (settings.cameras[0].fps, settings.cameras[0].name) == (5, "porch")


def test_an_option_of_a_gate_overrides_what_a_camera_says(tmp_path: Path) -> None:
    text = """
        [gate]
        motion = 0.1
        min_confidence = 0.1
        [[cameras]]
        name = "porch"
        gate = { min_confidence = 0.2, scene = 0.3 }
        [[cameras]]
        name = "hall"
    """
    porch, hall = (camera.gate for camera in read(tmp_path, text).cameras)
    assert (porch.min_confidence, hall.min_confidence, porch.motion, hall.motion) == (0.2, 0.1, 0.1, 0.1)
    for camera in read(tmp_path, text, gate={"min_confidence": 0.5}).cameras:
        assert (camera.gate.min_confidence, camera.gate.motion) == (0.5, 0.1)
    assert read(tmp_path, text, gate={"min_confidence": None}).cameras[0].gate == porch


def test_two_sources_of_one_name_are_told_wherever_they_stand(tmp_path: Path) -> None:
    file = "[[cameras]]\nname = 'porch'\nsource = 0\n[[cameras]]\nname = 'hall'\nsource = 1"
    given = [{"name": name, "source": Source(source)} for name, source in (("yard", "2"), ("hall", "3"), ("hall", "4"))]
    one = read(tmp_path, file, cameras=given[:2]).cameras
    assert [(camera.name, str(camera.source)) for camera in one] == [("porch", "0"), ("hall", "3"), ("yard", "2")]
    for text in (file, ""):
        with pytest.raises(ConfigError, match="two cameras are named hall"):
            read(tmp_path, text, cameras=given)
    with pytest.raises(ConfigError, match=r"cameras\[0\]\.name: expected text in quotes, got a list"):
        read(tmp_path, "[[cameras]]\nname = ['porch']", cameras=given[:1])


def test_a_camera_index_may_be_a_number(tmp_path: Path) -> None:
    source = read(tmp_path, "[camera]\nsource = 0").cameras[0].source
    assert source is not None
    assert source.address == "0"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[camera]\nfsp = 2", "unknown setting camera.fsp; did you mean fps?"),
        ("nodes = 'x'", "unknown setting nodes; did you mean node?"),
        ("[outbox]\nzzz = 2", "unknown setting outbox.zzz; known are max_messages, max_bytes"),
        ("[camera]\nfps = 'fast'", "camera.fps: expected a number, got text in quotes"),
        ("[camera]\nfps = 0", "camera.fps: expected a number > 0.0"),
        ("[camera]\nno_frame_s = inf", "camera.no_frame_s: expected a number <= 1000000000.0"),
        ("[camera]\nsame_frame_s = inf", "camera.same_frame_s: expected a number <= 1000000000.0"),
        ("[gate]\nmax_interval_s = inf", "gate.max_interval_s: expected a number <= 1000000000.0"),
        ("[mqtt]\nhealth_s = inf", "mqtt.health_s: expected a number <= 1000000000.0"),
        ("[camera]\nloop = 1", "camera.loop: expected true or false, got a whole number"),
        ("camera = 1", "camera: expected a table, got a whole number; begin it with [camera]"),
        ("[mqtt]\nbroker = 1883", "mqtt.broker: expected text in quotes, got a whole number"),
        ("[mqtt]\nbroker = 'localhost:1883'", "mqtt.broker: the broker's address is wrong"),
        ("[mqtt]\nprotocol = '4'", "mqtt.protocol: invalid value '4'; choose one of: 5, 3.1.1"),
        ("[mqtt]\nprotocol = 5", "mqtt.protocol: expected text in quotes, got a whole number"),
        ("[model]\nbeam = 0", "model.beam: expected a whole number >= 1"),
        ("[gate]\nmin_confidence = 40", "gate.min_confidence: expected a number <= 1.0"),
        ("node = 'a/b'", "node 'a/b' has '/' in it"),
        ("node = ''", "node is empty"),
        ("[camera]\nname = 'a+'", "camera.name 'a+' has '+' in it"),
        ("[camera\n", "is not TOML: "),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "settings.toml" in str(caught.value) or text.startswith(("node", "[camera]\nname"))


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml", {}, {})


@pytest.mark.parametrize(
    ("broker", "file", "sentence"),
    [
        ("mqtts://b", "none.pem", "certificates to trust cannot be read: none.pem: No such file"),
        ("mqtts://b", __file__, "certificates to trust .*test_config.py: it holds none in PEM form"),
        ("mqtt://b", __file__, "mqtt.ca_file is for mqtts:// only"),
        ("embedded", __file__, "mqtt.ca_file is for mqtts:// only"),
    ],
)
def test_certificates_that_would_not_be_trusted_are_refused(
    tmp_path: Path, broker: str, file: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read(tmp_path, f"[mqtt]\nca_file = '{file}'\nbroker = '{broker}'")


def test_the_example_in_the_documentation_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "run.md").read_text("utf-8")
    example = "\n" + page.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "password").write_text("x")
    files = {"password_file": tmp_path / "password", "ca_file": tmp_path / "certificate.pem"}
    files |= {"cert_file": files["ca_file"], "key_file": tmp_path / "key.pem"}
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout"
    subprocess.run([*command.split(), files["key_file"], "-out", files["ca_file"]], check=True, capture_output=True)
    settings = read(tmp_path, example, mqtt=files)
    # Each setting is in the example.
    for section in (
        settings,
        settings.cameras[0],
        settings.mqtt,
        settings.workers,
        settings.model,
        settings.gate,
        settings.update,
        settings.outbox,
        settings.page,
    ):
        for name in section.__struct_fields__:
            assert f"\n{name} = " in example or any(
                f"\n{begin}\n" in example for begin in (f"[{name}]", f"[{name.removesuffix('s')}]", f"[[{name}]]")
            )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bytes(range(256)), "x.toml holds zero bytes, as UTF-16 without a mark does; save it as UTF-8"),
        (b"[camera]\nname = 'caf\xe9'", r"x.toml is not UTF-8 text \(byte 20\); save it as UTF-8"),
        ("[camera]".encode("utf-16"), "x.toml is UTF-16 text; save it as UTF-8"),
    ],
)
def test_settings_that_are_no_text_are_named_with_the_fix(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        load(tmp_path / "x.toml", {}, {})


def test_what_windows_editors_write_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes("node = 'porch'\r\n[mqtt]\r\nbroker = 'mqtt://me@b'\r\n".encode("utf-8-sig"))
    (tmp_path / "password").write_bytes(" hush\r\n".encode("utf-8-sig"))
    settings = load(tmp_path / "x.toml", {"mqtt": {"password_file": tmp_path / "password"}}, {})
    assert (settings.node, settings.mqtt.broker.password) == ("porch", " hush")


def test_the_password_comes_from_file_before_environment_before_address(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from file\n")
    broker = "[mqtt]\nbroker = 'mqtt://me:from%20address@b'\n"
    environment = {PASSWORD_VARIABLE: "from environment"}
    assert read(tmp_path, broker).mqtt.broker.password == "from address"
    assert read(tmp_path, broker, environment).mqtt.broker.password == "from environment"
    with_file = read(tmp_path, broker, environment, mqtt={"password_file": tmp_path / "password"})
    assert with_file.mqtt.broker.password == "from file"


def test_a_password_without_a_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a password needs a user name"):
        read(tmp_path, "", {PASSWORD_VARIABLE: "secret"})


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", "hush".encode("utf-16"), b"caf\xe9"])
def test_a_bad_password_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"the password file .*password ") as caught:
        read(tmp_path, "[mqtt]\nbroker = 'mqtt://me@b'", mqtt={"password_file": file})
    assert "hush" not in str(caught.value)


def test_no_representation_of_the_settings_holds_a_secret(tmp_path: Path) -> None:
    text = "[mqtt]\nbroker = 'mqtt://me:hush1@b'\n[camera]\nsource = 'rtsp://u:hush2@cam/1?token=hush3'"
    settings = read(tmp_path, text)
    assert "hush" not in f"{settings!r} {settings} {settings.cameras[0].source} {settings.mqtt.broker}"
    assert settings.cameras[0].source is not None
    assert settings.cameras[0].source.address == "rtsp://u:hush2@cam/1?token=hush3"


def test_state_lies_where_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state_dir() == tmp_path / "edge-caption"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert default_state_dir() == Path.home() / ".local/state/edge-caption"


def test_who_has_no_home_folder_is_told_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    with pytest.raises(ConfigError, match=r"no home folder .*; set XDG_STATE_HOME or give --state-dir"):
        load(None, {}, {})
    with pytest.raises(ConfigError, match=r"no home folder .*; set XDG_CACHE_HOME$"):
        engine_folder()


@pytest.mark.parametrize("gate", [{"masks": [[[0, 0], [1.5, 0], [0, 1]]]}, {"region": [0, 0, 640, 480]}])
def test_what_lies_outside_the_picture_is_told_in_which_units_it_is(gate: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"camera\.gate\..*; corners are shares of the picture's width and height"):
        load(None, {"camera": {"source": "0", "gate": gate}}, {})
