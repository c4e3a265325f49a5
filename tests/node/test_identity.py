from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge_caption.errors import ConfigError, OutboxError
from edge_caption.node.identity import node_name, outbox_path


def test_a_given_name_is_taken_and_not_kept(tmp_path: Path) -> None:
    assert node_name("pi", tmp_path / "state") == "pi"
    assert not (tmp_path / "state").exists()


def test_the_computers_name_is_kept_though_the_computer_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "kitchen pi+#.local")
    assert node_name(None, tmp_path) == "kitchen-pi"
    monkeypatch.setattr(socket, "gethostname", lambda: "other")
    assert node_name(None, tmp_path) == "kitchen-pi"
    assert [file.name for file in tmp_path.iterdir()] == ["node-name"]


def test_a_stored_name_may_have_been_edited_on_windows(tmp_path: Path) -> None:
    (tmp_path / "node-name").write_bytes("porch\r\n".encode("utf-8-sig"))
    assert node_name(None, tmp_path) == "porch"


def test_a_stored_name_that_was_spoilt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node-name").write_text("a/b")
    with pytest.raises(ConfigError, match=r"the node's name in .*node-name 'a/b' has '/'"):
        node_name(None, tmp_path)
    (tmp_path / "node-name").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text .*, or remove it$"):
        node_name(None, tmp_path)


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match=r"state cannot be kept in .*file/state: Not a directory"):
        node_name(None, tmp_path / "file" / "state")


def test_each_node_has_its_own_outbox(tmp_path: Path) -> None:
    assert outbox_path(tmp_path, "a") != outbox_path(tmp_path, "b")
